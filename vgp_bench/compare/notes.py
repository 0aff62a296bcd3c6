"""What a reader of a table must know of the runs behind it: seeds run twice, mixed versions and devices."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from vgp_bench.plural import plural
from vgp_bench.records.reading import RunRecord


def duplicates(name: str, runs: Sequence[RunRecord]) -> list[str]:
    """One line if the group of this name holds several runs of a seed."""
    counts = Counter(record.seed for record in runs if record.seed is not None)
    seeds = [f"{seed} ({count} runs)" for seed, count in counts.items() if count > 1]
    if not seeds:
        return []
    return [f"{name}: seed {', '.join(seeds)} counted once: the latest completed run"]


def mixtures(records: Sequence[RunRecord]) -> list[str]:
    """One line for each part of the environment in which the runs differ."""
    notes = []
    for what, read in ENVIRONMENT.items():
        if what in LAST_BITS:
            continue
        counts = Counter(str(read(record.environment) or "unknown") for record in records)
        if len(counts) > 1:
            found = ", ".join(f"{value} ({plural(count, 'run')})" for value, count in counts.most_common())
            notes.append(f"mixed {what}: {found}")
    patched = [record for record in records if _gone_on_elsewhere(record.environment)]
    if patched:
        which = f"{patched[0].path.name}{f' and {len(patched) - 1} more' if len(patched) > 1 else ''}"
        notes.append(f"begun and gone on with by different code, torch, device or CPU threads: {which}")
    return notes


def _gone_on_elsewhere(environment: dict[str, Any]) -> bool:
    """Whether a run that was stopped went on in another environment than it began in: its rows are by both."""
    later = environment.get("resumed") or []
    return any(read(entry) != read(environment) for entry in later for read in ENVIRONMENT.values())


def _code(environment: dict[str, Any]) -> str | None:
    code = environment.get("code") or {}
    version = (environment.get("versions") or {}).get("vgp-bench")
    if code.get("commit"):
        return f"{version} {code['commit'][:10]}{' with changes' if code.get('dirty') else ''}"
    return version


def _torch(environment: dict[str, Any]) -> str | None:
    return (environment.get("versions") or {}).get("torch")


def _device(environment: dict[str, Any]) -> str | None:
    return environment.get("device")


def _threads(environment: dict[str, Any]) -> int | None:
    """Where a GPU does the sums they are not split among threads."""
    threads: int | None = environment.get("threads") if environment.get("device") == "cpu" else None
    return threads


ENVIRONMENT = {"code": _code, "torch": _torch, "device": _device, "CPU threads": _threads}
"""Parts of the environment that can change numbers, and how each is read."""
LAST_BITS = ("CPU threads",)
"""Those of which only the rounding depends: one run must not be of two, runs of a group may differ as seeds do."""
