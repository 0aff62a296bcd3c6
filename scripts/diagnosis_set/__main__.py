"""Runs what is missing of the labelled set, judges every run by our rules and by those of other tools, and prints how
good they are."""

import argparse
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.calling import leave, output, whole

from diagnosis_set import tables
from diagnosis_set.cases import FOLDER, INDEPENDENT, Labelled, Part, read_cases
from diagnosis_set.drawing import draw
from diagnosis_set.drawn_labels import label_drawn
from diagnosis_set.judging import judge_all
from diagnosis_set.outcomes import contradictions, write_labels
from diagnosis_set.recording import overhead
from diagnosis_set.runs import doubles, run_missing
from vgp_bench.errors import UserError
from vgp_bench.records.environment import describe_environment
from vgp_bench.report.output_file import write_text

HOUSE = FOLDER.parent.parent
PLACE = "scripts/diagnosis_set/cases"
PARTS: dict[str, Part] = {
    "Development set": "development",
    "Held out": "held out",
    "Independent": "independent",
    "Drawn at random": "random",
}
"""Titles, in the order in which they are printed."""
DATA = {"mnist": "MNIST/raw", "cifar": "cifar/train"}
"""Data sets that are not made here, and the folder in data_dir that each needs."""
FIRST_DRAW = (
    "Seeds 1 and 2 have been looked at; what counts of them is their first score. Seed 1: 58/71 = 81.7 % [71.2, 89.0] "
    "exact, 35/48 of the faulty, 0/23 false alarms; it showed two mistakes in the labels (see `drawn_labels.py`), "
    "which were mended. Seed 2, by rules frozen before seed 1 was drawn: 63/73 = 86.3 % [76.6, 92.4], 38/47, 1/26. "
    "From their misses come three rules: a stall within a percent of the start is `update too small`, one with a "
    "faint signal `collapsed`, and who answered right from the start has arrived; with these they are at 65/71 and "
    "68/73. The rules were frozen again before seed 3 was drawn and stayed so until it was scored: 66/73 "
    "= 90.4 % [81.5, 95.3] is the untouched score, 63/73 that of the rules before. Two limits have "
    "their own reasons, but are the numbers that the labels have for them: that of a faint signal (`FAINT_SHARE`), and "
    "that of a start not left (`HARDLY_MOVED`), which over the 100 steps of these networks is 1e-4 a step. Without the "
    "first rule seed 3 is at 64/73, without the second at 65/73, without both at 63/73. Since "
    "then a faint signal says nothing along time, for the sake of a copy-memory LSTM held out: one right answer of "
    "seed 1 less (64/71), seeds 2 and 3 the same. Commands: `scripts/score_diagnosis --draw 80 --seed N --overhead`. "
    "Runs that were there already, of whatever part, were not made anew but judged anew: their records may be those of "
    "an earlier version."
)
"""What a reader of any draw must know of those before it."""


