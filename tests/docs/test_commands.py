"""The commands that the documentation shows can be given."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest
from pages import NAMES, fenced, indented, spans
from portus_scan.command import command as program

_SHELL = {"sh", "console", "text", ""}
_COMMAND = re.compile(r"(?:^|[\s$])portus-scan((?:[ \t]+[^\n]*)?)(?:\n|$)")
_CONTINUED = re.compile(r"\\\n\s*|\n {6,}(?=\[?-)")
_END = re.compile(r"[|;&>](?=\s)|\s#\s")


def commands(page: str) -> list[list[str]]:
    """Return the arguments of each ``portus-scan`` in the code of a page, within the lines and in blocks."""
    code = [text for language, text in fenced(page) if language in _SHELL] + indented(page) + spans(page)
    lines = [match[1] for text in code for match in _COMMAND.finditer(_CONTINUED.sub(" ", text))]
    return [_arguments(line) for line in lines]


def _arguments(line: str) -> list[str]:
    usage = _END.split(line)[0].replace("...", " ").replace("[", " ").replace("]", " ")
    return shlex.split(usage)


def faults(arguments: list[str]) -> Iterator[str]:
    """Yield a fault for each word that is not a sub-command or an option; usage lines and examples alike."""
    context, current = click.Context(program), program
    for word in arguments:
        option = word.partition("=")[0]
        if word.startswith("-"):
            if option not in {name for parameter in current.get_params(context) for name in parameter.opts}:
                yield f"{current.name} has no option {option}"
        elif isinstance(current, click.Group):
            found = current.get_command(context, word)
            if found is None:
                yield f"{current.name} has no sub-command {word}"
                return
            context, current = click.Context(found), found


@pytest.mark.parametrize("page", [page for page in NAMES if commands(page)])
def test_commands_shown_exist(page: str) -> None:
    """Each sub-command and option shown on a page is one of the program's."""
    assert [] == [fault for arguments in commands(page) for fault in faults(arguments)]


def test_commands_are_found() -> None:
    """The search sees commands in blocks, within lines, after variables and over several lines."""
    found = [
        " ".join(arguments) for page in ("cli/README.md", "plugins/dummy/README.md") for arguments in commands(page)
    ]
    assert "scanners --config FILE --load --format table|json" in found
    assert "-v" in found
    assert any(line.endswith("--all --timeout SECONDS") for line in found)
    assert "image registry.example:5000/team/app:1.0" in found


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("image --enigne x", ["image has no option --enigne"]),
        ("imgae x", ["portus-scan has no sub-command imgae"]),
        ("--load scanners", ["portus-scan has no option --load"]),
        ("scanners --load", []),
    ],
)
def test_wrong_commands_are_seen(line: str, expected: list[str]) -> None:
    """A misspelt option or sub-command is named, and so is an option in the wrong place."""
    assert expected == list(faults(line.split()))
