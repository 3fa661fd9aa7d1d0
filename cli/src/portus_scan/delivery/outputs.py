"""Outputs: what a user writes after ``-o``, the format and place that this names, and the guard around the format.

A format may be anybody's code. Whatever it does wrong becomes a `FormatFault`, and the other outputs are written.
"""

from __future__ import annotations

import difflib
import logging
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from itertools import islice
from pathlib import PurePath
from typing import Any, TypeVar, cast

from attrs import evolve, frozen
from portus_images import class_name, log_crash, words_of
from portus_scanners import PluginError
from portus_scanners.plugins import load_plugin

from ..exits import CommandFault, CommandFaults
from ..reporter import FolderReporter, ReportFile, ReportJob, TextReporter, discover_reporters
from ..terminal import PROGRAM, say
from .places import FilePlace, FolderPlace, FormatFault, Stdout

DEFAULT = "table"
_NAME = r"[a-z0-9_]+"
_STDOUT = {"", "-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}
"""What stands for stdout. The descriptor itself is not it: the command keeps foreign code away from the answer."""
_END = object()
_MOST_REMARKS = 10
_LOGGER = logging.getLogger("portus_scan")
PieceT = TypeVar("PieceT", str, ReportFile)


@frozen
class TextOutput:
    """A format that is one text, and the place where it goes."""

    format_name: str
    reporter: TextReporter
    place: Stdout | FilePlace

    @property
    def is_on_stdout(self) -> bool:
        """Whether the command prints this output."""
        return isinstance(self.place, Stdout)

    def write(self, job: ReportJob) -> bool:
        """Write the text, and return whether that worked; a failure has been said on stderr."""
        try:
            job = evolve(job, surface=self.place.surface)
            remarks = _remarks(self.reporter, job)
            return self.place.write(_guarded(self.reporter, job, str)) and _say_remarks(self.format_name, remarks)
        except FormatFault as fault:
            return _say_fault(self.format_name, fault)


@frozen
class FolderOutput:
    """A format that is a folder of files, and the place where they go."""

    format_name: str
    reporter: FolderReporter
    place: FolderPlace
    is_on_stdout = False

    def write(self, job: ReportJob) -> bool:
        """Write the files, and return whether all of them were written; a failure has been said on stderr."""
        try:
            job = evolve(job, surface=self.place.surface)
            remarks, files = _remarks(self.reporter, job), _guarded(self.reporter, job, ReportFile)
            return self.place.write(files) and _say_remarks(self.format_name, remarks)
        except FormatFault as fault:
            return _say_fault(self.format_name, fault)


ReportOutput = TextOutput | FolderOutput


def choose_outputs(texts: Sequence[str]) -> tuple[ReportOutput, ...]:
    """Return the outputs that a user asks for, each ready to be written; nothing has been changed.

    Args:
        texts: What was written after each ``-o``, ``FORMAT`` or ``FORMAT=PATH``; none means a table on stdout.

    Raises:
        CommandFault: One is malformed or can't be written, a format is not installed or can't be loaded, or two
            would go to one place. Each fault has its line.
    """
    found: list[ReportOutput] = []
    faults = CommandFaults()
    for text in texts or (DEFAULT,):
        with faults.collect():
            found.append(_make_output(*_parse(text)))
    faults.check()
    _check_places(found)
    return tuple(found)


def _parse(text: str) -> tuple[str, str | None]:
    """Return the format's name and the path, None for stdout; whether there is such a format is not checked.

    Raises:
        CommandFault: The text has another form.
    """
    name, equals, path = text.partition("=")
    if not re.fullmatch(_NAME, name):
        raise CommandFault(f"-o {text!r} does not begin with the name of a format; {_right_form(text)}")
    if equals and not path:
        raise CommandFault(f"-o {text!r} names no file; write -o {name} for stdout, or -o {name}=PATH")
    return name, None if path in _STDOUT else path


def _right_form(text: str) -> str:
    """Return how to write the name of a file that was given alone, where its suffix tells the format."""
    name = PurePath(text).suffix.lstrip(".").lower()
    known = {one.name for one in discover_reporters()}
    return f"write -o {name}={text}" if name in known else "write -o FORMAT or -o FORMAT=PATH"


def _make_output(name: str, path: str | None) -> ReportOutput:
    reporter = _load_format(name)
    if isinstance(reporter, FolderReporter):
        if path is None:
            raise CommandFault(f"-o {name}: this format is a folder of files; write -o {name}=FOLDER")
        return FolderOutput(name, reporter, FolderPlace.check(path))
    return TextOutput(name, reporter, Stdout() if path is None else FilePlace.check(path))


def _load_format(name: str) -> TextReporter | FolderReporter:
    """Import an installed format and return a reporter of it; the other formats are not imported.

    Raises:
        CommandFault: There is no format of this name, or it can't be loaded.
    """
    installed = discover_reporters()
    plugin = next((one for one in installed if one.name == name), None)
    if plugin is None:
        raise CommandFault(_no_such_format(name, sorted({one.name for one in installed})))
    with redirect_stdout(sys.stderr):
        result = load_plugin(plugin).result
    if isinstance(result, PluginError):
        raise CommandFault(f"{result}; installed formats: {PROGRAM} formats") from result
    try:
        with _isolated():
            return cast("TextReporter | FolderReporter", result())  # loading has checked that it is one of the two
    except FormatFault as fault:
        raise CommandFault(f"format {name!r} can't be used: {fault}") from fault


def _no_such_format(name: str, known: Sequence[str]) -> str:
    nearest = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {nearest[0]}?" if nearest else ""
    return f"-o {name}: there is no such format; installed: {', '.join(known) or 'none'}{hint}"


def _check_places(outputs: Sequence[ReportOutput]) -> None:
    """Reject two outputs to one place, and a folder below what will be a file."""
    taken: dict[str, str] = {}
    files = {one.place.path: one.format_name for one in outputs if isinstance(one.place, FilePlace)}
    for output in outputs:
        place, name = output.place.name, output.format_name
        if place in taken:
            raise CommandFault(f"-o: {taken[place]} and {name} would both go to {place}; give each a PATH of its own")
        taken[place] = name
        above = output.place.path.parents if isinstance(output.place, FolderPlace) else ()
        for path in files.keys() & set(above):
            raise CommandFault(f"-o: {name} can't be in a file, and {str(path)!r} is to be that of {files[path]}")


def _say_fault(name: str, fault: FormatFault) -> bool:
    say(f"format {name!r} is not written, or not all of it: {fault}")
    return False


def _say_remarks(name: str, remarks: Iterable[str]) -> bool:
    for remark in remarks:
        say(f"format {name!r}: {remark}")
    return True


def _remarks(reporter: TextReporter | FolderReporter, job: ReportJob) -> tuple[str, ...]:
    """Return the remarks of a format, at most `_MOST_REMARKS`.

    Raises:
        FormatFault: The format raised, or gave something that is not a string.
    """
    with _isolated():
        return tuple(_take(remark, str) for remark in islice(reporter.remarks(job), _MOST_REMARKS))


def _guarded(reporter: TextReporter | FolderReporter, job: ReportJob, kind: type[PieceT]) -> Iterator[PieceT]:
    """Yield what a format gives, piece by piece, made anew: of exactly our classes.

    Raises:
        FormatFault: The format raised, or gave nothing, or something of another kind.
    """
    with _isolated():
        pieces: Iterator[object] = iter(reporter.render(job))
    given = False
    while True:
        with _isolated():
            piece = next(pieces, _END)
            if piece is _END:
                break
            taken = _take(piece, kind)
        given = given or bool(taken)
        yield taken
    if not given:
        raise FormatFault("it gives nothing at all")


def _take(piece: Any, kind: type[PieceT]) -> PieceT:
    if kind is str and issubclass(type(piece), str):
        return str.__str__(piece)  # type: ignore[return-value]  # the characters alone, of Jinja's `Markup` as well
    if kind is str or type(piece) is not ReportFile:
        raise FormatFault(f"it gives a {class_name(piece)} where a {kind.__name__} belongs")
    path, content = piece.path, piece.content
    if type(path) is not str:
        raise FormatFault("it gives a file whose path is not a string")
    whole = type(content) is bytes
    return ReportFile(path=path, content=content if whole else _guarded_bytes(content))  # type: ignore[return-value]


def _guarded_bytes(content: Any) -> Iterator[bytes]:
    """Yield what a file of a format contains, piece by piece.

    Raises:
        FormatFault: The format raised, or gave something that is not bytes.
    """
    with _isolated():
        pieces: Iterator[object] = iter(content)
    while True:
        with _isolated():
            piece = next(pieces, _END)
        if piece is _END:
            return
        if type(piece) is not bytes:
            raise FormatFault("it gives a file whose content is not bytes")
        yield piece


@contextmanager
def _isolated() -> Iterator[None]:
    """Turn whatever foreign code raises in this context into a `FormatFault`; what it prints goes to stderr."""
    try:
        with redirect_stdout(sys.stderr):
            yield
    except (KeyboardInterrupt, FormatFault):  # Ctrl-C, where no session reads the signals
        raise
    except BaseException as error:  # foreign code: it may raise or exit as it likes
        log_crash(_LOGGER, "a format raised", error)
        raise FormatFault(f"it raised {words_of(error)}") from error
