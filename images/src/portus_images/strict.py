"""What "strict" means when values from outside become attrs classes: nothing is bent, so nothing is silently lost.

cattrs itself turns 7 into ``"7"``, takes a string apart into its characters, and makes an object that has nothing but
defaults out of a string. Here each of these is an error with its place. Answers of backends, report documents and the
configuration are converted by this one converter; ``settings.conversion`` adds hooks, since environment variables are
strings.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import suppress
from datetime import date, datetime
from enum import Enum
from itertools import islice
from types import GenericAlias, NoneType
from typing import Any, get_args, get_origin

import attrs
from cattrs import Converter, transform_error
from cattrs.cols import homogenous_tuple_structure_factory, is_sequence, list_structure_factory

from .text import one_line

Hook = Callable[[Any, Any], Any]
Explain = Callable[[BaseException, type | None], str]

MOST_FAULTS = 10
"""How many faults of one answer are named; of the others, only their number."""
_LONGEST_NAME = 100
_MOST_NAMES = 1000
_NAMES = {
    NoneType: "null",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "an object",
}
_PLACE = r"(?s)(?P<fault>.*) @ (?P<path>\$.*)"


class RepeatedMemberError(ValueError):
    """An object of a JSON value has two members of one name: which one counts, nobody can say.

    Args:
        name: The name.
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"an object has two members {one_line(name, _LONGEST_NAME)!r}")


def load_json(content: str | bytes) -> Any:
    """Return the JSON value that a backend's answer or a file contains.

    Python's reader would keep the last of two members of one name without a word: a second, empty list of
    vulnerabilities would hide the first.

    Raises:
        RepeatedMemberError: An object has two members of one name.
        ValueError: The content is not JSON.
        RecursionError: It is nested too deeply.
    """
    return json.loads(content, object_pairs_hook=_members)


def json_decoder() -> json.JSONDecoder:
    """Return a reader that rejects what `load_json` rejects, for strings in which something follows the value."""
    return json.JSONDecoder(object_pairs_hook=_members)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise RepeatedMemberError(Counter(name for name, _ in pairs).most_common(1)[0][0])
    return members


def make_strict_converter(*, forbid_extra_keys: bool = False) -> Converter:
    """Return a new converter that bends nothing: no string is made of a number, no list of a string.

    Args:
        forbid_extra_keys: Whether a member that a class does not have is an error; otherwise it is ignored.
    """
    converter = Converter(prefer_attrib_converters=False, forbid_extra_keys=forbid_extra_keys)
    converter.register_structure_hook(str, _exactly(str))
    converter.register_structure_hook(int, read_integer)
    converter.register_structure_hook(bool, _exactly(bool))
    converter.register_structure_hook(float, read_number)
    converter.register_structure_hook_factory(is_enum, _one_of)
    for is_wanted, given, factory in _CONTAINERS:
        converter.register_structure_hook_factory(is_wanted, _only(given, factory))
    return converter


def make_json_converter() -> Converter:
    """Return a new strict converter for JSON, which has times and dates as ISO 8601 strings."""
    converter = make_strict_converter()
    for kind in (datetime, date):
        converter.register_structure_hook(kind, _iso_8601(kind))
        converter.register_unstructure_hook(kind, kind.isoformat)
    return converter


def _exactly(wanted: type) -> Hook:
    def structure(value: Any, _: Any) -> Any:
        if type(value) is not wanted:
            raise mismatch(wanted, value)
        return value

    return structure


read_integer: Callable[[Any, Any], int] = _exactly(int)
"""Returns an integer as it is; a boolean is not one."""


def read_number(value: Any, _: Any) -> float:
    """Return an integer or a float as a finite float."""
    if type(value) not in {int, float}:
        raise mismatch(float, value)
    with suppress(OverflowError):
        if math.isfinite(value):
            return float(value)
    raise ValueError("expected a finite number")


def is_enum(kind: Any) -> bool:
    """Return whether a type is an enumeration."""
    return isinstance(kind, type) and issubclass(kind, Enum)


def _one_of(kind: type[Enum]) -> Hook:
    by_value = {member.value: member for member in kind}

    def structure(value: Any, _: Any) -> Enum:
        if not isinstance(value, str | int) or value not in by_value:
            raise ValueError(f"expected one of {', '.join(map(str, by_value))}")
        return by_value[value]

    return structure


