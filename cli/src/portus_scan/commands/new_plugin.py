"""``portus-scan new-plugin``: a project for a new scanner, which passes the tests of the contract."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..exits import CommandFault, ExitCode

if TYPE_CHECKING:
    from ..scaffold import PluginNames

_HELP = """Write a project for a new scanner plugin.

The project is complete: settings, the backend's answers, the exchange with it, and tests that check every promise that
a scanner makes. The tests pass as they are, against an invented backend; put yours in its place, and make them pass
again.

NAME is what the scanner is called in the configuration (security: NAME) and in PORTUS_SECURITY_NAME_*: lower case
letters, digits and underscores. The kinds:

\b
  http     a server that answers at once
  polling  a server that works for a while and is asked again and again
  program  a program that runs on this machine

\b
Examples:
  portus-scan new-plugin acme
  portus-scan new-plugin acme_cloud --kind polling --folder src/acme

\b
Exit codes:
  0    written
  2    usage error; the folder is not empty or can't be written; nothing was changed
  130  interrupted; nothing is left
"""


@click.command("new-plugin", help=_HELP, short_help="Write a project for a new scanner plugin.")
@click.argument("name")
@click.option(
    "--kind", type=click.Choice(["http", "polling", "program"]), default="http", show_default=True,
    help="What the backend is.",
)  # fmt: skip
@click.option("--folder", metavar="DIR", help="The folder to write, new or empty.  [default: portus-scanner-NAME]")
def new_plugin(*, name: str, kind: str, folder: str | None) -> ExitCode:
    """Write a project."""
    from ..scaffold import Kind, make_files
    from ..terminal import write_stdout

    names = _check_name(name)
    place = Path(folder or names.distribution)
    _write(place, make_files(names, Kind(kind)))
    return ExitCode.OK if write_stdout(_what_next(place, names)) else ExitCode.USAGE


def _check_name(name: str) -> PluginNames:
    from portus_scanners import discover

    from ..scaffold import PluginNames

    try:
        return PluginNames.check(name, discover())
    except ValueError as error:
        raise CommandFault(str(error)) from error


def _write(place: Path, texts: dict[str, str]) -> None:
    from ..scaffold import write_project

    try:
        write_project(place, texts)
    except OSError as error:
        raise CommandFault(f"can't write to {str(place)!r}: {error.strerror}; name another with --folder") from error


def _what_next(place: Path, names: PluginNames) -> str:
    python = _python()
    lines = [
        f"The plugin {names.name} is in {place}. Its tests pass as they are; try them:",
        "",
        f"    cd {shlex.quote(str(place))}",
        f"    {python} -m pip install -e '.[test]'",
        f"    {python} -m pytest",
        "    portus-scan scanners --load",
        "",
        f"Then put your backend in the place of the invented one. In src/{names.package}, wire.py has its answers,",
        "scanner.py the exchange with it, settings.py what users configure; tests/test_contract.py has what it answers",
        "in the tests. You are done when the tests pass again.",
    ]
    return "\n".join(lines) + "\n"


def _python() -> str:
    """Return how the interpreter that runs this is started here."""
    found = shutil.which("python")
    same = found is not None and os.path.realpath(found) == os.path.realpath(sys.executable)
    return "python" if same else shlex.quote(sys.executable)
