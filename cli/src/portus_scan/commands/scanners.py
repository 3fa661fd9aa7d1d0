"""``portus-scan scanners``: what is installed, from metadata alone."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from .. import options
from ..exits import ExitCode
from ..terminal import say

if TYPE_CHECKING:
    from ..installed import ListedScanner

_HELP = """List the installed scanners, and which are enabled.

Reads the metadata of the installed distributions and imports none of their code, unless --load is given.

\b
Examples:
  portus-scan scanners
  portus-scan scanners --config config.yml --load

\b
Exit codes:
  0  listed
  2  usage or configuration error; the scanners are listed all the same
  3  with --load: some scanner can't be loaded
"""


@click.command("scanners", help=_HELP, short_help="List the installed scanners.")
@options.config
@click.option("--load", is_flag=True, help="Import each scanner's code, and say why one can't be loaded.")
@options.list_format
def command(*, config: str | None, load: bool, format_name: str) -> ExitCode:
    """List the installed scanners."""
    from portus_scanners import SettingsError, load_settings

    from ..installed import list_installed
    from ..terminal import write_stdout

    settings, code = None, ExitCode.OK
    try:
        settings = load_settings(config)
    except SettingsError as error:
        code = ExitCode.USAGE
        for fault in error.faults:
            say(fault)
    rows = list_installed(settings, load=load)
    written = write_stdout(_as_json(rows) if format_name == "json" else _as_table(rows))
    if not written or code is ExitCode.USAGE:
        return ExitCode.USAGE
    return ExitCode.PARTIAL if any(row.loads is False for row in rows) else ExitCode.OK


def _as_json(rows: list[ListedScanner]) -> str:
    from attrs import asdict

    return json.dumps({"schema_version": 1, "scanners": [asdict(row) for row in rows]}, indent=2) + "\n"


def _as_table(rows: list[ListedScanner]) -> str:
    from ..installed import how_to_install
    from ..terminal import render_list, surface_of

    if not rows:
        say(f"no scanner is installed: {how_to_install()}")
        return ""
    headings = ("NAME", "DISTRIBUTION", "VERSION", "ENABLED", "LOADS", "PROBLEM")
    return render_list(headings, map(_cells, rows), surface_of(sys.stdout))


def _cells(row: ListedScanner) -> tuple[str, ...]:
    name = row.name if row.name == row.plugin else f"{row.name} ({row.plugin})"
    enabled = {True: "yes", False: "no", None: "unknown"}[row.enabled]
    loads = {True: "yes", False: "no", None: "not tried"}[row.loads]
    return name, row.distribution, row.version, enabled, loads, row.problem or ""
