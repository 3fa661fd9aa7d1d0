"""What every answer of a backend can do, whether it came over HTTP or from a program: JSON, parsing off the loop.

Secrets that were given to the backend are found in its answer, and replaced before anybody sees them.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from datetime import date, datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, Self, TypeVar, Union, get_args, get_origin
from urllib.parse import quote

import attrs
from cattrs.errors import BaseValidationError
from portus_images import MASK, RepeatedMemberError, faults_of, is_enum, load_json, make_json_converter

from ..errors import InvalidReportError

ResultT = TypeVar("ResultT")

_PLAIN = {str, int, float, bool, datetime, date, Any}
_LISTS = {list, set, frozenset, Sequence, Set}
_LARGE = 32 * 1024
"""Bytes: what they hold, however many findings of however few bytes, is read in far less than 50 ms."""
_SHORTEST_LINE = 8
"""Characters: lines of a secret file that are shorter than this ("{") say nothing, and are everywhere."""


class SecretMask:
    """Finds secrets in bytes: as they are, percent-encoded, escaped as in JSON, and single lines of longer ones.

    Args:
        texts: The secrets; empty and blank strings are ignored.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self.texts = frozenset(text for text in texts if text.strip())
        forms = sorted({form for text in self.texts for form in _forms(text)}, key=len, reverse=True)
        self.longest = len(forms[0]) if forms else 0
        """Bytes of the longest form: so much more must be looked at where a text is cut."""
        self._pattern = re.compile(b"|".join(re.escape(form) for form in forms) if forms else rb"(?!)")

    def text(self, text: str) -> str:
        """Return the text, masked."""
        return self._hide(text.encode(errors="surrogatepass")).decode(errors="surrogatepass")  # JSON may hold any

    def head(self, data: bytes, limit: int) -> bytes:
        """Return the first *limit* bytes, masked; a secret that is cut there is masked too."""
        data, cut = data[: limit + self.longest], limit
        for found in self._pattern.finditer(data):
            if found.start() < limit < found.end():
                cut = found.end()
        return self._hide(data[:cut])

    def tail(self, data: bytes, limit: int) -> bytes:
        """Return the last *limit* bytes, masked; a secret that is cut there is masked too."""
        data = data[-(limit + self.longest) :]
        cut = first = max(len(data) - limit, 0)
        for found in self._pattern.finditer(data):
            if found.start() < first < found.end():
                cut = found.start()
        return self._hide(data[cut:])

    def _hide(self, data: bytes) -> bytes:
        return self._pattern.sub(MASK.encode(), data)


def _forms(text: str) -> Iterator[bytes]:
    """Yield the forms in which a secret may be shown."""
    lines = text.split("\n")
    parts = {text, text.strip(), *(line.strip() for line in lines if len(line.strip()) >= _SHORTEST_LINE)}
    for part in parts:
        raw = os.fsencode(part)
        yield raw
        yield quote(raw, safe="").encode()
        yield json.dumps(part)[1:-1].encode()
        yield json.dumps(part, ensure_ascii=False)[1:-1].encode(errors="surrogateescape")


