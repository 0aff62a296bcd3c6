"""Verdicts as text: all that is known of one run, a paragraph for each of several, a table of rule sets."""

import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Mapping

from vgp_bench.compare.diagnoses import HEALTHY, Diagnoses, Entry
from vgp_bench.compare.keys import shown
from vgp_bench.diagnosis.rule_sets import OURS
from vgp_bench.diagnosis.runs import NO_PROBES, counted
from vgp_bench.diagnosis.sentences import LABEL, block, reason
from vgp_bench.report.tables import formats
from vgp_bench.report.tables.folding import fold
from vgp_bench.report.tables.sheet import Column
from vgp_bench.report.tables.table import GAP, folded, grid

NARROWEST, WIDEST = 9, 17
"""Characters of a column of verdicts: their longest words, and the longest verdict."""

_EMPTY = ("none", "null")
"""Options that say nothing without their key."""

LEAST_NAMES = 14
"""To so many characters the names of runs are folded beside them."""


def render_diagnoses(found: Diagnoses, width: int | None = None) -> str:
    """One run with all its evidence, several with a paragraph each and counts; with rules of others, a table.

    width: characters a line, as the terminal has if not given.
    """
    width = width or shutil.get_terminal_size(fallback=(100, 24)).columns
    several = len(found.entries) > 1
    above = [f"all runs: {_words(found.constants, GAP)}"] if several and found.constants else []
    if found.rules != [OURS]:
        body = _table(found, width)
    elif several:
        body = [line for entry in found.entries for line in _paragraph(found, entry, width)]
    else:
        body = [line for line in _of_one(found.entries[0]) for line in _fold(line, width, LABEL)]
    folded_above, notes = ([part for line in lines for part in _fold(line, width)] for lines in (above, _notes(found)))
    return "\n".join([*folded_above, *body, *([""] if several and notes else []), *notes])


def _of_one(entry: Entry) -> list[str]:
    assert entry.run.diagnosis is not None
    lines = block(entry.run.diagnosis)
    return lines if entry.run.probed else [*lines, f"{'note':<{LABEL}}{NO_PROBES}"]


def _paragraph(found: Diagnoses, entry: Entry, width: int) -> list[str]:
    """The verdict and which run; below it the reason, unless all is well for certain."""
    diagnosis, label = entry.run.diagnosis, entry.run.in_table
    assert diagnosis is not None
    space = max(len(each.run.in_table) for each in found.entries) + len(GAP)
    lines = _fold(f"{label:<{space}}{entry.run.path.name}  {_name(found, entry)}", width, space)
    if label == HEALTHY:
        return lines
    why = diagnosis.consequence.words if entry.run.label == HEALTHY else reason(diagnosis)
    indent = " " * 4
    return [*lines, *textwrap.wrap(why, width, initial_indent=indent, subsequent_indent=indent)]


def _table(found: Diagnoses, width: int) -> list[str]:
    """A row a run, a column a rule set; where they are too wide, their words are folded, and the names of the runs."""
    names = Column(("run",), [f"{entry.run.path.name} {_name(found, entry)}" for entry in found.entries], left=True)
    most = max(LEAST_NAMES, width - len(found.rules) * (NARROWEST + len(GAP)))
    names = folded(names, most, cut=True)
    used = max(len(line) for text in names.cells for line in text.split("\n"))
    each = max(NARROWEST, min(WIDEST, (width - used) // len(found.rules) - len(GAP)))
    columns = [
        Column(
            tuple(fold(name, each, cut=True)),
            [
                "\n".join(part for label in e.labels[name] for part in fold(label, each, cut=True))
                for e in found.entries
            ],
            left=True,
        )
        for name in found.rules
    ]
    lines = grid([names, *columns], len(found.entries), "")
    rule = formats.signs_for(sys.stdout.encoding).rule * max(map(len, lines))
    return [line or rule for line in lines]


def _notes(found: Diagnoses) -> list[str]:
    """Counts of verdicts, and what is wrong with the records."""
    runs = len(found.entries)
    notes = [f"left out: {problem}" for problem in found.damaged]
    if found.rules != [OURS]:
        for name in found.rules:
            counts = Counter(" + ".join(entry.labels[name]) for entry in found.entries)
            notes.append(f"{name}: {', '.join(f'{count} x {label}' for label, count in counts.most_common())}")
    elif runs > 1:
        notes.append(f"{runs} runs: {counted(entry.run.in_table for entry in found.entries)}")
    if runs > 1 or found.rules != [OURS]:
        unprobed = [entry.run.path.name for entry in found.entries if not entry.run.probed]
        which = "all runs" if len(unprobed) == runs > 1 else ", ".join(unprobed)
        notes += [f"{NO_PROBES}: {which}"] if unprobed else []
    return notes


def _name(found: Diagnoses, entry: Entry) -> str:
    """Its settings and the seed; an option is told by its name alone, a number needs its key."""
    settings = {key: entry.values[key] for key in found.settings if entry.values[key] is not None}
    return _words(settings | ({} if entry.seed is None else {"seed": entry.seed}), ", ")


def _words(settings: Mapping[str, object], gap: str) -> str:
    short = Counter(key.rpartition(".")[2] for key in settings)
    names = {key: key if short[key.rpartition(".")[2]] > 1 else key.rpartition(".")[2] for key in settings}
    return gap.join(
        str(value)
        if isinstance(value, str) and "." not in key and value not in _EMPTY
        else f"{names[key]}={shown(value)}"
        for key, value in settings.items()
    )


def _fold(text: str, width: int, indent: int = 2) -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent=" " * indent, break_on_hyphens=False)
