"""`vgp-bench reproduce`: claims of papers, run and judged."""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vgp_bench.commands.output import check
from vgp_bench.errors import ResultsError, UserError
from vgp_bench.plural import plural

if TYPE_CHECKING:
    from vgp_bench.claims.claim import Claim
    from vgp_bench.claims.judgement import Judgement
    from vgp_bench.claims.reproducing import Reproduction

DESCRIPTION = """\
Runs what a claim of a paper needs, holds it against what the paper or a formula says, and gives a verdict: REPRODUCED,
CONTRADICTED, INCONCLUSIVE (the interval straddles the bound, or too few seeds) or NOT RUN. Without a name: the claims.
Every run is an ordinary record below RESULTS_DIR/reproduce: a second call reads it, a stopped one goes on.
"""

EPILOG = """\
scales
  init    no training, seconds        smoke  at most 2 minutes on 2 CPU cores for all runs of a claim
  paper   the paper's own setting, made for one GPU; `vgp-bench reproduce` tells the minutes

examples
  vgp-bench reproduce                               the claims, the oldest first
  vgp-bench reproduce sigmoid-decay                 at its smallest scale
  vgp-bench reproduce degradation --scale smoke --seeds 5
  vgp-bench reproduce --all --scale init -o claims.html
  vgp-bench reproduce sigmoid-decay --broken        spoilt on purpose: the verdict must not stay REPRODUCED
"""

SUFFIXES = (".html", ".md")


def add(commands: Any) -> None:
    """Adds the parser to the subparsers of argparse."""
    parser = commands.add_parser(
        "reproduce",
        help="claims of papers as experiments, each with an honest verdict",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("claims", nargs="*", metavar="CLAIM", help="which; none lists them")
    parser.add_argument("--all", action="store_true", help="every claim that has the scale; p values adjusted (Holm)")
    parser.add_argument("--scale", choices=("init", "smoke", "paper"), help="default: the smallest that a claim has")
    parser.add_argument("--seeds", metavar="N", help="seeds 0 to N-1, instead of the claim's own number")
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1 ... (default auto)")
    parser.add_argument(
        "--jobs",
        default="1",
        metavar="N",
        help="so many runs at once; each is a process, which takes seconds to start (default 1)",
    )
    parser.add_argument("--data-dir", metavar="DIR", help="where data sets lie (default: VGP_DATA_DIR, else data)")
    parser.add_argument("--results-dir", metavar="DIR", default="results", help="where runs go (default results)")
    parser.add_argument("--broken", action="store_true", help="spoil the claim on purpose: can its verdict turn?")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="also a page or a table: .html or .md")
    parser.set_defaults(function=_reproduce)


def _reproduce(arguments: argparse.Namespace) -> int:
    from vgp_bench.claims.registry import claim_named, claims

    if not arguments.claims and not arguments.all:
        if arguments.scale or arguments.output or arguments.seeds or arguments.broken:
            raise UserError("which claim? Name it, or add --all; `vgp-bench reproduce` lists them")
        from vgp_bench.claims.kept_verdicts import kept
        from vgp_bench.claims.text import catalogue

        verdicts = {
            (one.claim, one.scale): f"{one.words} ({one.date}, {plural(one.seeds, 'seed')})"
            for one in kept(arguments.results_dir)
        }
        print(catalogue(list(claims().values()), verdicts))
        return 0
    if arguments.claims and arguments.all:
        raise UserError(f"--all means every claim: leave out {arguments.claims[0]}, or --all")
    if arguments.output is not None and arguments.output.suffix.lower() not in SUFFIXES:
        raise UserError(f"cannot write {arguments.output.name}: give a file name that ends in {' or '.join(SUFFIXES)}")
    check(arguments.output)
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", arguments.device):
        raise UserError(f"--device {arguments.device}: write auto, cpu, cuda or cuda:N")
    chosen = [claim_named(name) for name in dict.fromkeys(arguments.claims)] or list(claims().values())
    scaled = _scaled(chosen, arguments.scale, arguments.all)
    return _run(scaled, arguments)


