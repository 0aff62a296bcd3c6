"""What a doctor says, in 80 columns."""

import math
import shlex
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from vgp_bench.diagnosis.finding import Diagnosis
from vgp_bench.diagnosis.sentences import LABEL, block
from vgp_bench.doctor.changes import UNCHANGED, Change
from vgp_bench.doctor.flow import Statistic
from vgp_bench.doctor.ranking import Standing
from vgp_bench.plural import plural
from vgp_bench.report.tables import formats
from vgp_bench.report.tables.folding import fold
from vgp_bench.report.tables.sheet import Column
from vgp_bench.report.tables.table import GAP, folded, grid

WIDTH = 80
VERDICT = 11
"""Characters of the column of verdicts, folded."""
METHOD = (
    "rounds: successive halving (Jamieson & Talwalkar 2016), and pairs of the best from round 2 on; ranked by loss and "
    "accuracy on the validation data, never the test data"
)


def verdict_text(diagnosis: Diagnosis, steps: int) -> str:
    """The verdict on the network as it is, with its evidence; the remedies are about to be tried."""
    told = [line for line in block(diagnosis) if line[:LABEL].strip() not in ("try", "or")]
    head = f"as it is, after {plural(steps, 'step')}"
    return "\n".join([head, *(part for line in told for part in _fold(line, LABEL))])


def table_text(standings: Sequence[Standing], before: Standing, statistic: Statistic, accuracy: bool) -> str:
    """The ranking, the network as it is above it. accuracy: whether there is one, else losses are shown."""
    signs = formats.signs_for(sys.stdout.encoding)
    rows = [before, *standings]
    cost = [("1" if one is before else _times(one.parameters, signs.times)) for one in rows]
    pace = [("1" if one is before else _times(one.seconds, signs.times)) for one in rows]
    verdicts = ["no result" if one.failed else one.verdict for one in rows]
    columns = [
        Column(("#",), ["", *map(str, range(1, len(rows)))]),
        Column(("change",), [UNCHANGED, *(one.change.name for one in standings)], left=True),
        folded(Column(("verdict",), verdicts, left=True), VERDICT, True),
        Column(statistic.header, [_figure(one.statistic) for one in rows]),
        Column(
            ("val", "acc %" if accuracy else "loss"),
            [formats.cell(one.learned, formats.percent if accuracy else formats.factor, signs) for one in rows],
        ),
        Column(
            ("steps",), [f"{one.seeds}{signs.times}{one.steps}" if one.seeds > 1 else str(one.steps) for one in rows]
        ),
        Column(("para-", "meters"), cost),
        Column(("s/step",), pace),
    ]
    others = sum(_width(column) for column in columns if column.header != ("change",)) + len(GAP) * (len(columns) - 1)
    columns[1] = replace(columns[1], cells=[_by_words(name, max(20, WIDTH - others)) for name in columns[1].cells])
    return "\n".join(grid(columns, len(rows), signs.rule * WIDTH))


def notes_text(statistic: Statistic, standings: Sequence[Standing], left: Sequence[str], why_left: str) -> str:
    """What a reader of the table must know. left: names of changes that were not tried."""
    notes = [METHOD, statistic.meaning]
    notes += [f"{one.change.name}: {one.failed}" for one in standings if one.failed]
    if left:
        notes.append(f"not tried, {why_left}: {'; '.join(left)}")
    return "\n".join(part for note in notes for part in _fold(note, 2))


def end_text(best: Standing | None, standings: Sequence[Standing], folder: Path) -> str:
    """The winner as a command, or that nothing helped, or was tried yet; where the runs are."""
    lines = []
    if best is not None:
        why = f"{best.change.why[:1].upper()}{best.change.why[1:]}"
        lines += _fold(f"best: {best.change.name} ({_claim(best)}). {why}", 2)
        lines += ["", command_text(best.change)]
    elif standings:
        lines += _fold(_nothing(standings[0]), 2)
    else:
        lines.append("nothing tried yet: the same command with more --minutes or --max-runs goes on")
    lines += ["", f"runs: vgp-bench compare {folder}", f"      vgp-bench report {folder} -o report.html"]
    return "\n".join(lines)


def command_text(change: Change) -> str:
    """The command that trains the network with the change, as long as it was to be trained."""
    return textwrap.fill(
        shlex.join(["vgp-bench", "run", *change.words]),
        WIDTH - 2,
        break_long_words=False,
        break_on_hyphens=False,
        subsequent_indent="    ",
    ).replace("\n", " \\\n")


def _claim(one: Standing) -> str:
    if one.seeds == 1:
        return "healthy with it, one seed: more would make it sure"
    return f"healthy with it, {one.seeds} seeds of {one.seeds}"


def _nothing(first: Standing) -> str:
    words = "nothing that was tried repairs it"
    if first.gain.n and first.gain.mean > 0:
        words += f"; the nearest is {first.change.name}, with which it is {first.verdict or 'without a result'}"
    return f"{words}. It may need more steps (--steps), more runs (--max-runs, --minutes), or other data"


def _by_words(name: str, width: int) -> str:
    """As many words a line as fit; a word that is too long for a line is folded at its seams."""
    lines: list[str] = []
    for word in name.split():
        if lines and len(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines += fold(word, width, True) if len(word) > width else [word]
    return "\n".join(lines)


def _width(column: Column) -> int:
    return max(len(line) for text in (*column.header, *column.cells) for line in text.split("\n"))


def _figure(value: float) -> str:
    return formats.UNKNOWN if math.isnan(value) else f"{value:.2g}"


def _times(value: float, times: str) -> str:
    return formats.UNKNOWN if math.isnan(value) else f"{times}{value:.2g}"


def _fold(text: str, indent: int) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=" " * indent, break_on_hyphens=False)
