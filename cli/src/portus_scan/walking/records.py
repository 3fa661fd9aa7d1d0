"""What is kept of a walk: a file of the images that are finished, and one of what the tags pointed to."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from hashlib import blake2b
from itertools import count
from pathlib import Path
from typing import Any, Self

from portus_scanners import (
    ImageReport,
    InvalidDocumentError,
    ReportDocument,
    UnresolvedImage,
    dump_line,
    load_line,
)

from ..delivery import write_file
from ..exits import CommandFault

LONGEST_LINE = 256 * 1024 * 1024
"""Bytes of one image's report that is read again."""
INTERRUPTED = "interrupted"
"""The step of an image that was not scanned since the user stopped the walk."""
LARGEST_SINCE_FILE = 256 * 1024 * 1024
"""Bytes."""
_SINCE_VERSION = 1


class ResultsFile:
    """JSON Lines: each finished image once, as soon as it is finished. A context manager; one process at a time.

    A line is written with one call, so that a program which is killed leaves all lines before it whole. The last line
    says that the walk has ended; a walk that was interrupted is among the images that were not scanned.

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
        """Return whether the image of a reference is finished."""
        return short(reference) in self._finished

    def read(self) -> Iterator[ImageReport | UnresolvedImage]:
        """Yield what is there, and remember which images are finished.

        What follows the last finished image is cut off: part of a line, the lines of an earlier end.

        Raises:
            CommandFault: The file is something else, or a line is not a report: it is left as it is.
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
                    raise self._reject(f"line {number} follows the end of a walk")
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
            advice = "what was finished before is in it; make room and go on with --resume"
            raise CommandFault(f"can't write {str(self._path)!r}: {error.strerror}; {advice}") from error

    def _load(self, number: int, line: bytes) -> ImageReport | UnresolvedImage | ReportDocument:
        if len(line) > LONGEST_LINE:
            raise self._reject(f"line {number} is longer than {LONGEST_LINE // 1024**2} MiB")
        try:
            return load_line(line)
        except InvalidDocumentError as error:
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
            raise CommandFault(f"another portus-scan writes {str(self._path)!r}: wait for it, or stop it") from error
        except OSError:
            return  # a file system without locks

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


def _is_of_the_end(end: ImageReport | UnresolvedImage) -> bool:
    return isinstance(end, UnresolvedImage) and end.step == INTERRUPTED


def reference_of(end: ImageReport | UnresolvedImage) -> str:
    """Return the reference that a result is about."""
    return end.image.reference.text if isinstance(end, ImageReport) else end.reference


def short(reference: str) -> bytes:
    """Return 16 bytes that stand for a reference: of a hundred thousand, the strings would be too much to keep."""
    return blake2b(reference.encode(errors="surrogatepass"), digest_size=16).digest()


class SinceFile:
    """What tags pointed to last time: ``{"version": 1, "scanners": ["clair"], "digests": {"a/b:1.0": "sha256:..."}}``.

    Args:
        path: The file; one that is not there yet is an empty one.
        scanners: The scanners of now. An image that not all of them have seen counts as new.

    Raises:
        CommandFault: The file can't be read, or is something else.
    """

    def __init__(self, path: Path, scanners: Iterable[str]) -> None:
        self._path = path
        self._scanners = sorted(scanners)
        self._before = _read_since(path, self._scanners)
        self._now: dict[str, str] = {}

    def is_unchanged(self, reference: str, digest: str) -> bool:
        """Return whether a tag pointed to the same image last time; then it counts as seen this time too."""
        if self._before.get(reference) != digest:
            return False
        self._now[reference] = digest
        return True

    def note(self, reference: str, digest: str) -> None:
        """Remember an image that has been scanned to the end."""
        self._now[reference] = digest

    def write(self, *, all_seen: bool) -> None:
        """Replace the file by what was seen now.

        Args:
            all_seen: Whether the whole registry was walked: tags that are no longer there are forgotten then.

        Raises:
            CommandFault: It can't be written.
        """
        digests = self._now if all_seen else {**self._before, **self._now}
        document = {"version": _SINCE_VERSION, "scanners": self._scanners, "digests": digests}
        text = json.dumps(document, indent=0, sort_keys=True) + "\n"
        try:
            write_file(self._path, [text.encode()])
        except OSError as error:
            raise CommandFault(f"can't write {str(self._path)!r}: {error.strerror}") from error


def _read_since(path: Path, scanners: Iterable[str]) -> dict[str, str]:
    """Return the digests that all these scanners have seen."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_SINCE_FILE + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise CommandFault(f"can't read {str(path)!r}: {error.strerror}") from error
    seen_by, digests = _parse_since(path, data)
    return digests if set(scanners) <= seen_by else {}


def _parse_since(path: Path, data: bytes) -> tuple[set[str], dict[str, str]]:
    try:
        document: Any = json.loads(data) if len(data) <= LARGEST_SINCE_FILE else None
        scanners, digests = document["scanners"], document["digests"]
        known = document["version"] == _SINCE_VERSION
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise _not_a_since_file(path) from error
    if not (known and isinstance(scanners, list) and isinstance(digests, dict)):
        raise _not_a_since_file(path)
    if not all(isinstance(value, str) for value in (*scanners, *digests.values())):
        raise _not_a_since_file(path)
    return set(scanners), digests


def _not_a_since_file(path: Path) -> CommandFault:
    return CommandFault(f"{str(path)!r} was not written by --since-file: name another file, or remove it")
