"""The configurations of the set, as the files in cases/ say: words for `vgp-bench run`, what is wrong, where, when."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

FOLDER = Path(__file__).resolve().parent
COMMON = [
    "--config-dir",
    str(FOLDER / "configs"),
    "trainer.max_steps=200",
    "trainer.max_epochs=1000",
    "trainer.batch_size=64",
    "monitor.dense_steps=1000000",
    "monitor.every=null",
    "monitor.probe_every=10",
    "device=cpu",
    "progress=false",
    "experiment_name=set",
]
"""Every step is logged and every tenth is probed: what a rule set can see must not depend on the run's length."""

INDEPENDENT = FOLDER / "independent"
"""Files like those in cases/, of networks, data and faults that these lack; chosen after our rules were written, with
labels from before any verdict was seen. No threshold, no order of symptoms and no label is set on
them; mistakes in the rules that their first scores showed were mended."""

Kind = Literal["faulty", "healthy", "look-alike"]
Part = Literal["development", "held out", "independent", "random"]
HELD_OUT = {"gru", "highway", "resnet", "vit", "cnn on mnist", "mlp on mnist", "rnn on sequences"}
"""Families, or families on a data set, that no threshold of ours may be tuned on; chosen before any score was seen.

After the first score two mistakes in them were mended: vit had no normalizer, resnet/overflow diverged by itself."""


@dataclass(frozen=True)
class Labelled:
    """One configuration.

    label: the verdict; accepted: others that describe the same fault as well. axis, stage: where, if the fault has a
    place (stage counted from 0 at the input); onset: the step before which the fault was put in. like: the symptom
    that a look-alike has. twin: the name of the healthy case that a faulty one is measured by. origin: where it
    comes from, if not from cases/: INDEPENDENT, or drawn at random.
    """

    name: str
    family: str
    data: str
    kind: Kind
    words: tuple[str, ...]
    label: str
    accepted: tuple[str, ...] = ()
    axis: str = ""
    stage: int | None = None
    onset: int = 0
    like: str = ""
    twin: str = field(default="", compare=False)
    origin: Literal["", "independent", "random"] = ""

    @property
    def held_out(self) -> bool:
        return not self.origin and bool({self.family, f"{self.family} on {self.data}"} & HELD_OUT)

    @property
    def part(self) -> Part:
        """Which part of the set it belongs to."""
        return self.origin or ("held out" if self.held_out else "development")

    @property
    def answers(self) -> frozenset[str]:
        """All verdicts that are right."""
        return frozenset({self.label, *self.accepted})


def read_cases(folder: Path = FOLDER / "cases") -> list[Labelled]:
    """All of a folder, file by file."""
    return [case for path in sorted(folder.glob("*.yaml")) for case in _of_file(path)]


def _of_file(path: Path) -> list[Labelled]:
    content = yaml.safe_load(path.read_text())
    kinds: tuple[Kind, ...] = ("faulty", "healthy", "look-alike")
    return [
        _labelled(f"{path.stem}/{name}", content, kind, entry, "independent" if path.parent == INDEPENDENT else "")
        for kind in kinds
        for name, entry in (content.get(kind) or {}).items()
    ]


def _labelled(
    name: str, content: dict[str, Any], kind: Kind, entry: dict[str, Any], origin: Literal["", "independent"]
) -> Labelled:
    known = {"words", "without", "label", "axis", "stage", "onset", "like", "twin"}
    if unknown := set(entry) - known:
        raise ValueError(f"{name}: no such key: {', '.join(sorted(unknown))}")
    dropped = tuple(f"{key}=" for key in entry.get("without", []))
    shared = [word for word in content["words"] if not word.startswith(dropped)] if dropped else content["words"]
    # A later word of the same key stands for the earlier one; Hydra would refuse a group that is chosen twice.
    words = {word.partition("=")[0]: word for word in [*COMMON[2:], *shared, *map(str, entry["words"])]}
    labels = entry.get("label", "healthy")
    labels = labels if isinstance(labels, list) else [labels]
    return Labelled(
        name=name,
        family=content["family"],
        data=content["data"],
        kind=kind,
        words=(*COMMON[:2], *words.values()),
        label=labels[0],
        accepted=tuple(labels[1:]),
        axis=entry.get("axis", "depth" if labels[0] == "vanishing" else ""),
        stage=entry.get("stage"),
        onset=entry.get("onset", 0),
        like=entry.get("like", ""),
        twin=f"{path_stem(name)}/{entry['twin']}" if "twin" in entry else "",
        origin=origin,
    )


def path_stem(name: str) -> str:
    """The file that a case stands in."""
    return name.partition("/")[0]
