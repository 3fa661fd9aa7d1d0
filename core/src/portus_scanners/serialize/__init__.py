"""Reports as JSON and back, exactly; the JSON Schema of both.

Members are named as in ``models/``; enums are their values, times ISO 8601, a reference and a platform are texts as the
user writes them. Members that a later version adds are passed over. ``document`` has the whole document, ``lines`` the
same as JSON Lines, ``schema`` the JSON Schema.
"""

from __future__ import annotations

from ..models import SCHEMA_VERSION
from .converter import document_converter
from .document import dump_document, load_document
from .lines import dump_line, load_line
from .schema import make_schema, read_schema

__all__ = [
    "SCHEMA_VERSION",
    "document_converter",
    "dump_document",
    "dump_line",
    "load_document",
    "load_line",
    "make_schema",
    "read_schema",
]
