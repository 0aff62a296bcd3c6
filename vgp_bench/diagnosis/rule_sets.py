"""Our rules and those of other tools, by name. A file in diagnosis/rules with a `judge` is a rule set."""

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import cache

from vgp_bench.diagnosis import rules
from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.judge import diagnose
from vgp_bench.errors import UserError

OURS = "ours"
ALL = "all"

RuleSet = Callable[[Case], list[str]]
"""The verdicts of a rule set on a case, none if it finds nothing wrong: others may give several at once."""


def find_rules(words: Sequence[str]) -> list[str]:
    """The rule sets of these names, each once; ALL: every one. Raises UserError for another name."""
    found: list[str] = []
    for word in words:
        if word != ALL and word not in rule_sets():
            close = get_close_matches(word, [*rule_sets(), ALL], n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise UserError(f"--rules {word}: no such rules.{hint} There are: {', '.join([*rule_sets(), ALL])}")
        found += rule_sets() if word == ALL else [word]
    return list(dict.fromkeys(found))


@cache
def rule_sets() -> dict[str, RuleSet]:
    """Every rule set by its name, ours first."""
    found: dict[str, RuleSet] = {OURS: lambda case: [diagnose(case).label]}
    for name in sorted(module.name for module in pkgutil.iter_modules(rules.__path__)):
        module = importlib.import_module(f"{rules.__name__}.{name}")
        if hasattr(module, "judge"):  # what several of them need lies in the same folder
            found[name] = module.judge
    return found
