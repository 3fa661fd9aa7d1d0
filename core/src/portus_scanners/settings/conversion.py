"""Values of the configuration and the environment -> settings classes: strict, as answers of backends are.

The environment has nothing but strings, so a string is read as the number or the boolean that the setting asks for,
and as YAML where the setting is a list or a mapping. Nothing else is bent: ``timeout: false`` and ``server: [a]`` are
errors. No message shows a given value: it could be a secret in the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import attrs
from cattrs import Converter
from cattrs.errors import BaseValidationError, ForbiddenExtraKeysError, StructureHandlerNotFoundError
from portus_images import (
    Seconds,
    Secret,
    SettingsError,
    is_enum,
    make_strict_converter,
    mismatch,
    places_of,
    read_integer,
    read_number,
    read_seconds,
)

from .faults import did_you_mean

ClassT = TypeVar("ClassT")

_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_INTEGER = r"\s*[+-]?[0-9]{1,18}\s*"
_PATH = r"(?s)\$(?:\.(?P<key>\w+))?(?P<rest>.*)"
_hints_of = cache(get_type_hints)


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
    known = _read_containers({key: value for key, value in values.items() if key not in unknown}, settings_class)
    try:
        settings = _converter().structure(known, settings_class)
    except BaseValidationError as error:
        faults += [f"{_name(path, sources, place)}: {fault}" for path, fault in places_of(error, _explain)]
        raise SettingsError(faults) from error
    except StructureHandlerNotFoundError as error:
        kind = getattr(error.type_, "__name__", str(error.type_))
        hints = get_type_hints(settings_class)
        whose = ", ".join(name for name in names if error.type_ in (hints[name], *get_args(hints[name]))) or "one"
        fault = f"{place}: of the plugin's settings, {whose} has the type {kind}, which can't be configured"
        raise SettingsError(fault) from error
    if faults:
        raise SettingsError(faults)
    return settings


@cache
def _converter() -> Converter:
    converter = make_strict_converter(forbid_extra_keys=True)
    converter.register_structure_hook(int, _integer)
    converter.register_structure_hook(float, _number)
    converter.register_structure_hook_func(lambda kind: kind == Seconds, lambda value, _: read_seconds(value))
    converter.register_structure_hook(bool, lambda value, _: read_boolean(value))
    converter.register_structure_hook(Secret, lambda value, _: Secret(converter.structure(value, str)))
    converter.register_structure_hook_func(is_enum, _member)
    return converter


def read_boolean(value: object) -> bool:
    """Return a boolean that is given as such, or as a word: ``yes``, ``off``, ``1``; a ValueError for anything else."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _BOOLEANS:
        return _BOOLEANS[value.strip().lower()]
    raise mismatch("true or false", value)


def _integer(value: Any, kind: Any) -> int:
    return int(value) if isinstance(value, str) and re.fullmatch(_INTEGER, value) else read_integer(value, kind)


def _number(value: Any, kind: Any) -> float:
    if isinstance(value, str) and "_" not in value:
        with suppress(ValueError):  # it stays a string then, and is rejected as such
            value = float(value)
    return read_number(value, kind)


def _member(value: Any, kind: type[Enum]) -> Enum:
    """Return the member that a string names; any other string is not shown."""
    if isinstance(value, Enum):
        value = value.value
    words = [member.value for member in kind]
    if value in words:
        return kind(value)
    msg = f"expected one of {', '.join(words)}{did_you_mean(value, words) if isinstance(value, str) else ''}"
    raise ValueError(msg)


def _read_containers(values: Mapping[str, object], settings_class: Any) -> dict[str, object]:
    """Return the values, strings for a list or a mapping being read as YAML: the environment has only strings."""
    hints = _hints_of(settings_class)
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
    import yaml  # not imported where every container comes from a file

    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return text  # it is neither a list nor a mapping then, and is rejected as such


def _explain(error: BaseException, _kind: type | None) -> str:
    """Say what is wrong with one value; only a `ValueError` of ours or of attrs is known to show no secret."""
    if isinstance(error, KeyError):
        return "is required"
    if isinstance(error, ForbiddenExtraKeysError):
        known = [attribute.name for attribute in attrs.fields(error.cl)]
        return "; ".join(f"unknown key {key}{did_you_mean(key, known)}" for key in sorted(map(str, error.extra_fields)))
    return str(error) if isinstance(error, ValueError) else "has the wrong form"


def _name(path: str, sources: Mapping[str, str], place: str) -> str:
    """Return what a user calls the value at a path: of ``$.key[0].inner`` it is ``security.clair.key[0].inner``."""
    match = re.fullmatch(_PATH, path)
    if match is None or match["key"] is None:
        return place
    return sources.get(match["key"], f"{place}.{match['key']}") + match["rest"]
