"""``portus-scan scanners``: what is installed, from metadata alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click
from attrs import asdict, evolve, frozen

from .. import options
from ..exit_codes import ExitCode
from ..terminal import say

if TYPE_CHECKING:
    from portus_scanners import Plugin, Settings

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


@frozen(kw_only=True)
class ListedScanner:
    """One row: an installed plugin, or another instance of it in the configuration."""

    name: str
    plugin: str
    """Name of the entry point."""
    distribution: str = ""
    version: str = ""
    enabled: bool | None = None
    """None: the configuration can't be read."""
    loads: bool | None = None
    """None: not tried."""
    problem: str | None = None


@click.command("scanners", help=_HELP, short_help="List the installed scanners.")
@options.config
@click.option("--load", is_flag=True, help="Import each scanner's code, and say why one can't be loaded.")
@options.list_format
def command(*, config: str | None, load: bool, format_name: str) -> ExitCode:
    """List the installed scanners."""
    from portus_scanners import SettingsError, discover, load_settings

    from ..output import write_stdout

    settings, code = None, ExitCode.OK
    try:
        settings = load_settings(config)
    except SettingsError as error:
        code = ExitCode.USAGE
        for fault in error.faults:
            say(fault)
    found = [_loaded(plugin) if load else _listed(plugin) for plugin in discover()]
    rows = [*_with_settings(found, settings), *_instances(found, settings)]
    written = write_stdout(_as_json(rows) if format_name == "json" else _as_table(rows))
    if not written or code is ExitCode.USAGE:
        return ExitCode.USAGE
    return ExitCode.PARTIAL if any(row.loads is False for row in rows) else ExitCode.OK


def _listed(plugin: Plugin) -> ListedScanner:
    return ListedScanner(
        name=plugin.name,
        plugin=plugin.name,
        distribution=plugin.distribution,
        version=plugin.version,
        problem=plugin.error,
    )


def _loaded(plugin: Plugin) -> ListedScanner:
    from portus_scanners import PluginError

    from ..output import foreign_prints_to_stderr

    try:
        with foreign_prints_to_stderr():
            plugin.load()
    except PluginError as error:
        return evolve(_listed(plugin), loads=False, problem=error.reason)
    return evolve(_listed(plugin), loads=True)


def _with_settings(rows: Iterable[ListedScanner], settings: Settings | None) -> Iterator[ListedScanner]:
    """Say of each plugin whether the section of its own name enables it."""
    for row in rows:
        section = settings.scanners.get(row.name) if settings else None
        enabled = section is not None and section.enabled and section.plugin == row.plugin
        yield row if settings is None else evolve(row, enabled=enabled)


def _instances(rows: Iterable[ListedScanner], settings: Settings | None) -> Iterator[ListedScanner]:
    """Return a row for each section that names its plugin with ``scanner:``."""
    by_plugin = {row.plugin: row for row in rows}
    for section in settings.scanners.values() if settings else ():
        if section.name != section.plugin:
            row = by_plugin.get(section.plugin)
            row = row or ListedScanner(name="", plugin=section.plugin, problem=f"{section.plugin} is not installed")
            yield evolve(row, name=section.name, enabled=section.enabled)


def _as_json(rows: Iterable[ListedScanner]) -> str:
    return json.dumps({"schema_version": 1, "scanners": [asdict(row) for row in rows]}, indent=2) + "\n"


def _as_table(rows: list[ListedScanner]) -> str:
    from ..enabling import how_to_install
    from ..listing import render_list
    from ..screen import Screen

    if not rows:
        say(f"no scanner is installed: {how_to_install()}")
        return ""
    headings = ("NAME", "DISTRIBUTION", "VERSION", "ENABLED", "PROBLEM")
    return render_list(headings, map(_cells, rows), Screen.of(sys.stdout))


def _cells(row: ListedScanner) -> tuple[str, ...]:
    name = row.name if row.name == row.plugin else f"{row.name} ({row.plugin})"
    enabled = {True: "yes", False: "no", None: "unknown"}[row.enabled]
    problem = row.problem or ("none: it loads" if row.loads else "")
    return name, row.distribution, row.version, enabled, problem