def _set_structure_factory(kind: Any, converter: Converter) -> Hook:
    items = GenericAlias(list, get_args(kind))
    structure, made = converter.get_structure_hook(items), set if get_origin(kind) is set else frozenset
    return lambda value, _: made(structure(value, items))


def _object_structure_factory(kind: Any, converter: Converter) -> Hook:
    """Return a hook for an object without a known member in another spelling: a program in Go would read that one."""
    structure = converter.gen_structure_attrs_fromdict(kind)
    harmless = {one.name for one in attrs.fields(kind)}
    spelt = {name.casefold(): name for name in harmless}

    def checked(value: Any, kind: Any) -> Any:
        if not harmless.issuperset(value) and not converter.forbid_extra_keys:
            strange = (one for one in value if one not in harmless and isinstance(one, str))
            if name := next((one for one in strange if one.casefold() in spelt), None):
                raise ValueError(f"{one_line(name, _LONGEST_NAME)!r} is not {spelt[name.casefold()]!r}")
            harmless.update(value if len(harmless) < _MOST_NAMES else ())
        return structure(value, kind)

    return checked


_CONTAINERS: tuple[tuple[Callable[[Any], bool], type, Callable[[Any, Converter], Any]], ...] = (
    (attrs.has, dict, _object_structure_factory),
    (
        lambda kind: get_origin(kind) in {dict, Mapping},
        dict,
        lambda kind, converter: converter.gen_structure_mapping(kind),
    ),
    (lambda kind: get_origin(kind) in {set, frozenset, Set}, list, _set_structure_factory),
    (is_sequence, list, list_structure_factory),
    # last, and so asked first: a tuple is a sequence as well
    (lambda kind: get_origin(kind) is tuple, list, homogenous_tuple_structure_factory),
)
_ACCEPTED: Mapping[type, Any] = {dict: Mapping, list: (list, tuple)}
"""A reader of JSON or YAML returns a dict or a list; a caller in Python may have other types of the same meaning."""


def _only(given: type, factory: Callable[[Any, Converter], Any]) -> Callable[[Any, Converter], Hook]:
    """Return a hook factory that accepts nothing but a dict, or nothing but a list, then does what cattrs does."""

    def make(kind: Any, converter: Converter) -> Hook:
        structure = factory(kind, converter)

        def checked(value: Any, kind: Any) -> Any:
            if not isinstance(value, _ACCEPTED[given]):
                raise mismatch(given, value)
            return structure(value, kind)

        return checked

    return make


def _iso_8601(kind: type[date]) -> Hook:
    noun = "time" if kind is datetime else "date"

    def structure(value: Any, _: Any) -> date:
        if not isinstance(value, str):
            raise mismatch(str, value)
        try:
            return kind.fromisoformat(value)
        except ValueError:
            raise ValueError(f"expected a {noun} in ISO 8601 form") from None

    return structure


def mismatch(wanted: type | str, value: object) -> ValueError:
    """Return the error for a value that is not what was *wanted*, a type or words; it does not show the value."""
    expected = wanted if isinstance(wanted, str) else _NAMES[wanted]
    return ValueError(f"expected {expected}, got {_NAMES.get(type(value), type(value).__name__)}")


def faults_of(error: Exception, mask: Callable[[str], str] = str, *, path: str = "$") -> tuple[str, ...]:
    """Return ``$.path: fault`` lines for what a converter raised: ten at most, then how many more there are.

    Args:
        error: What the converter raised.
        mask: Masks secrets in a line.
        path: The path of the value that was converted.
    """
    faults = places_of(error, explain, path=path)
    lines = tuple(one_line(mask(f"{place}: {fault}")) for place, fault in islice(faults, MOST_FAULTS))
    rest = sum(1 for _ in faults)
    return (*lines, f"and {rest} more") if rest else lines


def places_of(error: Exception, explain: Explain, *, path: str = "$") -> Iterator[tuple[str, str]]:
    """Yield the ``$.path`` and the fault, as *explain* has it, of each value that a converter did not accept."""
    for line in transform_error(error, path=path, format_exception=explain):
        match = re.fullmatch(_PLACE, line)  # cattrs writes "fault @ $.key[0]"
        yield (match["path"], match["fault"]) if match else (path, line)


def explain(error: BaseException, _kind: type | None) -> str:
    """Say what is wrong with one value of an answer."""
    if isinstance(error, KeyError):
        return "missing"
    if isinstance(error, ValueError | TypeError):
        return str(error)
    return "has the wrong form"
