"""The JSON Schema of a report document, made from the models: ``scripts/schema`` writes the file that is shipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import attrs
from portus_images import ImageReference, Platform
from portus_scanners.merge import SAID_TOGETHER
from portus_scanners.models import SCHEMA_VERSION, ReportDocument, Vulnerability
from portus_scanners.serialize import ALWAYS, FINDINGS, document_converter

_JSON_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}


def make_schema() -> dict[str, Any]:
    """Make the JSON Schema (2020-12) of a report document from the models. The shipped file is this, written out.

    A member that need not be there has the value that an absent one means as its ``default``; what an absent member
    means that a vulnerability shares with its findings stands in its ``description``.
    """
    definitions: dict[str, Any] = {}
    root = _schema_of(ReportDocument, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **root,
        "$defs": dict(sorted(definitions.items())),
    }


def _schema_of(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of one annotated type; those of attrs classes are added to *definitions*."""
    if kind in _JSON_TYPES:
        return {"type": _JSON_TYPES[kind]}
    if kind in {ImageReference, Platform}:
        return {"type": "string"}
    if kind is datetime:
        return {"type": "string", "format": "date-time"}
    if kind is date:
        return {"type": "string", "format": "date"}
    origin = get_origin(kind)
    if origin in {Union, UnionType}:
        return {"anyOf": [_schema_of(part, definitions) for part in get_args(kind)]}
    if origin in {tuple, Sequence}:
        return {"type": "array", "items": _schema_of(get_args(kind)[0], definitions)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _schema_of(get_args(kind)[1], definitions)}
    if issubclass(kind, Enum):
        return {"enum": [member.value for member in kind]}
    return _schema_of_class(kind, definitions)


def _schema_of_class(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if kind.__name__ not in definitions:
        definitions[kind.__name__] = {}  # in place of the schema while that of its members is made
        hints = get_type_hints(kind)
        always = ALWAYS.get(kind, ())
        members, required = {}, []
        for member in attrs.fields(kind):
            members[member.name] = _schema_of(hints[member.name], definitions)
            if member.default is attrs.NOTHING or member.name in always:
                required.append(member.name)
            else:
                members[member.name] |= _meaning_of_absence(kind, member)
        if kind is Vulnerability:
            members[FINDINGS] = _PLACES
        definitions[kind.__name__] = {"type": "object", "properties": members, "required": required}
        if kind is ReportDocument:
            members["schema_version"] = {"const": SCHEMA_VERSION}
    return {"$ref": f"#/$defs/{kind.__name__}"}


_PLACES = {
    "type": "array",
    "items": {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 2, "maxItems": 2},
    "default": [],
    "description": "Its findings: [0, 17] is results[0].report.findings[17].",
}


def _meaning_of_absence(kind: type, member: attrs.Attribute[Any]) -> dict[str, Any]:
    if kind is Vulnerability and member.name in SAID_TOGETHER:
        shared, _ = SAID_TOGETHER[member.name]
        which = "the first of them that is not empty" if _is_string(member) else "all of them, each once"
        return {"description": f"Absent: the {shared} of its findings, {which}."}
    default: Any = member.default
    value = default.factory() if hasattr(default, "factory") else default
    return {"default": document_converter().unstructure(value)}


def _is_string(member: attrs.Attribute[Any]) -> bool:
    return member.default == ""
