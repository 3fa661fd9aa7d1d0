"""Reports as JSON and back, exactly; the JSON Schema of both.

The document is ``{"schema_version": 1, "reports": [...], "errors": [...]}``. Members are named as in ``models/``;
enums are their values, times ISO 8601, a reference and a platform are texts as the user writes them. Members that a
later version adds are passed over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from enum import Enum
from functools import cache
from importlib.resources import files
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import attrs
from cattrs import Converter, transform_error
from cattrs.errors import BaseValidationError
from cattrs.gen import make_dict_structure_fn, override

from .diff import DocumentDiff
from .errors import InvalidDocumentError
from .local.reference import ImageReference, LocalReference
from .models import SCHEMA_VERSION, Image, Platform, ReportDocument
from .registry.reference import Reference
from .structuring import make_strict_converter

__all__ = ["dump_diff", "dump_document", "load_document", "make_schema", "read_schema"]

SCHEMA_FILE = "report-v1.schema.json"
_JSON_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}


def dump_document(document: ReportDocument) -> str:
    """Return the document as JSON text, with a newline at the end; ASCII only, so that no terminal acts on it."""
    return json.dumps(_converter().unstructure(document), indent=2, allow_nan=False) + "\n"


def dump_diff(diff: DocumentDiff) -> str:
    """Return a diff as JSON text, with a newline at the end: ``{"schema_version": 1, "images": [...], ...}``.

    Members are named as in `DocumentDiff`; vulnerabilities are written as in a report document. ASCII only.
    """
    value = {"schema_version": SCHEMA_VERSION, **_converter().unstructure(diff)}
    return json.dumps(value, indent=2, allow_nan=False) + "\n"


def load_document(text: str | bytes) -> ReportDocument:
    """Return the document that a JSON text holds.

    Raises:
        InvalidDocumentError: It is no JSON, no report document, or of a later schema version.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidDocumentError([f"$: not JSON: {error}"]) from error
    version = value.get("schema_version") if isinstance(value, dict) else None
    if version != SCHEMA_VERSION:
        fault = f"$.schema_version: expected {SCHEMA_VERSION}, got {json.dumps(version)[:40]}"
        raise InvalidDocumentError([fault])
    try:
        return _converter().structure(value, ReportDocument)
    except BaseValidationError as error:
        raise InvalidDocumentError(transform_error(error)) from error


def read_schema() -> dict[str, Any]:
    """Return the JSON Schema that is shipped with this package."""
    schema: dict[str, Any] = json.loads(files(__package__).joinpath(SCHEMA_FILE).read_text(encoding="utf-8"))
    return schema


def make_schema() -> dict[str, Any]:
    """Make the JSON Schema (2020-12) of a report document from the models. The shipped file is this, written out."""
    definitions: dict[str, Any] = {}
    root = _schema_of(ReportDocument, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **root,
        "$defs": dict(sorted(definitions.items())),
    }


@cache
def _converter() -> Converter:
    converter = make_strict_converter()
    converter.register_structure_hook(ImageReference, lambda value, _: Reference.parse(_text(value)))
    converter.register_unstructure_hook(ImageReference, lambda reference: reference.text)
    converter.register_structure_hook(Platform, lambda value, _: Platform.parse(_text(value)))
    converter.register_unstructure_hook(Platform, str)
    converter.register_structure_hook(Image, _make_image_hook(converter))
    return converter


def _make_image_hook(converter: Converter) -> Callable[[Any, Any], Any]:
    """Return a hook that reads the reference of a local image as one: ``oci:1.0`` can mean either."""
    plain = make_dict_structure_fn(Image, converter)
    reads_local = override(struct_hook=lambda value, _: LocalReference.parse(_text(value)))
    local = make_dict_structure_fn(Image, converter, reference=reads_local)

    def structure(value: Any, kind: Any) -> Any:
        is_local = isinstance(value, Mapping) and value.get("local") is not None
        return (local if is_local else plain)(value, kind)

    return structure


def _text(value: Any) -> str:
    if not isinstance(value, str):
        msg = "expected a text"
        raise TypeError(msg)
    return value


def _schema_of(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of one annotated type; attrs classes go to *definitions*."""
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
    if origin is tuple:
        return {"type": "array", "items": _schema_of(get_args(kind)[0], definitions)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _schema_of(get_args(kind)[1], definitions)}
    if issubclass(kind, Enum):
        return {"enum": [member.value for member in kind]}
    return _schema_of_class(kind, definitions)


def _schema_of_class(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if kind.__name__ not in definitions:
        definitions[kind.__name__] = {}  # stands for it while its own members are described
        hints = get_type_hints(kind)
        members = {member.name: _schema_of(hints[member.name], definitions) for member in attrs.fields(kind)}
        definitions[kind.__name__] = {"type": "object", "properties": members, "required": list(members)}
        if kind is ReportDocument:
            members["schema_version"] = {"const": SCHEMA_VERSION}
    return {"$ref": f"#/$defs/{kind.__name__}"}
