"""What a user writes after ``-o``: ``FORMAT`` or ``FORMAT=PATH``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import cast

from attrs import frozen
from portus_scanners import PluginError
from portus_scanners.plugins import load_plugin

from ..exits import CommandFault
from ..reporter import FolderReporter, TextReporter, discover_reporters
from ..terminal import PROGRAM, foreign_prints_to_stderr
from .outputs import FolderOutput, Output, TextOutput
from .places import File, Folder, Stdout
from .rendering import FormatFault, isolated

DEFAULT = "table"
_NAME = re.compile(r"[a-z0-9_]+")
_STDOUT = "-"


@frozen
class Wish:
    """One ``-o``."""

    format_name: str
    path: str | None
    """None: stdout."""

    @classmethod
    def parse(cls, text: str) -> Wish:
        """Read what was written; whether there is such a format is not looked at.

        Raises:
            CommandFault: It has another form.
        """
        name, equals, path = text.partition("=")
        if not _NAME.fullmatch(name):
            raise CommandFault(f"-o {text!r} begins with no name of a format; {_right_form(text)}")
        if equals and not path:
            raise CommandFault(f"-o {text!r} names no file; write -o {name} for stdout, or -o {name}=PATH")
        return cls(name, None if path in {"", _STDOUT} else path)


def choose_outputs(texts: Sequence[str]) -> tuple[Output, ...]:
    """Return the outputs that a user wants, each ready to be written; nothing has been changed.

    Args:
        texts: What was written after each ``-o``; none means a table on stdout.

    Raises:
        CommandFault: One is malformed or can't be written, a format is not installed or can't be loaded, or two
            would go to one place. Each fault has its line.
    """
    found: list[Output] = []
    faults: list[str] = []
    for text in texts or (DEFAULT,):
        try:
            found.append(_make_output(Wish.parse(text)))
        except CommandFault as fault:
            faults.extend(fault.lines)
    if faults:
        raise CommandFault(faults)
    _check_places(found)
    return tuple(found)


def load_format(name: str) -> TextReporter | FolderReporter:
    """Import an installed format, and make one.

    Raises:
        CommandFault: There is none of this name, or it can't be loaded.
    """
    installed = discover_reporters()
    plugin = next((one for one in installed if one.name == name), None)
    if plugin is None:
        raise CommandFault(_no_such_format(name, sorted({one.name for one in installed})))
    with foreign_prints_to_stderr():
        result = load_plugin(plugin).result
    if isinstance(result, PluginError):
        raise CommandFault(f"{result}; installed formats: {PROGRAM} formats") from result
    try:
        with isolated():
            return cast("TextReporter | FolderReporter", result())  # that it is one was looked at when it was loaded
    except FormatFault as fault:
        raise CommandFault(f"format {name!r} can't be used: {fault}") from fault


def _make_output(wish: Wish) -> Output:
    reporter = load_format(wish.format_name)
    if isinstance(reporter, FolderReporter):
        if wish.path is None:
            name = wish.format_name
            raise CommandFault(f"-o {name}: this format is a folder of files; write -o {name}=FOLDER")
        return FolderOutput(wish.format_name, reporter, Folder.check(wish.path))
    place = Stdout() if wish.path is None else File.check(wish.path)
    return TextOutput(wish.format_name, reporter, place)


def _check_places(outputs: Sequence[Output]) -> None:
    """Refuse two outputs to one place, and a folder below what will be a file."""
    taken: dict[str, str] = {}
    files = {one.place.path: one.format_name for one in outputs if isinstance(one.place, File)}
    for output in outputs:
        place, name = output.place.name, output.format_name
        if place in taken:
            raise CommandFault(f"-o: {taken[place]} and {name} would both go to {place}; give each a PATH of its own")
        taken[place] = name
        above = output.place.path.parents if isinstance(output.place, Folder) else ()
        for path in files.keys() & set(above):
            raise CommandFault(f"-o: {name} can't be in a file, and {str(path)!r} is to be that of {files[path]}")


def _right_form(text: str) -> str:
    """Return how to write a file that was named alone, where its end tells the format."""
    name = PurePath(text).suffix.lstrip(".").lower()
    known = {one.name for one in discover_reporters()}
    return f"write -o {name}={text}" if name in known else "write -o FORMAT or -o FORMAT=PATH"


def _no_such_format(name: str, known: Sequence[str]) -> str:
    nearest = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {nearest[0]}?" if nearest else ""
    return f"-o {name}: there is no such format{hint}; installed: {', '.join(known) or 'none'}"
