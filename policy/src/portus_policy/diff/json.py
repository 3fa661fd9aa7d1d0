"""A difference as JSON."""

from __future__ import annotations

import json

from portus_scanners.serialize import SCHEMA_VERSION, document_converter

from .document_diff import DocumentDiff


def dump_diff(diff: DocumentDiff) -> str:
    """Return a diff as a JSON string, with a newline at the end: ``{"schema_version": 1, "images": [...], ...}``.

    Members are named as in `DocumentDiff`; vulnerabilities are written as in a report document. ASCII only.
    """
    value = {"schema_version": SCHEMA_VERSION, **document_converter().unstructure(diff)}
    return json.dumps(value, indent=2, allow_nan=False) + "\n"
