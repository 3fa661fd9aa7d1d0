"""The names of this folder, by the module that defines each."""

from ..models import (
    SCHEMA_VERSION as SCHEMA_VERSION,
)
from .converter import (
    document_converter as document_converter,
)
from .documents import (
    dump_document as dump_document,
    dump_line as dump_line,
    load_document as load_document,
    load_line as load_line,
)

__all__: list[str]
