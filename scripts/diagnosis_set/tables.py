"""The scores as markdown: one column a rule set."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from diagnosis_set import scores
from diagnosis_set.cases import Labelled
from diagnosis_set.judging import STEP, Judgement
from diagnosis_set.scores import Judged, Share
from vgp_bench.diagnosis.rule_sets import OURS

Judgements = Mapping[str, Mapping[str, Judgement]]
Figure = Callable[[Judged], str]


def score_lines(cases: Sequence[Labelled], judgements: Judgements) -> list[str]:
    """Every figure, a row each; a column for each rule set."""
    rows: dict[str, Figure] = {
        "exact label, all": lambda judged: _share(scores.exact(judged)),
        "exact label, faulty": lambda judged: _share(scores.exact_of_faulty(judged)),
        "the first label itself, faulty": lambda judged: _share(scores.strict(judged)),
        "macro-F1": lambda judged: f"{scores.macro_f1(judged):.2f}",
        "false alarms, healthy": lambda judged: _share(scores.alarms(judged, "healthy")),
        "false alarms, look-alikes": lambda judged: _share(scores.alarms(judged, "look-alike")),
        "alarms before the fault was there": lambda judged: _count(scores.early(judged)),
        "steps to the verdict, median": lambda judged: _quantile(scores.delays(judged), 0.5),
        "steps to the verdict, 95 %": lambda judged: _quantile(scores.delays(judged), 0.95),
        "place right within one stage": lambda judged: _count(scores.place(judged)),
        "axis right": lambda judged: _count(scores.axis(judged)),
        "ms of a core to judge a run, median": lambda judged: f"{1000 * scores.cost(judged):.1f}",
    }
    return _table(rows, cases, judgements, "")


def symptom_lines(cases: Sequence[Labelled], judgements: Judgements) -> list[str]:
    """Precision and recall of each verdict."""
    labels = sorted({case.label for case in cases})
    rows = {label: _of_symptom(label) for label in labels}
    return _table(rows, cases, judgements, "precision / recall")


def _of_symptom(label: str) -> Figure:
    def figure(judged: Judged) -> str:
        found = scores.symptoms(judged)[label]
        return f"{_plain(found.precision)} / {_plain(found.recall)}"

    return figure


def split_lines(cases: Sequence[Labelled], judgements: Judgements) -> list[str]:
    """Exact labels of each family on each data set; those on which nothing was tuned are marked."""
    groups = sorted({(case.part, case.family, case.data) for case in cases})
    lines = []
    for part, family, data in groups:
        chosen = [case for case in cases if (case.part, case.family, case.data) == (part, family, data)]
        figures = [_count(scores.exact(scores.pairs(chosen, found))) for found in judgements.values()]
        lines.append(f"| {family} on {data}{'' if part == 'development' else f' ({part})'} | {' | '.join(figures)} |")
    return [*_head(judgements, "exact label"), *lines]


def miss_lines(cases: Sequence[Labelled], judgements: Judgements) -> list[str]:
    """Every case in which ours is wrong."""
    wrong = [(c, j) for c, j in scores.pairs(cases, judgements[OURS]) if not j.is_right(c)]
    return [f"- {c.name} ({c.kind}): {_truth(c)}; said {j.said}" for c, j in wrong] or ["- none"]


def _truth(case: Labelled) -> str:
    axis = f" ({case.axis})" if case.axis else ""
    return f"{case.label}{axis}" + "".join(f" or {word}" for word in case.accepted)


def _table(rows: Mapping[str, Figure], cases: Sequence[Labelled], judgements: Judgements, corner: str) -> list[str]:
    judged = {name: scores.pairs(cases, found) for name, found in judgements.items()}
    lines = [f"| {name} | {' | '.join(figure(of) for of in judged.values())} |" for name, figure in rows.items()]
    return [*_head(judgements, corner), *lines]


def _head(judgements: Judgements, corner: str) -> list[str]:
    return [f"| {corner} | {' | '.join(judgements)} |", "|---" * (len(judgements) + 1) + "|"]


def _share(found: Share) -> str:
    if not found.count:
        return "-"
    low, high = found.wilson
    return f"{found.hits}/{found.count} = {100 * found.value:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


def _count(found: Share) -> str:
    return f"{found.hits}/{found.count}" if found.count else "-"


def _plain(found: Share) -> str:
    return f"{found.value:.2f}" if found.count else "-"


def _quantile(steps: Sequence[int], share: float) -> str:
    """Told to STEP steps, the distance of two looks."""
    return f"{np.quantile(steps, share):.0f} (+-{STEP})" if steps else "-"
