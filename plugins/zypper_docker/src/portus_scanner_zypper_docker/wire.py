"""zypper-docker's JSON.

The classes have the names and keys of the server's own. The server sends only result objects; anything else is
rejected, with the path of the fault.

Source: SUSE/zypper-docker, branch ``cli-separation``, commit afbf1abc.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen
from portus_scanners import InvalidReportError
from portus_scanners.backends import HttpAnswer, one_line

_MOST_PATCHES = 1_000_000
_LONGEST_NAME = 200
_MEMBERS = ("Updates", "Security", "Error", "List")
_TEXTS = ("Severity", "Summary", "Description")
OLD_SERVER = "this version of zypper-docker's server is not supported"


@frozen
class Patch:
    """One item of ``List``: a patch that zypper would install."""

    Name: str
    IsSecurity: bool = False
    """Whether the server calls it a security patch; never with a real zypper."""
    Severity: str = ""
    Summary: str = ""
    Description: str = ""


@frozen
class Result:
    """The answer to ``GET /images``."""

    Updates: int
    Security: int
    Error: str
    """Empty if the server has seen no error."""
    List: tuple[Patch, ...]
    """In zypper's order, without exact duplicates; a name may still come twice, with different descriptions."""
    items: int
    """Number of items in the list, readable or not."""
    unreadable: int
    """Number of items that are not patches, or have a member of the wrong type."""
    marked: int
    """Number of patches that the server calls security patches."""

    @property
    def consistent(self) -> bool:
        """Whether the counters match the list, and all of it could be read; if not, something is missing."""
        return self.Updates + self.Security == self.items and not self.unreadable


def read_error(answer: HttpAnswer) -> str | None:
    """Return the member ``Error`` of a failure; None if the body is not a result object."""
    try:
        document = answer.json()
    except InvalidReportError:
        return None
    error = document.get("Error") if isinstance(document, dict) else None
    return error if isinstance(error, str) else None


def read_result(answer: HttpAnswer) -> Result:
    """Return the result in a 200.

    Raises:
        InvalidReportError: The body is not a result, or that of an earlier server, whose counters mean nothing.
    """
    document = answer.json()
    if not isinstance(document, dict):
        raise InvalidReportError("the answer is not a result", faults=["$: expected an object"])
    for key in document:
        if key not in _MEMBERS and key.casefold() in map(str.casefold, _MEMBERS):  # a program in Go would read it
            raise InvalidReportError(OLD_SERVER, faults=[f"$: {one_line(key)!r} is not a member of a result"])
    counters = {key: _counter(document, key) for key in ("Updates", "Security")}
    items = _items(document)
    read = [_patch(item) for item in items]
    patches = [patch for patch in read if patch is not None]
    return Result(
        **counters,
        Error=answer.mask(_error(document)),
        List=tuple(dict.fromkeys(patches)),
        items=len(items),
        unreadable=sum(patch is None or not _is_whole(item) for item, patch in zip(items, read, strict=True)),
        marked=sum(patch.IsSecurity for patch in patches),
    )


def _counter(document: Mapping[str, Any], key: str) -> int:
    if key not in document:
        raise InvalidReportError(OLD_SERVER, faults=[f"$.{key}: missing"])
    value = document[key]
    if isinstance(value, bool):  # in Python a bool is an int
        raise InvalidReportError(OLD_SERVER, faults=[f"$.{key}: expected a number, got true or false"])
    if not isinstance(value, int) or not 0 <= value <= _MOST_PATCHES:
        raise InvalidReportError("the answer is not a result", faults=[f"$.{key}: expected a number of patches"])
    return value


def _error(document: Mapping[str, Any]) -> str:
    if document.get("Error") is not None and not isinstance(document["Error"], str):
        raise InvalidReportError("the answer is not a result", faults=["$.Error: expected a string"])
    return _text(document, "Error").strip()


def _items(document: Mapping[str, Any]) -> list[Any]:
    if "List" not in document:
        raise InvalidReportError(OLD_SERVER, faults=["$.List: missing"])
    items = document["List"]
    if items is None:
        return []
    if not isinstance(items, list):
        raise InvalidReportError("the answer is not a result", faults=["$.List: expected a list or null"])
    return items


def _patch(item: Any) -> Patch | None:
    """Return an item as a patch; None if it is not an object, or has no usable name."""
    name = _text(item, "Name").strip() if isinstance(item, dict) else ""
    if not name or len(name) > _LONGEST_NAME:
        return None
    return Patch(
        Name=name,
        IsSecurity=item.get("IsSecurity") is True,
        Severity=_text(item, "Severity"),
        Summary=_text(item, "Summary").strip(),
        Description=_text(item, "Description").strip(),
    )


def _is_whole(item: Mapping[str, Any]) -> bool:
    """Return whether all members of a patch have the right types; they may be missing or null."""
    return isinstance(item.get("IsSecurity"), bool | None) and all(
        isinstance(item.get(key), str | None) for key in _TEXTS
    )


def _text(mapping: Mapping[str, Any], key: str) -> str:
    """Return a string member without lone surrogates, which can't be written as UTF-8; empty for another type."""
    value = mapping.get(key)
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""
