"""What is installed: the rows of ``portus-scan scanners`` and ``formats``, and what to do where nothing is enabled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from attrs import evolve, frozen
from importlib_metadata import PackageNotFoundError, metadata
from portus_scanners import Plugin, PluginError, Settings, discover
from portus_scanners.plugins import load_plugin

from .reporter import FolderReporter, ReporterPlugin, discover_reporters
from .terminal import PROGRAM, foreign_prints_to_stderr

if TYPE_CHECKING:
    from portus_scanners import Database, ScannerHealth


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
    database: Database | None = None
    """None: not asked, or nobody knows."""
    problem: str | None = None


def with_databases(rows: Iterable[ListedScanner], found: Iterable[ScannerHealth]) -> list[ListedScanner]:
    """Return the rows with the vulnerability data that their scanners have named."""
    databases = {one.scanner: one.database for one in found}
    return [evolve(row, database=databases.get(row.name)) for row in rows]


def list_installed(settings: Settings | None, *, load: bool) -> list[ListedScanner]:
    """Return the installed plugins by name, then the other instances in the configuration.

    Args:
        settings: The configuration; None when it can't be read.
        load: Import each plugin's code. Nothing is imported otherwise.
    """
    found = [_loaded(plugin) if load else _listed(plugin) for plugin in discover()]
    return [*_with_settings(found, settings), *_instances(found, settings)]


def _listed(plugin: Plugin) -> ListedScanner:
    return ListedScanner(
        name=plugin.name,
        plugin=plugin.name,
        distribution=plugin.distribution,
        version=plugin.version,
        problem=plugin.problem.reason if plugin.problem else None,
    )


def _loaded(plugin: Plugin) -> ListedScanner:
    if plugin.disabled:  # the user has left it out: whether it loads does not matter
        return _listed(plugin)
    with foreign_prints_to_stderr():
        result = load_plugin(plugin).result
    if isinstance(result, PluginError):
        return evolve(_listed(plugin), loads=False, problem=result.reason)
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


@frozen(kw_only=True)
class ListedFormat:
    """One row: an installed format."""

    name: str
    writes: str | None = None
    """``file`` or ``folder``; None where it can't be loaded."""
    description: str = ""
    distribution: str = ""
    version: str = ""
    problem: str | None = None


def list_formats() -> list[ListedFormat]:
    """Return the installed formats by name; each is imported."""
    return [_loaded_format(plugin) for plugin in discover_reporters()]


def _loaded_format(plugin: ReporterPlugin) -> ListedFormat:
    row = ListedFormat(name=plugin.name, distribution=plugin.distribution, version=plugin.version)
    with foreign_prints_to_stderr():
        result = load_plugin(plugin).result
    if isinstance(result, PluginError):
        return evolve(row, problem=result.reason)
    writes = "folder" if issubclass(result, FolderReporter) else "file"
    return evolve(row, writes=writes, description=result.description)


def how_to_enable() -> str:
    """Return one sentence: no scanner is enabled, and what to do about it here."""
    names = sorted({plugin.name for plugin in discover() if plugin.problem is None})
    if not names:
        return f"no scanner is installed: {how_to_install()}"
    name = names[0]
    return (
        f"no scanner is enabled; installed: {', '.join(names)}. Enable one: "
        f"'security: {{{name}: {{server: URL}}}}' in a file given with --config, "
        f"or PORTUS_SECURITY_{name.upper()}_SERVER=URL (one that needs no server: enabled: true)"
    )


def how_to_enable_one(name: str) -> str:
    """Return what to do to enable an installed scanner."""
    return f"set security: {name}: server: URL (or enabled: true), or PORTUS_SECURITY_{name.upper()}_SERVER=URL"


def how_to_install() -> str:
    """Return what to type to get a scanner: one of this distribution's extras."""
    choices = ", ".join(f"'{PROGRAM}[{extra}]'" for extra in _extras())
    return f"pip install one of {choices}" if choices else "pip install a distribution that brings one"


def _extras() -> list[str]:
    try:
        return sorted(metadata(PROGRAM).get_all("Provides-Extra") or [])
    except PackageNotFoundError:
        return []
