"""`vgp-bench doctor`: what is wrong with a network, and which remedy works, measured."""

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vgp_bench.commands.run_words import add_words, reread
from vgp_bench.errors import ConfigError, UserError

if TYPE_CHECKING:
    from vgp_bench.doctor.changes import Change
    from vgp_bench.doctor.search import Search

DESCRIPTION = """\
Trains the network shortly and judges it. If it is ill, tries the remedies that apply: one change at a time, then pairs
of the best, and ranks them by what they did to signal and learning, and at which cost. Prints the command that runs the
winner. Every trial is an ordinary recorded run below results_dir: the same command goes on where it was stopped.
"""

EXAMPLES = """\
examples
  vgp-bench doctor architecture.depth=20 activation=sigmoid
  vgp-bench doctor architecture=plain_cnn initializer=pytorch_default --minutes 10
  vgp-bench doctor optimizer.lr=5 --steps 100 --max-runs 12              a quick look
  vgp-bench doctor architecture.depth=40 launcher=local jobs=auto        several runs at once
  vgp-bench doctor architecture.depth=5 --anyway                         what would make a healthy one better?

rounds   successive halving (Jamieson & Talwalkar 2016): all single changes for a third of the steps; the better half
         and pairs of the best for two thirds; the last three with three seeds each to the end. Fewer runs, smaller
         rounds. Each round has a third of the time.
changes  the remedies of the verdict (`vgp-bench diagnose`) first, then activation, initializer, normalizer, skip
         connections, optimizer, clipping, gates, where they apply, and learning rates around the present one
repairs  healthy with every seed, and clearly better on the validation data than without; test data are never looked at

The words are those of `vgp-bench run`; `vgp-bench run --help` shows every group and key.
"""


def add(commands: Any) -> None:
    """Adds the parser to the subparsers of argparse."""
    parser = commands.add_parser(
        "doctor",
        help="what is wrong with a network, and which remedy works: tried and ranked",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="vgp-bench doctor [GROUP=OPTION ...] [KEY=VALUE ...] [--minutes M] [--max-runs N] [--steps K] [--anyway]",
    )
    _add_options(parser)
    add_words(parser)
    parser.set_defaults(function=_doctor, help_of=parser)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--minutes", default="5", metavar="M", help="no run is begun after so many minutes (default 5)")
    parser.add_argument("--max-runs", default="40", metavar="N", help="most runs, finished ones included (default 40)")
    parser.add_argument(
        "--steps",
        metavar="K",
        help="steps of a full trial (default 200; 1000 of recurrent networks and on sequences, which need more to show "
        "what they learn; trainer.max_steps if less)",
    )
    parser.add_argument("--anyway", action="store_true", help="go on with a healthy network")
    parser.add_argument("--config-dir", metavar="DIR", help="a folder of configs of your own")


def _doctor(arguments: argparse.Namespace) -> int:
    arguments = reread(arguments, "vgp-bench doctor", _add_options)
    if arguments.help:
        arguments.help_of.print_help()
        return 0
    minutes, runs = _minutes(arguments.minutes), _whole(arguments.max_runs, "--max-runs", 2)
    asked = _whole(arguments.steps, "--steps", 20) if arguments.steps is not None else None
    base = _base(arguments.words, arguments.config_dir)
    from vgp_bench.doctor.lengths import usual_steps
    from vgp_bench.doctor.search import Budget, Search
    from vgp_bench.doctor.trying import Trials

    config, steps = base.composed.config, asked or usual_steps(base.composed)
    most = config["trainer"]["max_steps"]
    budget = Budget(min(steps, most) if isinstance(most, int) else steps, minutes, runs)
    experiment = config["experiment_name"] if config["experiment_name"] != "default" else "doctor"
    with Trials(experiment, ["vgp-bench", "doctor", *base.words], config["progress"]) as trials:
        return _found(Search(base, budget, trials), arguments.anyway)


def _found(search: "Search", anyway: bool) -> int:
    from vgp_bench.doctor.text import verdict_text

    diagnosis = search.examine()
    print(verdict_text(diagnosis, search.budget.steps), flush=True)
    folder = search.trials.folder
    if diagnosis.verdict == "undecided":
        raise UserError(f"too few steps to say what is wrong: --steps {2 * search.budget.steps} or more")
    if diagnosis.verdict == "healthy" and not anyway:
        print(f"\nNothing to mend; --anyway looks for something better. Run: vgp-bench diagnose {folder}")
        return 0
    stopped: KeyboardInterrupt | None = None
    try:
        search.treat(lambda line: print(f"\n{line}", flush=True))
    except KeyboardInterrupt as stop:
        stopped = stop
    _tell(search, stopped is not None)
    if stopped is not None:
        print("stopped: the same command goes on from there", file=sys.stderr)
        raise stopped
    return 0


def _tell(search: "Search", stopped: bool) -> None:
    from vgp_bench.doctor.flow import statistic_of
    from vgp_bench.doctor.ranking import ranked, standing, winner
    from vgp_bench.doctor.scoring import validation
    from vgp_bench.doctor.text import end_text, notes_text, table_text

    first = search.before[0].diagnosis
    assert first is not None
    statistic = statistic_of(first)
    standings = ranked(list(search.found.values()), search.before, statistic)
    if standings:
        before = standing(search.before, search.before, statistic)
        print(f"\n{table_text(standings, before, statistic, validation(search.before)[1])}")
    left = [one.name for one in search.entrants if one.name not in search.found]
    why = "stopped" if stopped else "the time was up" if search.out_of_time else "--max-runs allows no more"
    if not search.entrants:
        print("\nNo change applies to this network.")
        return
    print(notes_text(statistic, standings, left, why))
    print(f"\n{end_text(winner(standings), standings, search.trials.folder)}")


def _base(words: Sequence[str], config_dir: str | None) -> "Change":
    """The one run of these words. Raises ConfigError for a sweep."""
    from vgp_bench.composition import compose
    from vgp_bench.config_check import check
    from vgp_bench.doctor.changes import Change

    own = [*(["--config-dir", str(Path(config_dir))] if config_dir else []), *words]
    runs = compose(own)
    if len(runs) != 1:
        raise ConfigError(f"these words compose {len(runs)} runs, and doctor looks at one; name one value a key")
    check(runs[0])
    return Change((), tuple(own), runs[0])


def _minutes(word: str) -> float:
    try:
        minutes = float(word)
    except ValueError:
        minutes = math.nan
    if not 0 < minutes < math.inf:
        raise UserError(f"--minutes {word}: write a number above 0, say --minutes 5")
    return minutes


def _whole(word: str, option: str, least: int) -> int:
    if not word.isdecimal() or int(word) < least:
        raise UserError(f"{option} {word}: write a whole number, {least} or more")
    return int(word)