def main() -> int:
    arguments = _arguments()
    cases, absent = _there([*read_cases(), *read_cases(INDEPENDENT)], arguments.data_dir)
    chosen = [case for case in cases if not arguments.only or case.name.startswith(tuple(arguments.only))]
    pairs = draw(arguments.seed, arguments.draw)
    if not chosen and not pairs:
        raise UserError(f"--only {' '.join(arguments.only)}: no case of that name; they stand in {PLACE}")
    began = time.perf_counter()
    both = [case for pair in pairs for case in pair]
    records, missing = run_missing([*chosen, *both], arguments.results, arguments.data_dir, arguments.processes)
    ran = time.perf_counter() - began
    chosen = [case for case in chosen if case.name in records]
    # The same network may be drawn, or cured, twice: that is no mistake.
    left_out = contradictions(chosen, records) | dict.fromkeys(
        doubles({case.name: records[case.name] for case in chosen}), "the same run as another case"
    )
    drawn, unlabelled = label_drawn(pairs, records)
    chosen, left_out = [*chosen, *drawn], left_out | unlabelled
    write_labels(chosen, records, left_out, arguments.results / "labels.csv")
    kept = [case for case in chosen if case.name not in left_out]
    began = time.perf_counter()
    judgements = judge_all(kept, records, arguments.processes)
    judged = time.perf_counter() - began
    lines = ["# Verdicts, scored", "", *_preface(kept, absent, ran, judged)]
    lines += _of_drawn(drawn, arguments.seed) * bool(drawn)
    if arguments.overhead:
        lines += ["", overhead()]
    for title, name in PARTS.items():
        if part := [case for case in kept if case.part == name]:
            lines += ["", f"## {title}: {_counts(part)}", "", *tables.score_lines(part, judgements)]
            lines += ["", *tables.symptom_lines(part, judgements)]
    lines += ["", "## By family and data set", "", *tables.split_lines(kept, judgements)]
    lines += ["", "## Where ours is wrong", "", *tables.miss_lines(kept, judgements)]
    lines += ["", "## Left out", "", "Their outcome contradicts their label, or gives none:", ""]
    lines += [f"- {name}: {why}" for name, why in left_out.items()] or ["- none"]
    text = "\n".join(lines) + "\n"
    print(text)
    if arguments.out is not None:
        write_text(arguments.out, text)
    if missing:
        print(f"no result: {', '.join(missing)}; see log-*.txt in {arguments.results}", file=sys.stderr)
    return 1 if missing else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/score_diagnosis", description=__doc__)
    parser.add_argument("--results", type=Path, default=HOUSE / "results" / "diagnosis_set", help="where the runs lie")
    parser.add_argument("--data-dir", type=Path, default=Path(os.environ.get("VGP_DATA_DIR", "data")))
    parser.add_argument("--processes", type=whole(1), default=2, help="runs, and judges, at once")
    parser.add_argument("--out", type=output, help="also write the tables to this file")
    parser.add_argument(
        "--only", nargs="*", help="cases whose names begin so: cnn/ or mlp/sigmoid, say; none, of the files, for -"
    )
    parser.add_argument("--draw", type=whole(0), default=0, help="so many networks drawn at random besides")
    parser.add_argument("--seed", type=whole(0), default=0, help="of the draw; another seed, other networks")
    parser.add_argument("--overhead", action="store_true", help="also measure what the recording costs")
    return parser.parse_args()


def _there(cases: list[Labelled], data_dir: Path) -> tuple[list[Labelled], list[str]]:
    """The cases whose data are there, and the names of data sets that are not."""
    absent = [name for name, folder in DATA.items() if not (data_dir / folder).is_dir()]
    return [case for case in cases if case.data not in absent], absent


def _preface(cases: list[Labelled], absent: list[str], ran: float, judged: float) -> list[str]:
    here = describe_environment("cpu", [])
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}, {here['cpu']}, torch {here['versions']['torch']}, vgp_bench "
        f"{str(here['code']['commit'])[:12]}. Every step logged, every tenth probed. "
        f"Runs that were missing took {ran:.0f} s, all verdicts and delays of {len(cases)} runs {judged:.0f} s.",
        "",
        "A faulty case is right if one verdict is given and it is the label, or another that its file accepts "
        f"({sum(bool(case.accepted) for case in cases)} cases have one, where the fault shows in two ways); "
        "a healthy one if none is. Intervals: Wilson, 95 %. Ours was tuned on the development set; the families and "
        "data sets held out were chosen before any score was seen, and no threshold of ours was set on them. The "
        "independent part was chosen after the rules were written, of other networks, data and faults; faults in the "
        "rules that its first scores showed (83 %, 90 %, then 93 %) were mended, no threshold was moved for it. The "
        "other tools' rules are ports, as near as our records allow: what could not be told stands at the head of its "
        "file.",
    ]
    return lines + [f"\nNot there, so left out: {', '.join(absent)}."] * bool(absent)


def _of_drawn(drawn: list[Labelled], seed: int) -> list[str]:
    verdicts = [len(case.answers) for case in drawn if case.kind == "faulty"]
    mean = sum(verdicts) / max(len(verdicts), 1)
    return [
        "",
        f"The part drawn at random (seed {seed}) has its labels from the outcome beside the same network cured, and "
        "from the limits of textbooks and other tools; none of our rules was in them when they were made. Of its "
        f"faulty cases {mean:.1f} verdicts are right in the mean.",
        "",
        FIRST_DRAW,
    ]


def _counts(cases: list[Labelled]) -> str:
    kinds = [case.kind for case in cases]
    return f"{kinds.count('faulty')} faulty, {kinds.count('healthy')} healthy, {kinds.count('look-alike')} look-alikes"


if __name__ == "__main__":
    leave("scripts/score_diagnosis", main)
