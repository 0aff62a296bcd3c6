"""A claim from its file to its judgement, with what a person at the terminal sees meanwhile."""

import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from vgp_bench.claims.claim import Claim
from vgp_bench.claims.gathering import gather, needed
from vgp_bench.claims.judgement import Judgement, cannot, judge
from vgp_bench.claims.pictures import drawn
from vgp_bench.claims.text import words as verdict_words
from vgp_bench.errors import ConfigError

LIMITS = {"init": 1.0, "smoke": 2.0}
"""Minutes that a claim may take at a scale on 2 CPU cores; one over it says so before it starts."""

PICTURES = "pictures"


class Reproduction:
    """What all claims of a call share. seeds: None for each claim's own number; words: of `vgp-bench run`."""

    def __init__(self, seeds: int | None, words: Sequence[str], command: Sequence[str], broken: bool = False) -> None:
        self.seeds, self.words, self.command, self.broken = seeds, list(words), list(command), broken
        self.folder: Path | None = None

    def reproduce(self, claim: Claim, scale: str, prefix: str = "") -> Judgement:
        """Runs what is missing and judges it. A claim that cannot be run here is NOT RUN, with the reason.

        Raises ResultsError if the disk refuses, KeyboardInterrupt; what ended before is kept.
        """
        what = f"{prefix}{claim.name}, {scale}"
        try:
            need = needed(claim, scale, self.seeds, self.words, self.command, self.broken)
        except ConfigError as error:
            return self._told(what, cannot(claim, scale, str(error)))
        if need.plan is not None:
            self.folder = need.plan.runs[0].path.parent
        elif need.measurements:
            self.folder = need.measurements[0][2].parent.parent
        if warning := self._over_time(claim, scale, need.todo):
            print(warning, file=sys.stderr)
        with tqdm(total=need.todo, unit="run", leave=False, desc=what, disable=None if need.todo else True) as bar:

            def advance(done: int, total: int, label: str) -> None:
                bar.update(done - bar.n)
                if label:
                    bar.set_postfix_str(label.removeprefix(f"{claim.name} "))

            gathered = gather(need, self.command, advance)
        return self._told(what, judge(gathered))

    def picture(self, one: Judgement) -> Path | None:
        """Draws the claim into the folder of the runs; None if there is nothing to draw."""
        from vgp_bench.report.drawing.saving import save

        figure = drawn(one)
        if figure is None or self.folder is None:
            return None
        broken = "-broken" if self.broken else ""
        return save(figure, self.folder / PICTURES / f"{one.claim.name}-{one.scale_name}{broken}.png")

    def _told(self, what: str, one: Judgement) -> Judgement:
        took = f"  {one.gathered.seconds:.0f} s" if one.gathered and one.gathered.ran else ""
        why = f"  {one.reason}" if one.reason else ""
        spoilt = ", spoilt on purpose" if self.broken else ""
        print(f"{what}{spoilt}: {verdict_words(one)}{took}{why}", flush=True)
        return one

    def _over_time(self, claim: Claim, scale: str, todo: int) -> str:
        """A line if the claim takes longer than its scale allows, or was made for a GPU and there is none."""
        minutes = claim.scales[scale].minutes * (self.seeds or claim.scales[scale].seeds) / claim.scales[scale].seeds
        if not todo:
            return ""
        if scale == "paper":
            import torch

            where = "" if torch.cuda.is_available() else "; there is none here, and it will take many times as long"
            return f"note: {claim.name} at scale paper takes about {minutes:.0f} min on one GPU{where}"
        if minutes > LIMITS[scale]:
            return f"note: {claim.name} takes about {minutes:.1f} min, more than scale {scale} allows itself"
        return ""
