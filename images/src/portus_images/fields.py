"""What the fields of models have in common: validators and converters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeVar

from attrs import Attribute
from attrs.validators import instance_of

ObjectT = TypeVar("ObjectT")

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

STRING = instance_of(str)
BOOLEAN = instance_of(bool)


def nonempty_string(_instance: object, attribute: Attribute[str], value: str) -> None:
    """Check that a value is a string, and not an empty one."""
    if not isinstance(value, str) or not value:
        msg = f"{attribute.name} must be a string that is not empty, got {value!r:.80}"
        raise ValueError(msg)


def variable_name(_instance: object, attribute: Attribute[str], value: str) -> None:
    """Check that a value can be the name of an environment variable; it may be empty. The message does not show it."""
    if value and not _VARIABLE.fullmatch(value):
        msg = f"{attribute.name} is the name of an environment variable, not its value"
        raise ValueError(msg)


def moment(_instance: object, attribute: Attribute[datetime | None], value: datetime | None) -> None:
    """Check that a time has a time zone: one without can't be compared with others."""
    if value is not None and (not isinstance(value, datetime) or value.tzinfo is None):
        msg = f"{attribute.name} must be a time with a time zone"
        raise ValueError(msg)


def strings_by_name(_instance: object, attribute: Attribute[Mapping[str, str]], value: Mapping[str, str]) -> None:
    """Check that a mapping has strings as keys and values."""
    if not all(isinstance(part, str) for pair in value.items() for part in pair):
        msg = f"{attribute.name} must be a mapping of strings to strings"
        raise TypeError(msg)


def strings(values: Iterable[str]) -> tuple[str, ...]:
    """Make a tuple of strings; a single string, an iterable of its characters, is rejected."""
    made = tuple(values)
    if isinstance(values, str) or not all(isinstance(one, str) for one in made):
        msg = "expected a tuple of strings"
        raise TypeError(msg)
    return made


def all_of(kind: type[ObjectT], values: Iterable[ObjectT]) -> tuple[ObjectT, ...]:
    """Make a tuple of objects of one class."""
    objects = tuple(values)
    if set(map(type, objects)) <= {kind}:
        return objects
    for one in objects:
        if not isinstance(one, kind):
            msg = f"expected {kind.__name__} objects, got {type(one).__name__}"
            raise TypeError(msg)
    return objects
