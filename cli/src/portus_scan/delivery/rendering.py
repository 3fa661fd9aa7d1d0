"""Running a format: the boundary that whatever foreign code does is not passed by."""

from __future__ import annotations

import logging
from asyncio import CancelledError
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from portus_images import one_line

from ..reporter import FolderReporter, ReportFile, ReportJob, TextReporter
from ..terminal import foreign_prints_to_stderr

PieceT = TypeVar("PieceT", str, ReportFile)
_END = object()
_LOGGER = logging.getLogger("portus_scan")


class FormatFault(Exception):  # noqa: N818 (as the other faults of the command)
    """A format that raises, or returns what it must not."""


def render_text(reporter: TextReporter, job: ReportJob) -> Iterator[str]:
    """Yield the text of a format, piece by piece.

    Raises:
        FormatFault: The format raised, or gave something else than text.
    """
    return _guarded(reporter, job, str)


def render_files(reporter: FolderReporter, job: ReportJob) -> Iterator[ReportFile]:
    """Yield the files of a format.

    Raises:
        FormatFault: The format raised, or gave something else than files.
    """
    for file in _guarded(reporter, job, ReportFile):
        if not isinstance(file.path, str) or not isinstance(file.content, bytes):
            raise FormatFault("it gives a file whose path is no text or whose content is no bytes")
        yield file


def _guarded(reporter: TextReporter | FolderReporter, job: ReportJob, kind: type[PieceT]) -> Iterator[PieceT]:
    with isolated():
        pieces: Iterator[object] = iter(reporter.render(job))
    given = False
    while True:
        with isolated():
            piece = next(pieces, _END)
        if piece is _END:
            break
        if not isinstance(piece, kind):
            raise FormatFault(f"it gives a {type(piece).__name__} where a {kind.__name__} belongs")
        given = given or bool(piece)
        yield piece
    if not given:
        raise FormatFault("it gives nothing at all")


@contextmanager
def isolated() -> Iterator[None]:
    """Turn what foreign code does in here into a `FormatFault`; what it prints goes to stderr."""
    try:
        with foreign_prints_to_stderr():
            yield
    except (KeyboardInterrupt, CancelledError):
        raise
    except BaseException as error:  # foreign code: it may raise or exit as it likes
        _LOGGER.exception("a format raised")
        raise FormatFault(f"it raised {_words(error)}") from error


def _words(error: BaseException) -> str:
    try:
        text = one_line(str(error))
    except Exception:  # noqa: BLE001 (foreign code)
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
