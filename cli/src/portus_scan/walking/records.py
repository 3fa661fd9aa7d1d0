"""What is kept of a walk: a file of the images that are finished."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from hashlib import blake2b
from itertools import chain, count
from pathlib import Path
from typing import Self

from portus_scanners import (
    ImageReport,
    InvalidDocumentError,
    Outcome,
    ReportDocument,
    UnresolvedImage,
    dump_line,
    load_line,
)

from ..delivery import LONGEST_VALUE, write_file
from ..exits import CommandFault
from .counted import AnyReport, CountedReport

INTERRUPTED = "interrupted"
"""The step of an image that was not scanned since the user stopped the walk."""
OUTAGE = "outage"
"""The step of an image that was not scanned since no backend was there any longer."""
_FINAL = {Outcome.OK, Outcome.UNSUPPORTED}
"""Outcomes that another scan would have too; the reasons for others may pass."""
_PIECE = 1024 * 1024


class ResultsFile:
    """JSON Lines: each image once, as soon as it is finished. A context manager; one process at a time.

    A line is written with one call, so that a program which is killed leaves all lines before it whole. The last line
    says that the walk has ended; a walk that was interrupted is among the images that were not scanned.

    An image that is scanned again has two lines until the end is written: with it, the file is replaced by one without
    the older lines. A program that is killed before that leaves both, and the next one takes the later.

    Args:
        path: The file.
        resume: Go on with what is there; otherwise the file must be new or empty.

    Raises:
        CommandFault: It can't be opened, another process writes it, or it is there and *resume* was not asked for.
    """

    def __init__(self, path: Path, *, resume: bool = False) -> None:
        self._path = path
        self._report_kind: type[AnyReport] = ImageReport
        self._finished: dict[bytes, int] = {}  # and a hash of the line
        self._to_retry: dict[bytes, tuple[int, int]] = {}  # where their lines are, and how long
        self._replaced: list[tuple[int, int]] = []
        self._was_whole = False
        try:
            self._file = path.open("r+b" if resume else "a+b", buffering=0)
        except OSError as error:
            hint = "without --resume it is made" if resume else "make its folder first"
            advice = hint if isinstance(error, FileNotFoundError) else "name another file"
            raise CommandFault(f"can't open {str(path)!r}: {error.strerror}; {advice}") from error
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
        """Return whether the image of a reference is finished."""
        return short(reference) in self._finished

    @property
    def was_whole(self) -> bool:
        """Whether the walk that was read had come to its end."""
        return self._was_whole

    def read(self, *, whole: bool = True) -> Iterator[AnyReport | UnresolvedImage]:
        """Yield what is finished, and remember that; what another scan may answer better is not finished.

        What follows the last image is cut off: part of a line, the lines of an earlier end.

        Args:
            whole: Read each report to its last finding, which takes several times as long; otherwise, and in `to_retry`
                from then on, a report is a `CountedReport`.

        Raises:
            CommandFault: The file is something else, or a line is not a report: it is left as it is.
        """
        self._report_kind = ImageReport if whole else CountedReport
        self._file.seek(0)
        with os.fdopen(self._file.fileno(), "rb", closefd=False) as lines:
            place, ended, stopped = 0, False, False
            for number in count(1):
                line = lines.readline(LONGEST_VALUE + 1)
                if not line.endswith(b"\n") and len(line) <= LONGEST_VALUE:
                    self._check_torn(number, line)
                    break
                end = self._load(number, line)
                if isinstance(end, ReportDocument) or _is_of_the_end(end):
                    ended, stopped = True, stopped or not isinstance(end, ReportDocument)
                elif ended:
                    raise self._reject(f"line {number} follows the end of a walk")
                elif (known := self._finished.get(short(reference_of(end)))) is not None:
                    if known != hash(line):
                        raise self._reject(f"line {number} is about {reference_of(end)}, which was finished before")
                    self._replaced.append((place, len(line)))  # it is there twice
                    place += len(line)
                else:
                    self._remember(end, place, line)
                    place += len(line)
                    if _is_final(end):
                        yield end
        self._was_whole = ended and not stopped
        self._file.truncate(place)

    def to_retry(self) -> Iterator[AnyReport | UnresolvedImage]:
        """Yield what was read, is not finished, and was not scanned again up to now.

        Raises:
            CommandFault: Another program has changed the file.
        """
        for place, length in tuple(self._to_retry.values()):
            line = self._load(0, b"".join(self._read(place, place + length)))
            assert not isinstance(line, ReportDocument)  # noqa: S101 (`read` has seen it)
            yield line

    def settle(self, reference: str) -> None:
        """Drop the older line of an image, or of a repository, about which there is a later one."""
        if (older := self._to_retry.pop(short(reference), None)) is not None:
            self._replaced.append(older)

    def end(self, document: ReportDocument, interrupted: UnresolvedImage | None = None) -> None:
        """Write the last line.

        Args:
            document: What concerns all images; its reports are not looked at.
            interrupted: What was not reached; its step is `INTERRUPTED`.

        Raises:
            CommandFault: It can't be written.
        """
        last = "".join(dump_line(part) for part in (interrupted, document) if part is not None)
        if not self._replaced:
            self._write(last)
            return
        try:
            write_file(Path(os.path.realpath(self._path)), chain(self._pieces(), [last.encode()]))
        except OSError as error:
            raise self._unwritable(error) from error

    def _remember(self, end: AnyReport | UnresolvedImage, place: int, line: bytes) -> None:
        self.settle(reference_of(end))  # of a walk that was killed: the later line counts
        if _is_final(end):
            self._finished[short(reference_of(end))] = hash(line)
        else:
            self._to_retry[short(reference_of(end))] = place, len(line)

    def _pieces(self) -> Iterator[bytes]:
        """Yield the file without the lines that later ones replace."""
        place = 0
        for begin, length in (*sorted(self._replaced), (self._file.seek(0, os.SEEK_END), 0)):
            yield from self._read(place, begin)
            place = begin + length

    def _read(self, place: int, end: int) -> Iterator[bytes]:
        """Yield what is in the file from one place to another.

        Raises:
            CommandFault: Another program has made the file shorter.
        """
        while place < end:
            piece = os.pread(self._file.fileno(), min(end - place, _PIECE), place)
            if not piece:
                raise CommandFault(f"{str(self._path)!r} was changed by another program: begin a new file")
            place += len(piece)
            yield piece

    def append(self, end: ImageReport | UnresolvedImage) -> None:
        """Write one image.

        Raises:
            CommandFault: It can't be written.
        """
        line = dump_line(end)
        self._write(line)
        self._finished[short(reference_of(end))] = hash(line)
        self.settle(reference_of(end))

    def close(self) -> None:
        """Close the file, written to the disk."""
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
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> CommandFault:
        advice = "what was finished before is in it; make room and go on with --resume"
        return CommandFault(f"can't write {str(self._path)!r}: {error.strerror}; {advice}")

    def _load(self, number: int, line: bytes) -> AnyReport | UnresolvedImage | ReportDocument:
        if len(line) > LONGEST_VALUE:
            raise self._reject(f"line {number} is longer than {LONGEST_VALUE // 1024**2} MiB")
        try:
            return load_line(line, self._report_kind)
        except InvalidDocumentError as error:
            if any(fault.startswith("$.schema_version") for fault in error.faults) and b'"schema_version"' in line:
                why = f"line {number} has the form of another version of portus-scan ({error}), which can go on with it"
                raise self._reject(why) from error
            raise self._reject(f"line {number} is not a report ({error})") from error

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
            raise self._in_use() from error
        except OSError:
            return  # a file system without locks
        if not os.path.samestat(os.fstat(self._file.fileno()), self._path.stat()):  # replaced by another's `end`
            raise self._in_use()

    def _in_use(self) -> CommandFault:
        return CommandFault(f"another portus-scan writes {str(self._path)!r}: wait for it, or stop it")

    def _check_torn(self, number: int, line: bytes) -> None:
        """Reject what no line of ours begins with; a machine that went down may leave zeros in its place."""
        if line.strip(b"\0") and not any(line.startswith(head[: len(line)]) for head in _heads()):
            raise self._reject(f"line {number} is not a report, nor the beginning of one")

    def _reject(self, why: str) -> CommandFault:
        return CommandFault(f"{str(self._path)!r}: {why}; nothing was changed: name another file, or repair this one")


def _heads() -> list[bytes]:
    """Return how lines begin: ``{"schema_version":1,"report":{``."""
    before, _, _ = dump_line(UnresolvedImage(reference="any", step="any", message="any")).partition('"error"')
    return [f'{before}"{kind}":{{'.encode() for kind in ("report", "error", "document")]


def _is_final(end: AnyReport | UnresolvedImage) -> bool:
    """Return whether another scan of the image would end the same way."""
    if isinstance(end, UnresolvedImage):
        return False
    return bool(end.results) and all(run.outcome in _FINAL for run in end.results)


def _is_of_the_end(end: AnyReport | UnresolvedImage) -> bool:
    return isinstance(end, UnresolvedImage) and end.step == INTERRUPTED


def reference_of(end: AnyReport | UnresolvedImage) -> str:
    """Return the reference that a result is about."""
    return end.reference if isinstance(end, UnresolvedImage) else end.image.reference.text


def short(reference: str) -> bytes:
    """Return 16 bytes that stand for a reference: of a hundred thousand, the strings would be too much to keep."""
    return blake2b(reference.encode(errors="surrogatepass"), digest_size=16).digest()
