"""JSON documents with one value changed, as a backend could send them by mistake or on purpose."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from typing import Any

Path = tuple[str | int, ...]
"""Keys and indices from the top of a document; empty: the document itself."""

STRANGE = ("gaudy", 98765)
"""A string and a number that no backend uses for a severity."""
MOST = 60
"""How many places of a document are tried at the most."""


def paths_of(document: Any) -> list[Path]:
    """Return the path of every value of a document, that of the document itself first."""
    return list(_paths(document, ()))


def sampled(paths: list[Path]) -> list[Path]:
    """Return the paths; if there are more than `MOST`, that many of them, evenly spread, first and last included."""
    if len(paths) <= MOST:
        return paths
    return [paths[number * (len(paths) - 1) // (MOST - 1)] for number in range(MOST)]


def value_at(document: Any, path: Path) -> Any:
    """Return the value at a path."""
    for key in path:
        document = document[key]
    return document


def replaced(document: Any, path: Path, value: Any) -> Any:
    """Return a copy of the document with another value at a path."""
    if not path:
        return value
    copy = json.loads(json.dumps(document))
    value_at(copy, path[:-1])[path[-1]] = value
    return copy


def with_change(document: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    """Return the document with ``change(value)`` at a path; unchanged if it has no such path."""
    try:
        value = value_at(document, path)
    except (KeyError, IndexError, TypeError):
        return document
    return replaced(document, path, change(value))


def without_member(document: Any, path: Path) -> Any:
    """Return a copy of the document without the member at a path; unchanged if it has no such path."""
    copy = json.loads(json.dumps(document))
    try:
        del value_at(copy, path[:-1])[path[-1]]
    except (KeyError, IndexError, TypeError):
        return document
    return copy


def wrong_type(value: Any) -> Any:
    """Return a value of another type than this one."""
    if isinstance(value, str):
        return 7
    if isinstance(value, bool):
        return "maybe"
    if isinstance(value, list):
        return {"unexpected": 1}
    return "unexpected" if isinstance(value, int | float) else ["unexpected"]


def with_unknown_members(document: Any, maps: Collection[str] = (), *, is_map: bool = False) -> Any:
    """Return a copy in which every object has one more member.

    Args:
        document: The document.
        maps: Members whose objects, or whose lists of objects, have data as keys: those get none.
        is_map: Whether the document is such a member's value.
    """
    if isinstance(document, list):
        return [with_unknown_members(value, maps, is_map=is_map) for value in document]
    if not isinstance(document, dict):
        return document
    members = {key: with_unknown_members(value, maps, is_map=key in maps) for key, value in document.items()}
    return members if is_map else {**members, "x-added-by-a-later-version": [{"n": None}]}


def with_words(document: Any, words: Collection[str], new: tuple[str, int] = STRANGE) -> Any:
    """Return a copy in which the *new* string or number replaces each that is one of the words; keys stay."""
    if isinstance(document, dict):
        return {key: with_words(value, words, new) for key, value in document.items()}
    if isinstance(document, list):
        return [with_words(value, words, new) for value in document]
    if isinstance(document, str):
        return new[0] if document in words else document
    is_number = isinstance(document, int | float) and not isinstance(document, bool)
    return new[1] if is_number and not {str(document), f"{document:g}"}.isdisjoint(words) else document


def _paths(value: Any, path: Path) -> Iterator[Path]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from _paths(inner, (*path, key))
