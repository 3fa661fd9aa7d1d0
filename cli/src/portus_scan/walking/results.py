"""The file of what is finished, one line an image, written while the scan runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from hashlib import blake2b
from itertools import count
from pathlib import Path
from typing import Self

from portus_scanners import (
    ImageReport,
    InvalidDocumentError,
    ReportDocument,
    UnresolvedImage,
    dump_line,
    load_line,
)

from ..exits import CommandFault

LONGEST_LINE = 256 * 1024 * 1024
"""Bytes of one image's report that is read again."""
INTERRUPTED = "interrupted"
"""The step of an image that was not scanned since the user stopped."""


class ResultsFile:
    """JSON Lines: each finished image once, as soon as it is finished. A context manager; one process at a time.

    A line is written with one call, so that a program which is killed leaves all lines before it whole. Its last line
    says that the walk has ended; one that was interrupted is among the images that were not scanned.

    Args:
        path: The file.
        resume: Go on with what is there; otherwise the file must be new or empty.

    Raises:
        CommandFault: It can't be opened, another process writes it, or it is there and *resume* was not asked for.
    """

    def __init__(self, path: Path, *, resume: bool = False) -> None:
        self._path = path
        self._finished: set[bytes] = set()
        try:
            self._file = path.open("r+b" if resume else "a+b", buffering=0)
        except OSError as error:
            hint = "; without --resume it is made" if resume and isinstance(error, FileNotFoundError) else ""
            raise CommandFault(f"can't open {str(path)!r}: {error.strerror}{hint}") from error
        try:
            self._claim(resume=resume)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def __contains__(self, reference: str) -> bool:
        """Return whether an image is finished, by its reference's text."""
        return short(reference) in self._finished

    def read(self) -> Iterator[ImageReport | UnresolvedImage]:
        """Yield what is there, and remember which images are finished.

        What follows the last finished image is cut off: part of a line, the lines of an earlier end.

        Raises:
            CommandFault: The file is something else, or a line is no report: it is left as it is.
        """
        self._file.seek(0)
        with os.fdopen(self._file.fileno(), "rb", closefd=False) as lines:
            place, ended = 0, False
            for number in count(1):
                line = lines.readline(LONGEST_LINE + 1)
                if not line.endswith(b"\n") and len(line) <= LONGEST_LINE:
                    self._check_torn(number, line)
                    break
                end = self._load(number, line)
                if isinstance(end, ReportDocument) or _is_of_the_end(end):
                    ended = True
                elif ended:
                    raise self._refuse(f"line {number} follows the end of a walk")
                else:
                    place += len(line)
                    self._finished.add(short(reference_of(end)))
                    yield end
        self._file.truncate(place)

    def end(self, document: ReportDocument, interrupted: UnresolvedImage | None = None) -> None:
        """Write the last line.

        Args:
            document: What concerns all images; its reports are not looked at.
            interrupted: What was not reached; its step is `INTERRUPTED`.
        """
        for part in (interrupted, document):
            if part is not None:
                self._write(dump_line(part))

    def append(self, end: ImageReport | UnresolvedImage) -> None:
        """Write one image.

        Raises:
            CommandFault: It can't be written.
        """
        self._write(dump_line(end))
        self._finished.add(short(reference_of(end)))

    def close(self) -> None:
        """Have it written to the disk."""
        with suppress(OSError):  # a pipe, a device
            os.fsync(self._file.fileno())
        self._file.close()

    def _write(self, line: str) -> None:
        data = line.encode()
        self._file.seek(0, os.SEEK_END)
        try:
            while data:
                data = data[self._file.write(data) or 0 :]
        except OSError as error:
            advice = "what was finished before is in it; make room and go on with --resume"
            raise CommandFault(f"can't write {str(self._path)!r}: {error.strerror}; {advice}") from error

    def _load(self, number: int, line: bytes) -> ImageReport | UnresolvedImage | ReportDocument:
        if len(line) > LONGEST_LINE:
            raise self._refuse(f"line {number} is longer than {LONGEST_LINE // 1024**2} MiB")
        try:
            return load_line(line)
        except InvalidDocumentError as error:
            raise self._refuse(f"line {number} is no report ({error})") from error

    def _claim(self, *, resume: bool) -> None:
        """Keep other processes out, and do not write to what was there before."""
        self._lock()
        if not resume and self._file.seek(0, os.SEEK_END):
            name = str(self._path)
            raise CommandFault(f"{name!r} is there already: go on with --resume {name}, or name another file")

    def _lock(self) -> None:
        import fcntl

        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CommandFault(f"another portus-scan writes {str(self._path)!r}: wait for it, or stop it") from error
        except OSError:
            return  # a file system without locks

    def _check_torn(self, number: int, line: bytes) -> None:
        """Refuse what is no beginning of a line of ours; a machine that went down may leave zeros in its place."""
        if line.strip(b"\0") and not any(line.startswith(head[: len(line)]) for head in _heads()):
            raise self._refuse(f"line {number} is no report, nor the beginning of one")

    def _refuse(self, why: str) -> CommandFault:
        return CommandFault(f"{str(self._path)!r}: {why}; nothing was changed: name another file, or repair this one")


def _heads() -> list[bytes]:
    """Return how lines begin: ``{"schema_version":1,"report":{``."""
    before, _, _ = dump_line(UnresolvedImage(reference="any", step="any", message="any")).partition('"error"')
    return [f'{before}"{kind}":{{'.encode() for kind in ("report", "error", "document")]


def _is_of_the_end(end: ImageReport | UnresolvedImage) -> bool:
    return isinstance(end, UnresolvedImage) and end.step == INTERRUPTED


def reference_of(end: ImageReport | UnresolvedImage) -> str:
    """Return the reference that a result is about."""
    return end.image.reference.text if isinstance(end, ImageReport) else end.reference


def short(reference: str) -> bytes:
    """Return what stands for a reference: of a hundred thousand of them the texts would be too much to keep."""
    return blake2b(reference.encode(errors="surrogatepass"), digest_size=16).digest()
