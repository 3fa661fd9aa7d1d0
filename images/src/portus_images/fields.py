"""What the fields of models have in common: validators and converters.

They go by the exact class of a value. A plugin makes models too, and an object of a class derived from ``str`` may do
anything when it is compared, hashed or shown; so may a time zone of a class of its own. What a model holds is plain
data, of Python's own classes and ours.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from typing import Annotated, Any, TypeVar

from attrs import Attribute

from .text import class_name

ObjectT = TypeVar("ObjectT")

_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"
_NOUNS = {str: "a string", bool: "a boolean"}


def exactly(kind: type[Any]) -> Callable[[Any, Attribute[Any], Any], None]:
    """Return a validator of values of this very class; of an enumeration, of its members."""
    members = frozenset(kind) if issubclass(kind, Enum) else None
    noun = _NOUNS.get(kind, f"of the class {kind.__name__}")

    def check(_instance: object, attribute: Attribute[Any], value: Any) -> None:
        if type(value) is not kind or (members is not None and value not in members):
            raise TypeError(f"{attribute.name} must be {noun}, got {class_name(value)}")

    return check


STRING = exactly(str)
BOOLEAN = exactly(bool)


def nonempty_string(_instance: object, attribute: Attribute[str], value: str) -> None:
    """Check that a value is a string, and not an empty one."""
    if type(value) is not str or not value:
        shown = f"{value!r:.80}" if type(value) is str else class_name(value)
        raise ValueError(f"{attribute.name} must be a string that is not empty, got {shown}")


def variable_name(_instance: object, attribute: Attribute[str], value: str) -> None:
    """Check that a value can be the name of an environment variable; it may be empty. The message does not show it."""
    if value and not re.fullmatch(_VARIABLE, value):
        raise ValueError(f"{attribute.name} is the name of an environment variable, not its value")


def moment(value: datetime | None) -> datetime | None:
    """Return a time with its offset from UTC as the zone; one without a zone can't be compared with others."""
    if value is None or (type(value) is datetime and value.tzinfo is UTC):
        return value
    if type(value) is not datetime or (offset := value.utcoffset()) is None:
        raise TypeError(f"expected a time (datetime) with a time zone, got {class_name(value)}")
    return value.replace(tzinfo=timezone(timedelta(seconds=offset.total_seconds())))


def moment_or_utc(value: datetime | None) -> datetime | None:
    """Return what `moment` does; a time without a zone is taken as UTC."""
    return moment(value.replace(tzinfo=UTC) if type(value) is datetime and value.tzinfo is None else value)


def strings_by_name(values: Mapping[str, str]) -> dict[str, str]:
    """Return a mapping of strings to strings as a dict of its own."""
    made = dict(values)
    if not (are_all(str, made) and are_all(str, made.values())):
        raise TypeError("expected a mapping of strings to strings")
    return made


def strings(values: Iterable[str]) -> tuple[str, ...]:
    """Make a tuple of strings; a single string, an iterable of its characters, is rejected."""
    if type(values) is tuple and not values:  # as most are
        return ()
    made = tuple(values)
    if issubclass(type(values), str) or not are_all(str, made):
        raise TypeError("expected a tuple of strings")
    return made


def all_of(kind: type[ObjectT], values: Iterable[ObjectT]) -> tuple[ObjectT, ...]:
    """Make a tuple of objects of one class."""
    objects = tuple(values)
    if not are_all(kind, objects):
        other = next(one for one in objects if type(one) is not kind)
        raise TypeError(f"expected {kind.__name__} objects, got {class_name(other)}")
    return objects


def are_all(kind: type, values: Collection[object]) -> bool:
    """Return whether all values are of this very class. Classes are told apart by identity: a metaclass may lie."""
    return not values or {*map(id, map(type, values))} <= {id(kind)}


Seconds = Annotated[float, "seconds"]
"""A setting that is a number of seconds, and may be written as a duration: see `read_seconds`."""
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def read_seconds(value: Any) -> float:
    """Return the seconds of a number or a duration: ``900``, ``5m``, ``1h30m``; a ValueError for anything else."""
    if isinstance(value, str) and re.fullmatch(r"(?: *\d+(?:\.\d+)? *(?:ms|[smhd]))+ *", value, re.ASCII):
        value = sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"([\d.]+) *([a-z]+)", value))
    with suppress(ValueError, TypeError, OverflowError):
        if not isinstance(value, bool) and "_" not in str(value) and math.isfinite(seconds := float(value)):
            return seconds
    msg = "expected a number of seconds, or a duration such as 90s, 5m or 1h30m"
    raise ValueError(msg)
