"""The names of this folder, by the module that defines each."""

from ..models import (
    SCHEMA_VERSION as SCHEMA_VERSION,
)
from .converter import (
    ALWAYS as ALWAYS,
    document_converter as document_converter,
    structure as structure,
)
from .documents import (
    LINE_KINDS as LINE_KINDS,
    UNFINISHED as UNFINISHED,
    DocumentLines as DocumentLines,
    check_version as check_version,
    document_pieces as document_pieces,
    dump_document as dump_document,
    dump_line as dump_line,
    load_document as load_document,
    load_line as load_line,
    not_json as not_json,
)
from .sharing import FINDINGS as FINDINGS

__all__: list[str]