class BackendAnswer(ABC):
    """One answer of a backend, read to its end. Use `HttpAnswer` or `ProgramAnswer`."""

    __slots__ = ()

    @property
    @abstractmethod
    def _content(self) -> bytes:
        """The part that is the report."""

    @property
    @abstractmethod
    def _what(self) -> str:
        """Where the content comes from, for messages: ``HTTP 200, and the body``."""

    @property
    @abstractmethod
    def _mask(self) -> SecretMask:
        """Finds what was given to the backend and must not be shown."""

    @property
    @abstractmethod
    def _not_json(self) -> str:
        """What to say when the content is not JSON."""

    def json(self) -> Any:
        """Return the JSON value, whatever the backend calls it.

        Raises:
            InvalidReportError: It is not JSON, or an object in it has two members of one name.
        """
        try:
            return load_json(self._content)
        except RepeatedMemberError as error:
            raise InvalidReportError(self._what, faults=[self._mask.text(str(error))]) from error
        except (ValueError, RecursionError) as error:
            if isinstance(error, json.JSONDecodeError):
                error.doc = ""  # all of the content, with secrets that it may quote
            raise InvalidReportError(self._not_json) from error

    def structure(self, kind: type[ResultT]) -> ResultT:
        """Return the JSON value as an attrs class: strictly, so that nothing is lost without a word.

        A number never becomes a string, a string never a list; ``null`` is allowed where the annotation says
        ``| None``, and nowhere else. A member without a default is required; members that the class does not have are
        ignored, but for one whose name differs from a known one in case alone: a program in Go reads that as the known.

        Args:
            kind: The class. Its fields are named as the members of the JSON. They can be ``str``, ``int``, ``float``,
                ``bool``, `datetime` and `date` (ISO 8601), enums, attrs classes, `Any` (as it comes), and ``X | None``,
                ``list[X]``, ``tuple[X, ...]``, ``set[X]``, ``frozenset[X]``, ``dict[str, X]``, ``Mapping[str, X]``.

        Raises:
            TypeError: There is another type somewhere in the class, whatever the answer is: it names the member.
            InvalidReportError: It is not JSON, or not of that form: a ``$.path: ...`` line for each fault, ten at most.
        """
        return structure_answer(self.json(), kind, self._what, self._mask.text)

    async def parse(self, read: Callable[[Self], ResultT]) -> ResultT:
        """Return ``read(answer)``: of more than 32 KiB in a thread, so that the event loop goes on.

        Args:
            read: A pure function; what it raises is raised here.
        """
        if len(self._content) < _LARGE:
            return read(self)
        return await asyncio.to_thread(read, self)


def structure_answer(value: object, kind: type[ResultT], what: str, mask: Callable[[str], str] = str) -> ResultT:
    """Return a JSON value as an attrs class, or as any other type that `BackendAnswer.structure` names.

    Args:
        value: What the JSON reader returned.
        kind: The class. Members that it does not have are ignored; a member without a default is required.
        what: Where the value comes from, for messages: ``HTTP 200, and the body``.
        mask: Masks secrets in a fault: keys of the value, and what a validator quotes, come from the backend.

    Raises:
        InvalidReportError: The value has another form; its faults are ``$.path: ...`` lines.
    """
    _check_kind(kind)  # type: ignore[arg-type]
    try:
        return _answer_converter().structure(value, kind)
    except (BaseValidationError, ValueError, TypeError) as error:
        raise InvalidReportError(f"{what} is not of the known form", faults=faults_of(error, mask)) from error


_answer_converter = cache(make_json_converter)


@cache
def _check_kind(kind: Any) -> None:
    """Raise a TypeError for a type that can't be filled strictly, in a member of a class or anywhere in one."""
    fault = next(_faults(kind, getattr(kind, "__qualname__", ""), set()), None)
    if fault is not None:
        raise TypeError(f"{fault}: structure() can't fill this type; BackendAnswer.structure says which it can")


def _faults(kind: Any, place: str, seen: set[Any]) -> Iterator[str]:
    origin, inner = get_origin(kind), get_args(kind)
    if attrs.has(kind) and origin is None:
        if kind not in seen:
            seen.add(kind)
            fields = attrs.fields(attrs.resolve_types(kind))
            for one in fields:
                yield from _faults(one.type, f"{kind.__qualname__}.{one.name}", seen) if one.init else ()
    elif origin in {Union, UnionType} and NoneType in inner and len(others := {*inner} - {NoneType}) == 1:
        yield from _faults(others.pop(), place, seen)
    elif (origin in _LISTS and len(inner) == 1) or (origin is tuple and inner[1:] == (...,)):
        yield from _faults(inner[0], place, seen)
    elif origin in {dict, Mapping} and inner[0] is str:
        yield from _faults(inner[1], place, seen)
    elif not is_enum(kind) and kind not in _PLAIN:
        yield f"{place} is {kind.__name__ if isinstance(kind, type) and not inner else kind}"
