"""What is installed: ``portus-scan scanners``, from metadata alone, and ``portus-scan formats``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from .. import options
from ..exits import ExitCode
from ..terminal import say

if TYPE_CHECKING:
    from ..installed import ListedFormat, ListedScanner

_SECONDS = 10.0
"""For each scanner that is asked."""
_SCANNERS_HELP = """List the installed scanners, and which are enabled.

Reads the metadata of the installed distributions and imports none of their code, unless --load or --database is given.

\b
Examples:
  portus-scan scanners
  portus-scan scanners --config config.yml --load
  portus-scan scanners --config config.yml --database

\b
Exit codes:
  0  listed
  2  usage or configuration error; the scanners are listed all the same
  3  with --load: some scanner can't be loaded
"""


@click.command("scanners", help=_SCANNERS_HELP, short_help="List the installed scanners.")
@options.config
@click.option("--load", is_flag=True, help="Import each scanner's code, and say why one can't be loaded.")
@click.option("--database", is_flag=True, help="Ask each enabled scanner which vulnerability data it has, and of when.")
@options.list_format
def scanners(*, config: str | None, load: bool, database: bool, format_name: str) -> ExitCode:
    """List the installed scanners."""
    from portus_scanners import SettingsError, load_settings

    from ..installed import list_installed

    settings, code = None, ExitCode.OK
    try:
        settings = load_settings(config)
    except SettingsError as error:
        code = ExitCode.USAGE
        for fault in error.faults:
            say(fault)
    rows = list_installed(settings, load=load)
    if database and settings is not None and settings.enabled:
        from ..installed import with_databases
        from ..session import check_health, run_checks

        return run_checks(
            check_health(settings, _SECONDS),
            lambda found: _deliver_scanners(with_databases(rows, found), code, format_name, database=True),
        )
    return _deliver_scanners(rows, code, format_name, database=database)


def _deliver_scanners(rows: Sequence[ListedScanner], code: ExitCode, format_name: str, *, database: bool) -> ExitCode:
    from ..installed import how_to_install

    if not rows and format_name != "json":
        say(f"no scanner is installed: {how_to_install()}")
    headings: tuple[str, ...] = ("NAME", "DISTRIBUTION", "VERSION", "ENABLED", "LOADS", "PROBLEM")
    cells = map(_scanner_cells, rows)
    if database:
        headings, cells = ("NAME", "VERSION", "ENABLED", "DATABASE", "PROBLEM"), map(_database_cells, rows)
    written = _write("scanners", rows, headings, cells, format_name)
    if not written or code is ExitCode.USAGE:
        return ExitCode.USAGE
    return ExitCode.PARTIAL if any(row.loads is False for row in rows) else ExitCode.OK


def _scanner_cells(row: ListedScanner) -> tuple[str, ...]:
    name = row.name if row.name == row.plugin else f"{row.name} ({row.plugin})"
    enabled = {True: "yes", False: "no", None: "unknown"}[row.enabled]
    loads = {True: "yes", False: "no", None: "not tried"}[row.loads]
    return name, row.distribution, row.version, enabled, loads, row.problem or ""


def _database_cells(row: ListedScanner) -> tuple[str, ...]:
    name, _, version, enabled, _, problem = _scanner_cells(row)
    return name, version, enabled, row.database.identity if row.database else "", problem


_FORMATS_HELP = """List the installed formats: what can be given with -o.

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


@click.command("formats", help=_FORMATS_HELP, short_help="List the installed formats.")
@options.list_format
def formats(*, format_name: str) -> ExitCode:
    """List the installed formats."""
    from ..installed import list_formats

    rows = list_formats()
    if not rows and format_name != "json":
        say("no format is installed; try: pip install --force-reinstall portus-scan")
    headings = ("NAME", "WRITES", "DESCRIPTION", "DISTRIBUTION", "VERSION")
    if not _write("formats", rows, headings, map(_format_cells, rows), format_name):
        return ExitCode.USAGE
    return ExitCode.PARTIAL if any(row.problem for row in rows) else ExitCode.OK


def _format_cells(row: ListedFormat) -> tuple[str, ...]:
    about = f"can't be used: {row.problem}" if row.problem else row.description
    return row.name, row.writes or "", about, row.distribution, row.version


def _write(
    kind: str, rows: Sequence[Any], headings: Sequence[str], cells: Iterable[Sequence[str]], format_name: str
) -> bool:
    """Write the rows as JSON under the name of their kind, or as a table; whether that could be done."""
    from attrs import asdict

    from ..terminal import render_list, surface_of, write_stdout

    if format_name == "json":
        value = {"schema_version": 1, kind: [asdict(row) for row in rows]}
        text = json.dumps(value, indent=2, default=datetime.isoformat) + "\n"
    else:
        text = render_list(headings, cells, surface_of(sys.stdout)) if rows else ""
    return write_stdout(text)
