"""Texts that should be ours -> JSON objects -> attrs classes; what is wrong with one is lines that say where."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from cattrs.errors import BaseValidationError
from portus_images import one_line

from ..errors import InvalidDocumentError
from ..models import SCHEMA_VERSION
from ..strict import faults_of
from .converter import document_converter

KindT = TypeVar("KindT")
_BLANKS = " \t\n\r"


def as_text(text: str | bytes) -> str:
    """Return bytes as text: UTF-8, or what their beginning says (PowerShell writes UTF-16).

    Raises:
        InvalidDocumentError: They are no text.
    """
    if isinstance(text, str):
        return text
    try:
        return text.decode(json.detect_encoding(text))
    except UnicodeDecodeError as error:
        raise not_json(error) from error


def parse_first(text: str) -> tuple[Any, bool]:
    """Return the first JSON value of a text, and whether nothing follows it.

    Raises:
        InvalidDocumentError: It is no JSON.
    """
    begin = len(text) - len(text.lstrip(_BLANKS))
    try:
        value, end = json.JSONDecoder().raw_decode(text, begin)
    except (ValueError, RecursionError) as error:
        raise not_json(error) from error
    return value, not text[end:].strip(_BLANKS)


def check_version(value: Any) -> dict[str, Any]:
    """Return the value, an object of our schema version.

    Raises:
        InvalidDocumentError: It is something else.
    """
    version = value.get("schema_version") if isinstance(value, dict) else None
    if version != SCHEMA_VERSION or isinstance(version, bool):
        fault = f"$.schema_version: expected {SCHEMA_VERSION}, got {json.dumps(version)[:40]}"
        raise InvalidDocumentError([fault])
    found: dict[str, Any] = value
    return found


def structure(value: Any, kind: type[KindT], path: str = "$") -> KindT:
    """Return a JSON value as an attrs class.

    Args:
        value: What the JSON reader gave.
        kind: The class.
        path: Where the value stands in the text.

    Raises:
        InvalidDocumentError: It is something else.
    """
    try:
        return document_converter().structure(value, kind)
    except BaseValidationError as error:
        raise InvalidDocumentError(faults_of(error, path=path)) from error


def not_json(error: Exception) -> InvalidDocumentError:
    """Return the error for a text that is no JSON."""
    return InvalidDocumentError([f"$: not JSON: {one_line(str(error))}"])
