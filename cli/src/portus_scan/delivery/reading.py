"""Reports that were written before: a JSON document or JSON Lines, in a file or on stdin."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import IO

from portus_scanners import InvalidDocumentError, ReportDocument, load_document

from ..exits import CommandFault

MOST_BYTES = 1 << 30
"""Bytes of one report that are read: a report of 1 GB has about half a million findings."""
STDIN = "-"


def read_document(name: str, *, limit: int = MOST_BYTES) -> ReportDocument:
    """Return the document in a file; ``-`` is stdin.

    Args:
        name: The file.
        limit: Bytes at most.

    Raises:
        CommandFault: It can't be read, is too large, or is no report; each fault has its line.
    """
    label = "stdin" if name == STDIN else repr(name)
    try:
        text = _read(name, limit)
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) else error
        raise CommandFault(f"can't read {label}: {words}") from error
    if len(text) > limit:
        raise CommandFault(f"can't read {label}: it has more than {limit:,} bytes")
    try:
        return load_document(text)
    except InvalidDocumentError as error:
        raise CommandFault(f"{label} is no report: {fault}" for fault in error.faults) from error


def _read(name: str, limit: int) -> bytes:
    with _open(name) as stream:
        return stream.read(limit + 1)


def _open(name: str) -> IO[bytes] | nullcontext[IO[bytes]]:
    if name != STDIN:
        return Path(name).open("rb")
    if sys.stdin is None:
        raise ValueError("it is closed")
    return nullcontext(sys.stdin.buffer)
