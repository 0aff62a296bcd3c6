"""The small files of one run, read and checked; each is whole or missing, because the writer renames it into place."""

import contextlib
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import yaml

from vgp_bench.errors import ResultsError
from vgp_bench.records.status import Status
from vgp_bench.records.summary import Summary

Content = TypeVar("Content")

# The parser in C is seven times as fast; PyYAML has it wherever libyaml was there when it was built.
_LOADER: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader

Known = dict[tuple[str, str], Any]
"""Texts parsed so far, with their kind (yaml or json), and what they mean. Runs of a study share most of theirs."""


class Contents(NamedTuple):
    """What the small files of a run say. status: as written, not as observed; summary: None if the run has none."""

    config: dict[str, Any]
    choices: dict[str, str]
    environment: dict[str, Any]
    status: Status
    summary: Summary | None


def read_contents(run: Path, known: Known | None = None) -> Contents:
    """The contents of this run directory. Raises ResultsError if it is none or one of its small files is damaged.

    known: given to several calls, it spares parsing the same text again; their contents then share dicts.
    """
    texts: Known = {} if known is None else known
    status = read_object(run / "status.json", Status.from_json)  # first: who has none is no run
    return Contents(
        config=_read(run / "config.yaml", lambda text: parse_yaml(text, texts)),
        choices=_read(run / "choices.json", lambda text: _once("json", text, json.loads, texts)),
        environment=_read(run / "environment.json", lambda text: _once("json", text, json.loads, texts)),
        status=status,
        summary=read_if_there(run / "summary.json", Summary.from_json),
    )


def read_object(path: Path, from_json: Callable[[Mapping[str, Any]], Content]) -> Content:
    """What from_json makes of this JSON file. Raises ResultsError if the file is absent or damaged."""
    content = _read(path, json.loads)
    try:
        return from_json(content)
    except (KeyError, TypeError, ValueError) as error:
        raise ResultsError(f"damaged: {path} is not what a run writes ({error}); run it again") from error


def read_if_there(path: Path, from_json: Callable[[Mapping[str, Any]], Content]) -> Content | None:
    """The same, but None if there is no such file."""
    return read_object(path, from_json) if path.exists() else None


def read_small(path: Path) -> dict[str, Any]:
    """What this YAML or JSON file holds. Raises ResultsError if it is absent or damaged."""
    return _read(path, (lambda text: parse_yaml(text, {})) if path.suffix == ".yaml" else json.loads)


def parse_yaml(text: str, known: Known) -> Any:
    """What yaml.safe_load makes of the text, top-level section by section; the known ones are not parsed again.

    Raises yaml.YAMLError or ValueError as it does.
    """
    if _SIMPLE.match(text):
        content: dict[Any, Any] = {}
        # A section with an open bracket or quote, or an alias of another one, does not parse alone: then all at once.
        with contextlib.suppress(ValueError, yaml.YAMLError):
            for section in _SECTION.split(text):
                content.update(_once("yaml", section, _load_mapping, known))
            return content
    return _load(text)


_SIMPLE = re.compile(r"(?s)[A-Za-z_](?!.*(\n\.\.\.|<<|!))")
"""Begins with a key at the margin; and no end of document, merged mapping or tag, which reach beyond a section."""

_SECTION = re.compile(r"(?<=\n)(?=[A-Za-z_])")
"""Before each later line that begins with a key at the margin."""


def _load(text: str) -> Any:
    return yaml.load(text, _LOADER)


def _load_mapping(text: str) -> dict[Any, Any]:
    section = _load(text)
    if not isinstance(section, dict):
        raise ValueError("not a section")
    return section


def _once(kind: str, text: str, parse: Callable[[str], Any], known: Known) -> Any:
    if (kind, text) not in known:
        known[kind, text] = parse(text)
    return known[kind, text]


def _read(path: Path, parse: Callable[[str], Any]) -> dict[str, Any]:
    try:
        content = parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ResultsError(f"not a run, or damaged: {path} is missing") from error
    except (OSError, ValueError, yaml.YAMLError) as error:  # ValueError: JSON and encoding errors
        what = error.strerror if isinstance(error, OSError) else "it cannot be parsed"
        raise ResultsError(f"damaged: cannot read {path}: {what}; run it again") from error
    if not isinstance(content, dict):
        raise ResultsError(f"damaged: {path} holds no keys; run it again")
    return content
