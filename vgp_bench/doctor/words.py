"""The words of a run with some of them changed."""

from collections.abc import Sequence

import yaml

from vgp_bench.config import GROUPS, config_dir


def changed(words: Sequence[str], overrides: Sequence[str]) -> list[str]:
    """The words with these overrides in the place of what they contradict.

    A new option of a group comes with its own settings; only an architecture keeps those of the old one that it has
    too, such as its depth.
    """
    kept = list(words)
    for override in overrides:
        key, _, value = override.partition("=")
        keys = _settings(value) if key == "architecture" else frozenset()
        kept = [word for word in kept if not _contradicts(word, key, keys)]
    return [*kept, *overrides]


def clash(these: Sequence[str], those: Sequence[str]) -> bool:
    """Whether two sets of overrides cannot be set together: one sets a key of the other, or a setting of its option."""
    a, b = ([override.partition("=")[0] for override in overrides] for overrides in (these, those))
    return any(f"{x}.".startswith(f"{y}.") or f"{y}.".startswith(f"{x}.") for x in a for y in b)


def _contradicts(word: str, key: str, keys: frozenset[str]) -> bool:
    """Whether the word sets the key, or is a setting of the option that the key replaces."""
    own = word.lstrip("+~").partition("=")[0]
    if own == key:
        return True
    if key not in GROUPS:
        return False
    head, _, setting = own.partition(".")
    return head.partition("@")[0] == key and setting not in keys


def _settings(architecture: str) -> frozenset[str]:
    """The keys of one of our architectures; none of one that is not ours."""
    file = config_dir() / "architecture" / f"{architecture}.yaml"
    return frozenset(yaml.safe_load(file.read_text())) if file.exists() else frozenset()
