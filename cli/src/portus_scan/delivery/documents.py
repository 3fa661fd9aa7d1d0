"""Reports that were written earlier: read from a file or from stdin, and several joined as one."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from typing import IO

from portus_policy import GateResult
from portus_scanners import InvalidDocumentError, ReportDocument, load_document

from ..exits import CommandFault
from ..terminal import PROGRAM

MOST_BYTES = 1 << 30
"""Bytes of one report that are read: a report of 1 GB has about half a million findings."""
STDIN = "-"
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
    try:
        data = _read(name, limit)
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) else error
        raise CommandFault(f"can't read {label}: {words}") from error
    if len(data) > limit:
        raise CommandFault(f"can't read {label}: it has more than {limit:,} bytes")
    try:
        return load_document(data)
    except InvalidDocumentError as error:
        raise CommandFault(_why_not(label, data, error)) from error


def _why_not(label: str, data: bytes, error: InvalidDocumentError) -> Iterator[str]:
    """Yield what a file looks like that is something else, otherwise the faults of the report."""
    from portus_policy import looks_like

    words = looks_like(data)
    if not words or words in _OURS:
        yield from (f"{label} is not a report: {fault}" for fault in error.faults)
        return
    advice = "; the scanner report_file reads it" if words in _READ_BY_REPORT_FILE else ""
    yield f"{label} is not a report of {PROGRAM}: it looks like {words}{advice}"


def _read(name: str, limit: int) -> bytes:
    with _open(name) as stream:
        return stream.read(limit + 1)


def _open(name: str) -> IO[bytes] | nullcontext[IO[bytes]]:
    if name != STDIN:
        return Path(name).open("rb")
    if sys.stdin is None:
        raise ValueError("it is closed")
    return nullcontext(sys.stdin.buffer)


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
        reports=tuple(chain.from_iterable(one.reports for one in documents)),
        errors=tuple(chain.from_iterable(one.errors for one in documents)),
        created=max(times, default=None),
        unused_rules=tuple(chain.from_iterable(one.unused_rules for one in documents)),
        gate=_join_gates([one.gate for one in documents]),
    )


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
