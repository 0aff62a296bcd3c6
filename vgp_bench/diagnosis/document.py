"""docs/diagnosis.md: the verdicts, what they are read from, and every threshold with its reason. Write it anew with
`python -m vgp_bench.diagnosis.document > docs/diagnosis.md` after a change of a symptom or a threshold.
"""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from vgp_bench.diagnosis import consequence, symptoms, thresholds

_HEADER = """# What is wrong with a run

`vgp-bench diagnose RESULTS` reads the records of each run and gives one verdict. This page is generated from the code;
do not edit it: `python -m vgp_bench.diagnosis.document > docs/diagnosis.md`.

```
$ vgp-bench diagnose results/default/3e3142e12566
verdict   vanishing (depth), certain
seen      layer_1 cannot move the outputs, from the start
evidence  outputs moved per relative change of the first stage 3.41e-09 (limit 0.001)
outcome   the loss is 2.31, chance 2.3, and does not fall
note      collapsed: layer_6 is the same for every input, from the start; ...
try       skip connections: a way around every layer (He et al. 2016, Bachlechner et al. 2020):
          architecture=residual_mlp architecture.residual=rezero
or        batch normalization: every layer's signal at size 1 (Ioffe 2015, Ba 2016): normalizer=batch
```

## How to read it

A verdict needs two things: a symptom of the signal, and harm in the training (the loss stands still, goes back up, or
leaves the finite). A symptom without harm is a note: many a healthy network has small gradients, or half of its
activations at zero. Harm without a symptom is `plateau`, `unstable` or `diverged`: it is there, but no layer says why.
`undecided`: too few steps to say anything.

- **seen**: what, where and since which step it was seen at every look. **evidence**: the statistic with its 95 %
  interval, if it is estimated, beside the limit it passed. **outcome**: what became of the training.
- **certain**: the whole interval lies beyond the limit and no other symptom explains it; **likely**: otherwise, and of
  a cause that explains a standstill only for want of another. Healthy is certain once 40 % of the loss of chance is
  left behind, or as much gained in accuracy.
  **or else**: the next best explanation. **note**: symptoms that the verdict explains, or that did no harm.
- **try**, **or**: what to change, the most promising first by the papers named; for a composed run with the words for
  its command line. They were not tried on this network: that is what `vgp-bench doctor` does, see below.

Of several symptoms the first in the order below is the verdict, because it explains those after it. A verdict at step
n (`--step n`) depends on nothing that came later. It is found anew at each reading and never stored: old results can be
judged again. Runs without probes (`monitor.probe_every=null`, or from before there was such a table) are judged by loss
and layers alone: the signal along depth is then that of the batches, near enough to be called vanishing or exploding;
what is collapsed, symmetric or saturated is not seen. Runs without a monitor are judged by their loss.

## Symptoms

In the order in which one explains the other. S_l = mean over inputs i of ||h_l,i|| ||dL_i/dh_l,i||, the change of the
loss per relative change of stage l. What it and the other figures are is in [columns.md](columns.md), table `probes`.
"""

_BLIND = """
## What it does not see

- What no record holds: wrong labels, leaking data, a bug in the loss. A network that learns the wrong thing is healthy.
- Slow learning that better settings would speed up, and overfitting: the training loss falls, so there is no harm.
- Anything between two looks: probes are taken at the steps that the monitor logs, units are counted less often.
- The difference between a task that cannot be learned and a network that cannot learn it: both are a `plateau`.
- A cause below the first stage, such as inputs that are not scaled, but by what it does to the stages.

## Which remedy works

`vgp-bench doctor OVERRIDES` composes a network as `vgp-bench run` does, trains it for 200 steps (1000 of a recurrent
network and on sequences, which stay near chance at first even when nothing is wrong) and judges it. If it is ill, it
tries the remedies of the verdict, whatever else applies, and a range of learning rates (Smith 2017), one change at a
time; then pairs of the best. Who goes on is decided by successive halving (Jamieson & Talwalkar 2016): all for a third
of the steps, the better half for two thirds, the last three to the end with three seeds each. The ranking shows the
verdict with each change, what became of the signal, validation accuracy with its interval, parameters and time a step.
A change repairs if every seed is healthy with it and the gain on the validation data is clearly above 0; the test data
are never looked at. Each trial is a recorded run, so the same command goes on where it was stopped. What it finds holds
for so many steps of this network on these data, not in general.

## The rules of other tools

`vgp-bench diagnose RESULTS --rules all` puts beside it what other tools would say: `autotrainer` (Zhang et al. 2021),
`deepdiagnosis` (Wardat et al. 2022), `sagemaker` (Amazon SageMaker Debugger), `deepchecker` (Ben Braiek & Khomh 2023)
and the rules of thumb of popular `articles`. They are read from our records as closely as these allow; what is
approximated stands in the docstring of each file of `vgp_bench/diagnosis/rules`.
"""


def diagnosis_document() -> str:
    """The whole text of docs/diagnosis.md."""
    parts = [_HEADER]
    parts += [f"{_bold(_text(module))}\n" for module in _symptoms()]
    parts += [f"## Harm\n\n{_text(consequence)}\n", "## Thresholds\n", f"{_text(thresholds)}\n"]
    for heading, rows in _sections(Path(thresholds.__file__).read_text(encoding="utf-8")):
        parts += [f"### {heading.capitalize()}\n", "| threshold | value | what it is, and why |", "|---|---|---|"]
        parts += [f"| `{name}` | {value} | {_cell(why)} |" for name, value, why in rows]
        parts.append("")
    return "\n".join(parts).rstrip() + "\n" + _BLIND


def _symptoms() -> list[ModuleType]:
    names = [module.name for module in pkgutil.iter_modules(symptoms.__path__)]
    found = [importlib.import_module(f"{symptoms.__name__}.{name}") for name in names]
    return sorted(found, key=lambda module: int(module.RANK))


def _text(module: ModuleType) -> str:
    return (module.__doc__ or "").strip()


def _bold(text: str) -> str:
    """With what is before the first colon, the name of the symptom, in bold."""
    return re.sub(r"^([^:]+):", r"**\1**:", text)


def _sections(source: str) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """Of each `# --- heading ---` of the file: the constants below it, as name, value and the text that follows it."""
    headings = {
        number: found[1].strip()
        for number, line in enumerate(source.splitlines(), start=1)
        if (found := re.fullmatch(r"# -+ (.*?) -+", line))
    }
    body = ast.parse(source).body
    starts = sorted(headings)
    for start, end in zip(starts, [*starts[1:], len(source)], strict=True):
        nodes = [node for node in body if start < node.lineno < end]
        yield headings[start], list(_constants(nodes))


def _constants(nodes: list[ast.stmt]) -> Iterator[tuple[str, str, str]]:
    for node, after in zip(nodes, [*nodes[1:], None], strict=True):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            why = after.value if isinstance(after, ast.Expr) else None
            text = why.value if isinstance(why, ast.Constant) and isinstance(why.value, str) else ""
            yield node.targets[0].id, ast.unparse(node.value), text


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


if __name__ == "__main__":
    print(diagnosis_document(), end="")
