"""``portus-scan formats``: the installed formats, and what is wrong with those that can't be used."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from .. import options
from ..exits import ExitCode
from ..terminal import say

if TYPE_CHECKING:
    from ..installed import ListedFormat

_HELP = """List the installed formats: what stands after -o.

Imports the code of each; one that can't be used is listed with the reason, and keeps no other from being used.

\b
Examples:
  portus-scan formats
  portus-scan formats --format json

\b
Exit codes:
  0  listed
  2  usage error
  3  some format can't be used
"""


@click.command("formats", help=_HELP, short_help="List the installed formats.")
@options.list_format
def command(*, format_name: str) -> ExitCode:
    """List the installed formats."""
    from ..installed import list_formats
    from ..terminal import write_stdout

    rows = list_formats()
    if not write_stdout(_as_json(rows) if format_name == "json" else _as_table(rows)):
        return ExitCode.USAGE
    return ExitCode.PARTIAL if any(row.problem for row in rows) else ExitCode.OK


def _as_json(rows: list[ListedFormat]) -> str:
    from attrs import asdict

    return json.dumps({"schema_version": 1, "formats": [asdict(row) for row in rows]}, indent=2) + "\n"


def _as_table(rows: list[ListedFormat]) -> str:
    from ..terminal import render_list, surface_of

    if not rows:
        say("no format is installed; try: pip install --force-reinstall portus-scan")
        return ""
    headings = ("NAME", "WRITES", "DESCRIPTION", "DISTRIBUTION", "VERSION")
    return render_list(headings, map(_cells, rows), surface_of(sys.stdout))


def _cells(row: ListedFormat) -> tuple[str, ...]:
    about = f"can't be used: {row.problem}" if row.problem else row.description
    return row.name, row.writes or "", about, row.distribution, row.version
