"""JSON as Go programs read it, so that what is scanned here is what Docker, containerd and Trivy take.

Go matches the names of members without regard to case, and the last one of a name wins, or is merged with those before
it. So a member is found here in any spelling, and one that is then there twice is not read at all. The keys of a map
(annotations) are data: nothing of this holds for them.

Source: Go's ``encoding/json``: ``Unmarshal``; ``fold.go``, ``foldName``.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any

_LONG_S = "\u017f"
"""Folds to ``s`` in Go. The Kelvin sign, the other one of its kind, becomes ``k`` in lower case anyway."""


class MalformedError(ValueError):
    """A document that is not what it should be; the message has a ``$.path`` for each fault."""


class TwiceError(MalformedError):
    """A member that is there twice, as Go reads names: programs could take different ones."""


class JsonObject(dict[str, Any]):
    """A JSON object that remembers all of its members: also those of one name.

    Args:
        pairs: Names and values, in the order in which they were there.
    """

    __slots__ = ("pairs",)

    def __init__(self, pairs: Iterable[tuple[str, Any]]) -> None:
        self.pairs = list(pairs)
        super().__init__(self.pairs)


def parse_object(body: bytes) -> JsonObject:
    """Return the JSON object of a body.

    Raises:
        MalformedError: It is not JSON in UTF-8, or not an object.
    """
    document = parse_json(body)
    if not isinstance(document, JsonObject):
        raise MalformedError("it is not a JSON object")
    return document


def parse_json(body: bytes) -> Any:
    """Return the JSON value of a body; objects are `JsonObject`.

    Raises:
        MalformedError: It is not JSON in UTF-8.
    """
    try:
        return json.loads(body.decode(), object_pairs_hook=JsonObject)
    except (ValueError, RecursionError) as error:
        raise MalformedError("it is not JSON") from error


def read_members(value: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Return the members that have one of these names to Go, each by the name as it is given here.

    Args:
        value: A JSON object; one that was made here may be a plain `dict`.
        names: Names in ASCII, no two of which are one to Go.

    Raises:
        TwiceError: One of them is there twice.
    """
    wanted = {fold(name): name for name in names}
    found: dict[str, Any] = {}
    for written, content in value.pairs if isinstance(value, JsonObject) else value.items():
        name = wanted.get(fold(written))
        if name in found:
            raise TwiceError(f"{name} is there twice, as programs in Go read names: it could be read in two ways")
        if name is not None:
            found[name] = content
    return found


def fold(name: str) -> str:
    """Return what all spellings of a name in ASCII have in common to Go."""
    return name.replace(_LONG_S, "s").lower()
