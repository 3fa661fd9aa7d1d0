"""Reports that were written earlier: read from a file or from stdin, and several joined as one.

A file of any number of images is read: those of a large one stay in it, and each is read when a format asks for it.
What can be read only once, or is not in UTF-8, is first copied to a temporary file.
"""

from __future__ import annotations

import codecs
import json
import os
import stat
import sys
import tempfile
import weakref
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import accumulate, chain
from pathlib import Path
from typing import IO, BinaryIO, cast

from portus_policy import GateResult, LazySequence
from portus_scanners import ImageReport, InvalidDocumentError, ReportDocument

from ..exits import CommandFault
from ..terminal import PROGRAM
from .stored_document import read_stored

MOST_BYTES = 64 << 30
"""Bytes of one file of reports that is read."""
STDIN = "-"
_PIECE = 1024 * 1024
_MOST_LOOKED_AT = 64 * 1024 * 1024 + 1
"""Bytes of a file that is not a report, for the guess what else it may be."""
_OURS = {"a report of portus-scan", "a line of a report of portus-scan"}
_READ_BY_REPORT_FILE = {"a report of Trivy", "a report of Grype", "a SARIF log"}


def read_document(name: str, *, limit: int = MOST_BYTES) -> ReportDocument:
    """Return the document in a file, JSON or JSON Lines; ``-`` is stdin.

    Args:
        name: The file.
        limit: Bytes at most.

    Raises:
        CommandFault: The file can't be read, is too large, or is not a report; each fault has its line.
    """
    label = "stdin" if name == STDIN else repr(name)
    with ExitStack() as closing:
        try:
            file = closing.enter_context(_open(name, limit))
        except (OSError, ValueError) as error:
            words = error.strerror if isinstance(error, OSError) else error
            raise CommandFault(f"can't read {label}: {words}") from error
        try:
            document = read_stored(file)
        except InvalidDocumentError as error:
            file.seek(0)
            raise CommandFault(_why_not(label, file.read(_MOST_LOOKED_AT), error)) from error
        if not isinstance(document.reports, tuple):
            weakref.finalize(document.reports, closing.pop_all().close)  # they are read from the file
        return document


def _why_not(label: str, data: bytes, error: InvalidDocumentError) -> Iterator[str]:
    """Yield what a file looks like that is something else, otherwise the faults of the report."""
    from portus_policy import looks_like

    words = looks_like(data)
    if not words or words in _OURS:
        yield from (f"{label} is not a report: {fault}" for fault in error.faults)
        return
    advice = "; the scanner report_file reads it" if words in _READ_BY_REPORT_FILE else ""
    yield f"{label} is not a report of {PROGRAM}: it looks like {words}{advice}"


@contextmanager
def _open(name: str, limit: int) -> Iterator[BinaryIO]:
    """Give a file that can be read from any place, in UTF-8.

    Raises:
        OSError: It can't be read, or the temporary file can't be written.
        ValueError: It is closed, has more bytes than *limit*, or is not in the encoding that its beginning says.
    """
    with ExitStack() as closing:
        if name != STDIN:
            file: IO[bytes] = closing.enter_context(Path(name).open("rb"))
        elif sys.stdin is None:
            raise ValueError("it is closed")
        else:
            file = sys.stdin.buffer
        if name == STDIN or not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file = closing.enter_context(_copied(file, limit))
        elif os.fstat(file.fileno()).st_size > limit:
            raise _too_large(limit)
        encoding = json.detect_encoding(file.read(4))
        file.seek(0)
        if encoding != "utf-8":
            file = closing.enter_context(_copied(codecs.EncodedFile(file, "utf-8", encoding), limit))
        yield cast("BinaryIO", file)


def _copied(source: IO[bytes], limit: int) -> IO[bytes]:
    """Return a temporary file with what can be read from another one."""
    with ExitStack() as closing:
        copy = closing.enter_context(tempfile.TemporaryFile())
        while piece := source.read(_PIECE):
            copy.write(piece)
            if copy.tell() > limit:
                raise _too_large(limit)
        copy.seek(0)
        closing.pop_all()
    return copy


def _too_large(limit: int) -> ValueError:
    return ValueError(f"it has more than {limit:,} bytes")


def join_documents(documents: Sequence[ReportDocument]) -> ReportDocument:
    """Return one document with everything that is in *documents*, in their order.

    Args:
        documents: At least one. An image that is in several of them stays there as often.

    Returns:
        Its `created` is that of the newest document. Its gate has passed only if every document has passed a gate, and
        has failed if one has failed; otherwise there is no gate.
    """
    if len(documents) == 1:
        return documents[0]
    times = [one.created for one in documents if one.created is not None]
    return ReportDocument(
        reports=join_reports(one.reports for one in documents),
        errors=tuple(chain.from_iterable(one.errors for one in documents)),
        created=max(times, default=None),
        unused_rules=tuple(chain.from_iterable(one.unused_rules for one in documents)),
        gate=_join_gates([one.gate for one in documents]),
    )


def join_reports(all_reports: Iterable[Sequence[ImageReport]]) -> Sequence[ImageReport]:
    """Return the reports of several documents in their order, as a tuple if all of them are tuples."""
    parts = [part for part in all_reports if part]
    if all(isinstance(part, tuple) for part in parts):
        return tuple(chain.from_iterable(parts))
    ends = list(accumulate(map(len, parts)))

    def make(number: int) -> ImageReport:
        part = bisect_right(ends, number)
        return parts[part][number - ends[part]]  # counted from the part's end

    return LazySequence(ends[-1], make)


def _join_gates(gates: Sequence[GateResult | None]) -> GateResult | None:
    given = [gate for gate in gates if gate is not None]
    passed = all(gate.passed for gate in given)
    if passed and len(given) < len(gates):
        return None  # some were not judged: that the others passed says nothing of all
    return GateResult(
        passed=passed,
        rules=tuple(dict.fromkeys(rule for gate in given for rule in gate.rules)),
        violations=tuple(violation for gate in given for violation in gate.violations),
    )
