"""A claim as its file tells it: source, what it says, and for each scale the runs and what is expected of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from vgp_bench.claims.expected import Expected, read_expected
from vgp_bench.errors import ConfigError

SCALES = ("init", "smoke", "paper")
"""init: no training, seconds; smoke: at most 2 minutes on 2 CPU cores; paper: the paper's own setting, on one GPU."""


@dataclass(frozen=True)
class Scale:
    """The experiment at one scale.

    decides: what this scale can decide, and what not; minutes: of all runs with all seeds, on 2 CPU cores, or at scale
    paper on one GPU; seeds: how many; common: words of `vgp-bench run` that all runs share; arms: name -> words of its
    own; grid: key -> values, each combined with every arm; measures: measurements (claims/measurements) taken of every
    cell at initialization; trained: whether there are runs beside these. broken: arm -> words that spoil it, with
    which the claim must not come out as reproduced; surrogate: stands in for a larger experiment.
    """

    decides: str
    minutes: float
    seeds: int
    common: tuple[str, ...]
    arms: Mapping[str, tuple[str, ...]]
    grid: Mapping[str, tuple[Any, ...]]
    measures: tuple[str, ...]
    trained: bool
    broken: Mapping[str, tuple[str, ...]]
    surrogate: bool
    expect: Mapping[str, Expected]


@dataclass(frozen=True)
class Claim:
    """name: as on the command line; sentence: the claim; source: paper, figure or table; says: what it says there, in
    our words; contradicted_by: what would; caveats: what the result does not show. path: of its file.
    """

    name: str
    sentence: str
    source: str
    year: int
    says: str
    contradicted_by: str
    caveats: tuple[str, ...]
    scales: Mapping[str, Scale]
    path: Path


def read_claim(path: Path) -> Claim:
    """The claim in this file. Raises ConfigError for a form it cannot have."""
    import yaml

    where = path.name
    if not path.stem.isidentifier():
        raise ConfigError(f"{where}: name it with underscores, as a module: {path.stem.replace('-', '_')}.yaml")
    try:
        content = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise ConfigError(f"{where}: {' '.join(str(error).split())}") from error
    _check_keys(content, {"sentence", "source", "year", "says", "contradicted_by", "caveats", "scales"}, where)
    wrong = set(content["scales"]) - set(SCALES)
    if wrong or not content["scales"]:
        raise ConfigError(f"{where}: scales: there are {', '.join(SCALES)}, not {', '.join(wrong) or 'none'}")
    scales = {name: _scale(content["scales"][name], f"{where}, {name}") for name in SCALES if name in content["scales"]}
    return Claim(
        name=path.stem.replace("_", "-"),
        sentence=_line(content["sentence"]),
        source=_line(content["source"]),
        year=int(content["year"]),
        says=_line(content["says"]),
        contradicted_by=_line(content["contradicted_by"]),
        caveats=tuple(_line(caveat) for caveat in content["caveats"]),
        scales=scales,
        path=path,
    )


_DEFAULTS: dict[str, Any] = {
    "common": [],
    "arms": {"network": []},
    "grid": {},
    "measures": [],
    "trained": True,
    "broken": {},
    "surrogate": False,
}


def _scale(content: Mapping[str, Any], where: str) -> Scale:
    names = {field.name for field in fields(Scale)}
    _check_keys({**_DEFAULTS, **content}, names, where)
    made = {**_DEFAULTS, **content}
    arms = {str(arm): _words(words, where) for arm, words in made["arms"].items()}
    broken = {str(arm): _words(words, where) for arm, words in made["broken"].items()}
    if unknown := set(broken) - set(arms):
        raise ConfigError(f"{where}: broken: no such arm: {', '.join(unknown)}")
    if not made["trained"] and not made["measures"]:
        raise ConfigError(f"{where}: neither trained nor measured: nothing could be judged")
    return Scale(
        decides=_line(made["decides"]),
        minutes=float(made["minutes"]),
        seeds=int(made["seeds"]),
        common=_words(made["common"], where),
        arms=arms,
        grid={str(key): tuple(values) for key, values in made["grid"].items()},
        measures=tuple(made["measures"]),
        trained=bool(made["trained"]),
        broken=broken,
        surrogate=bool(made["surrogate"]),
        expect={str(name): read_expected(str(name), entry, where) for name, entry in made["expect"].items()},
    )


def _words(words: Sequence[Any] | str, where: str) -> tuple[str, ...]:
    found = words.split() if isinstance(words, str) else [str(word) for word in words]
    if wrong := [word for word in found if "=" not in word]:
        raise ConfigError(f"{where}: {wrong[0]}: words are GROUP=OPTION or KEY=VALUE")
    return tuple(found)


def _check_keys(content: Any, names: set[str], where: str) -> None:
    if not isinstance(content, Mapping):
        raise ConfigError(f"{where}: a mapping with {', '.join(sorted(names))}")
    missing, unknown = sorted(names - set(content)), sorted(set(content) - names)
    if unknown:
        told = f"; {', '.join(missing)} missing" if missing else ""
        raise ConfigError(f"{where}: no such key: {', '.join(unknown)}{told}")
    if missing:
        raise ConfigError(f"{where}: {', '.join(missing)} missing")


def _line(text: Any) -> str:
    return " ".join(str(text).split())
