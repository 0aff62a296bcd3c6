"""Keys of a config and their values as a person types them: `depth` for architecture.depth, 20 for 20.0."""

from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from vgp_bench.errors import UserError


def find_key(word: str, known: Collection[str], option: str, preferred: Collection[str] = ()) -> str:
    """The key that `word` names: in full, or by its last parts if only one ends so (only one of `preferred`, if any).

    option: the flag in which it was typed, for the message. Raises UserError with the keys there are.
    """
    if word in known:
        return word
    ends = [key for key in known if key.endswith(f".{word}")]
    ends = [key for key in ends if key in preferred] or ends
    if len(ends) == 1:
        return ends[0]
    if ends:
        raise UserError(f"{option} {word}: could be {' or '.join(sorted(ends))}; write it in full")
    if word == "seed":
        raise UserError(f"{option} seed: a table is of means over seeds; choose some of them with --where seed=0")
    lasts = {key.rpartition(".")[2]: key for key in known}
    close = get_close_matches(word, [*known, *lasts], n=1)
    hint = f" Did you mean {lasts.get(close[0], close[0])}?" if close else ""
    raise UserError(f"{option} {word}: no such key.{hint} There are: {', '.join(preferred or known)}")


def split_words(text: str) -> list[str]:
    """The words between commas; a comma inside brackets, as in [0.9,0.999], parts nothing."""
    words, depth = [""], 0
    for sign in text:
        depth += (sign in "[({") - (sign in "])}")
        if sign == "," and depth <= 0:
            words.append("")
        else:
            words[-1] += sign
    return [word.strip() for word in words if word.strip()]


def parse_pair(text: str, option: str) -> tuple[str, str]:
    """`key=value` in two. Raises UserError if it is no such pair."""
    key, equals, value = text.partition("=")
    if not (key.strip() and equals and value.strip()):
        raise UserError(f"{option} {text}: write key=value, say {option} depth=20")
    return key.strip(), value.strip()


def same(value: Any, word: str) -> bool:
    """Whether a value, as tables show it, is what was typed: numbers as numbers, words without regard to case."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return float(value) == float(word)
        except ValueError:
            return False
    return shown(value).lower() == word.lower()


def shown(value: Any) -> str:
    """A value as tables show it: 20.0 as 20; `-` where the config has no such key."""
    if value is None:
        return "-"
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def listed(values: Iterable[Any], most: int = 20) -> str:
    """Values with commas between them, at most so many."""
    words: Sequence[str] = list(dict.fromkeys(map(shown, values)))
    return ", ".join(words[:most]) + (f", ... ({len(words)} in all)" if len(words) > most else "")
