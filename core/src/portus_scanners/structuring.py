"""JSON values -> attrs classes, strictly: nothing is bent, so nothing is lost without a word.

cattrs itself turns 7 into ``"7"``, takes a text apart into its characters, and makes an object that has nothing but
defaults of a text. Here each of these is an error with its place.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from enum import Enum
from functools import cache
from types import NoneType
from typing import Any, TypeVar, get_origin

import attrs
from cattrs import Converter, transform_error
from cattrs.cols import homogenous_tuple_structure_factory, is_sequence, list_structure_factory
from cattrs.errors import BaseValidationError
from portus_images import one_line

from .errors import InvalidReportError

__all__ = ["make_strict_converter", "structure_answer"]

KindT = TypeVar("KindT")
Hook = Callable[[Any, Any], Any]

MOST_FAULTS = 10
"""Faults of one answer that are named; of more, the number."""
_NAMES = {
    NoneType: "null",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "an object",
}
_PLACE = re.compile(r"(?P<fault>.*) @ (?P<path>\$.*)", re.DOTALL)


def structure_answer(value: object, kind: type[KindT], what: str, mask: Callable[[str], str] = str) -> KindT:
    """Return a JSON value as an attrs class, or as whatever type cattrs knows.

    Args:
        value: What the JSON reader gave.
        kind: The class. Members that it does not have are passed over; one without a default is required.
        what: Where it comes from, for messages: ``HTTP 200, and the body``.
        mask: Masks secrets in a fault: keys of the value, and what a validator quotes, come from the backend.

    Raises:
        InvalidReportError: It is something else; its faults are ``$.path: ...`` lines.
    """
    try:
        return _converter().structure(value, kind)
    except (BaseValidationError, ValueError, TypeError) as error:
        raise InvalidReportError(f"{what} is not of the known form", faults=faults_of(error, mask)) from error


def faults_of(error: Exception, mask: Callable[[str], str] = str, *, path: str = "$") -> tuple[str, ...]:
    """Return ``$.path: fault`` lines of what a converter has raised, at most ten; *mask* masks secrets in them.

    Args:
        error: What was raised.
        mask: Masks secrets in a line.
        path: Where the value stands that was converted.
    """
    return tuple(_faults(transform_error(error, path=path, format_exception=_words), mask))


def make_strict_converter() -> Converter:
    """Return a converter that bends nothing: no text of a number, no list of a text, no object of a list."""
    converter = Converter(prefer_attrib_converters=False)
    for kind in (str, int, bool):
        converter.register_structure_hook(kind, _exactly(kind))
    converter.register_structure_hook(float, _number)
    converter.register_structure_hook(datetime, lambda value, _: _time(value))
    converter.register_unstructure_hook(datetime, datetime.isoformat)
    converter.register_structure_hook(date, lambda value, _: _date(value))
    converter.register_unstructure_hook(date, date.isoformat)
    converter.register_structure_hook_factory(_is_enum, _one_of)
    for is_wanted, given, factory in _CONTAINERS:
        converter.register_structure_hook_factory(is_wanted, _only(given, factory))
    return converter


@cache
def _converter() -> Converter:
    return make_strict_converter()


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Enum)


def _one_of(kind: type[Enum]) -> Hook:
    by_value = {member.value: member for member in kind}

    def structure(value: Any, _: Any) -> Enum:
        if not isinstance(value, str | int) or value not in by_value:
            msg = f"expected one of {', '.join(map(str, by_value))}"
            raise ValueError(msg)
        return by_value[value]

    return structure


_CONTAINERS: tuple[tuple[Callable[[Any], bool], type, Callable[[Any, Converter], Any]], ...] = (
    (attrs.has, dict, lambda kind, converter: converter.gen_structure_attrs_fromdict(kind)),
    (
        lambda kind: get_origin(kind) in {dict, Mapping},
        dict,
        lambda kind, converter: converter.gen_structure_mapping(kind),
    ),
    (is_sequence, list, list_structure_factory),
    # last, and so asked first: a tuple is a sequence as well
    (lambda kind: get_origin(kind) is tuple, list, homogenous_tuple_structure_factory),
)


def _only(given: type, factory: Callable[[Any, Converter], Any]) -> Callable[[Any, Converter], Hook]:
    """Make a hook factory that takes nothing but objects of the type *given*, then does what cattrs does."""

    def make(kind: Any, converter: Converter) -> Hook:
        structure = factory(kind, converter)

        def checked(value: Any, kind: Any) -> Any:
            if not isinstance(value, given):
                raise _mismatch(given, value)
            return structure(value, kind)

        return checked

    return make


def _exactly(wanted: type) -> Hook:
    def structure(value: Any, _: Any) -> Any:
        if type(value) is not wanted:
            raise _mismatch(wanted, value)
        return value

    return structure


def _number(value: Any, _: Any) -> float:
    if type(value) not in {int, float}:
        raise _mismatch(float, value)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        msg = "expected a finite number"
        raise ValueError(msg)
    return number


def _time(value: Any) -> datetime:
    if not isinstance(value, str):
        raise _mismatch(str, value)
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        msg = "expected a time as ISO 8601 writes it"
        raise ValueError(msg) from None


def _date(value: Any) -> date:
    if not isinstance(value, str):
        raise _mismatch(str, value)
    try:
        return date.fromisoformat(value)
    except ValueError:
        msg = "expected a date as ISO 8601 writes it"
        raise ValueError(msg) from None


def _mismatch(wanted: type, value: object) -> TypeError:
    return TypeError(f"expected {_NAMES[wanted]}, got {_NAMES.get(type(value), type(value).__name__)}")


def _words(error: BaseException, _kind: type | None) -> str:
    """Say what is wrong with one value; `transform_error` adds where."""
    if isinstance(error, KeyError):
        return "missing"
    if isinstance(error, ValueError | TypeError):
        return str(error)
    return "has the wrong form"


def _faults(lines: list[str], mask: Callable[[str], str]) -> Iterator[str]:
    """Turn cattrs' ``fault @ $.key[0]`` into ``$.key[0]: fault``, the first ten of them."""
    for line in lines[:MOST_FAULTS]:
        match = _PLACE.fullmatch(line)
        yield one_line(mask(f"{match['path']}: {match['fault']}" if match else f"$: {line}"))
    if len(lines) > MOST_FAULTS:
        yield f"and {len(lines) - MOST_FAULTS} more"
