"""What the commands take from here."""

from .documents import (
    STDIN as STDIN,
    join_documents as join_documents,
    read_document as read_document,
)
from .places import write_file as write_file
from .reporting import Reporting as Reporting

__all__: list[str]
