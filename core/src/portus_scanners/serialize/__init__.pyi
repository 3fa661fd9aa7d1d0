"""The names of this folder, by the module that defines each."""

from ..models import (
    SCHEMA_VERSION as SCHEMA_VERSION,
)
from .converter import (
    ALWAYS as ALWAYS,
    document_converter as document_converter,
)
from .documents import (
    load_document as load_document,
    load_line as load_line,
    read_document as read_document,
)
from .json_stream import (
    LONGEST_VALUE as LONGEST_VALUE,
)
from .sharing import (
    FINDINGS as FINDINGS,
    SHARED as SHARED,
)
from .writer import (
    document_pieces as document_pieces,
    dump_document as dump_document,
    dump_line as dump_line,
)

__all__: list[str]
