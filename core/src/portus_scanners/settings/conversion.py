"""Values of the configuration and the environment -> settings classes, strictly.

A text where a number or a truth value belongs is read as one, since the environment has nothing but texts; where
a list or a mapping belongs it is read as YAML. Nothing else is bent: ``timeout: false`` and ``server: [a]`` are
errors. No message shows a text that was given: it could be a secret in the wrong place.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import attrs
import yaml
from cattrs import Converter, transform_error
from cattrs.cols import homogenous_tuple_structure_factory, is_sequence, list_structure_factory
from cattrs.errors import BaseValidationError, ForbiddenExtraKeysError, StructureHandlerNotFoundError
from portus_images import Secret, SettingsError

from .truth import mismatch, truth
from .wording import did_you_mean

ClassT = TypeVar("ClassT")

_LINE = re.compile(r"(?P<fault>.*) @ \$(?:\.(?P<key>\w+))?(?P<rest>.*)", re.DOTALL)


def structure_section(
    values: Mapping[str, object], settings_class: type[ClassT], sources: Mapping[str, str], place: str
) -> ClassT:
    """Convert one section to its settings class.

    Args:
        values: What the configuration and the environment say.
        settings_class: An attrs class.
        sources: For each key where it comes from, as a user would name it.
        place: The section as a user would name it: ``security.clair``.

    Raises:
        SettingsError: One line for each unknown key and each value that does not fit.
    """
    names = [attribute.name for attribute in attrs.fields(settings_class)]  # type: ignore[arg-type]
    unknown = [key for key in values if key not in names]
    faults = [f"{sources.get(key, f'{place}.{key}')}: unknown key{did_you_mean(key, names)}" for key in unknown]
    known = {key: value for key, value in values.items() if key not in unknown}
    known = _read_containers(known, settings_class)
    try:
        settings = _converter().structure(known, settings_class)
    except BaseValidationError as error:
        lines = transform_error(error, format_exception=_fault)
        raise SettingsError([*faults, *(_named(line, sources, place) for line in lines)]) from error
    except StructureHandlerNotFoundError as error:
        kind = getattr(error.type_, "__name__", str(error.type_))
        fault = f"{place}: the plugin has a setting of the type {kind}, which can't be configured"
        raise SettingsError(fault) from error
    if faults:
        raise SettingsError(faults)
    return settings


@cache
def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=True)
    converter.register_structure_hook(str, _text)
    converter.register_structure_hook(int, _integer)
    converter.register_structure_hook(float, _number)
    converter.register_structure_hook(bool, lambda value, _: truth(value))
    converter.register_structure_hook(Secret, lambda value, kind: Secret(_text(value, kind)))
    converter.register_structure_hook_func(_is_enum, _member)
    converter.register_structure_hook_factory(is_sequence, _sequence(list_structure_factory))
    # last, and so asked first: a tuple is a sequence as well
    converter.register_structure_hook_factory(_is_tuple, _sequence(homogenous_tuple_structure_factory))
    return converter


def _is_tuple(kind: Any) -> bool:
    return get_origin(kind) is tuple


def _sequence(factory: Callable[[Any, Any], Any]) -> Callable[[Any, Converter], Any]:
    """Make a hook factory that takes lists only: cattrs itself would take a text apart into its characters."""

    def make(kind: Any, converter: Converter) -> Any:
        structure = factory(kind, converter)

        def from_list(value: Any, kind: Any) -> Any:
            if not isinstance(value, (list, tuple)):
                raise mismatch(list, value)
            return structure(value, kind)

        return from_list

    return make


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Enum)


def _member(value: Any, kind: type[Enum]) -> Enum:
    """Return the member of that value, which is a text; a text that is none is not shown."""
    if isinstance(value, Enum):
        value = value.value
    words = [member.value for member in kind]
    if value in words:
        return kind(value)
    msg = f"expected one of {', '.join(words)}{did_you_mean(value, words) if isinstance(value, str) else ''}"
    raise ValueError(msg)


def _text(value: Any, _: Any) -> str:
    if not isinstance(value, str):
        raise mismatch(str, value)
    return value


def _integer(value: Any, _: Any) -> int:
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,18}\s*", value):
        return int(value)
    if type(value) is not int:
        raise mismatch(int, value)
    return value


def _number(value: Any, _: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise mismatch(float, value)
    try:
        number = float("" if isinstance(value, str) and "_" in value else value)
    except (ValueError, OverflowError):
        raise mismatch(float, value) from None
    if not math.isfinite(number):
        msg = "expected a finite number"
        raise ValueError(msg)
    return number


def _read_containers(values: Mapping[str, object], settings_class: Any) -> dict[str, object]:
    """Read as YAML what the environment gives for a list or a mapping."""
    hints = get_type_hints(settings_class)
    return {
        key: _from_yaml(value) if isinstance(value, str) and _is_container(hints.get(key)) else value
        for key, value in values.items()
    }


def _is_container(kind: Any) -> bool:
    parts = get_args(kind) if get_origin(kind) in {Union, UnionType} else (kind,)
    return any(
        attrs.has(part)
        or (isinstance(get_origin(part) or part, type) and issubclass(get_origin(part) or part, Collection))
        for part in parts
        if part not in {str, bytes, NoneType}
    )


def _from_yaml(text: str) -> object:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return text  # which then is no list and no mapping, and is refused as such


def _fault(error: BaseException, _kind: type | None) -> str:
    """Say what is wrong with one value; `transform_error` adds where."""
    if isinstance(error, KeyError):
        return "is required"
    if isinstance(error, ForbiddenExtraKeysError):
        known = [attribute.name for attribute in attrs.fields(error.cl)]
        return "; ".join(f"unknown key {key}{did_you_mean(key, known)}" for key in sorted(map(str, error.extra_fields)))
    if isinstance(error, ValueError):
        return str(error)
    return "has the wrong form"


def _named(line: str, sources: Mapping[str, str], place: str) -> str:
    """Turn cattrs' ``fault @ $.key[0].inner`` into ``security.clair.key[0].inner: fault``."""
    match = _LINE.fullmatch(line)
    if match is None:
        return f"{place}: {line}"
    key = match["key"]
    where = sources.get(key, f"{place}.{key}") if key else place
    return f"{where}{match['rest']}: {match['fault']}"