def _run(scaled: "Sequence[tuple[Claim, str]]", arguments: argparse.Namespace) -> int:
    from vgp_bench.building import resolve_device
    from vgp_bench.claims.reproducing import Reproduction

    seeds = _whole(arguments.seeds, "--seeds") if arguments.seeds is not None else None
    resolve_device(arguments.device)
    work = Reproduction(seeds, _words(arguments), ["vgp-bench", *sys.argv[1:]], arguments.broken)
    judgements: list[Judgement] = []
    try:
        for number, (claim, scale) in enumerate(scaled, 1):
            judgements.append(work.reproduce(claim, scale, f"[{number}/{len(scaled)}] " if len(scaled) > 1 else ""))
            if not arguments.broken:
                _keep(judgements[-1], arguments.results_dir)
    except (KeyboardInterrupt, UserError):
        if judgements:
            _tell(judgements, work, len(scaled), arguments)
        raise
    return _tell(judgements, work, len(scaled), arguments)


def _keep(one: "Judgement", results_dir: str) -> None:
    """For the list; a folder that takes nothing more does not keep anybody from reading the verdict."""
    from vgp_bench.claims.kept_verdicts import keep

    try:
        keep(one, results_dir)
    except ResultsError as error:
        print(f"note: the verdict is not kept: {error}", file=sys.stderr)


def _tell(judgements: "list[Judgement]", work: "Reproduction", asked: int, arguments: argparse.Namespace) -> int:
    """The whole of a single claim, a table of several; 1 if any could not be run."""
    from vgp_bench.claims.judgement import adjusted
    from vgp_bench.claims.text import detail, overview

    alone = judgements
    if asked == 1:
        print(detail(judgements[0], _drawn(work, judgements[0]), arguments.broken))
    else:
        judgements = adjusted(judgements)
        print(f"\n{overview(judgements, alone)}")
    if arguments.output is not None:
        from vgp_bench.claims.writing import write

        written = write(judgements, alone, arguments.output, work.command, arguments.broken)
        print(written)
    return int(any("NOT RUN" in one.verdicts.values() for one in judgements))


def _drawn(work: "Reproduction", one: "Judgement") -> Path | None:
    try:
        return work.picture(one)
    except ResultsError as error:
        print(f"note: no picture: {error}", file=sys.stderr)
        return None


def _scaled(chosen: "Sequence[Claim]", scale: str | None, everything: bool) -> "list[tuple[Claim, str]]":
    """Each claim with the scale it is run at. Raises UserError for one that lacks the scale."""
    found = [(claim, scale or next(iter(claim.scales))) for claim in chosen]
    if everything:
        return [(claim, name) for claim, name in found if name in claim.scales]
    for claim, name in found:
        if name not in claim.scales:
            raise UserError(f"{claim.name} has no scale {name}; there are: {', '.join(claim.scales)}")
    return found


def _words(arguments: argparse.Namespace) -> list[str]:
    """The words of `run` that the options stand for."""
    jobs = _whole(arguments.jobs, "--jobs")
    words = [f"results_dir={_quoted(arguments.results_dir)}", f"device={_quoted(arguments.device)}", "progress=false"]
    words += [f"data_dir={_quoted(arguments.data_dir)}"] if arguments.data_dir else []
    words += ["launcher=local", f"jobs={jobs}"] if jobs > 1 else []
    return words


def _quoted(value: str) -> str:
    """As Hydra reads it literally: a name may hold a comma, or a brace."""
    backslash = "\\"
    return "'" + value.replace(backslash, 2 * backslash).replace("'", backslash + "'") + "'"


def _whole(word: str, option: str) -> int:
    if not word.isdecimal() or int(word) < 1:
        raise UserError(f"{option} {word}: write a whole number, 1 or more")
    return int(word)
