"""What the commands take from here."""

from .documents import (
    STDIN as STDIN,
    join_documents as join_documents,
    read_document as read_document,
)
from .json_stream import LONGEST_VALUE as LONGEST_VALUE
from .places import write_file as write_file
from .reporting import Reporting as Reporting

__all__: list[str]
