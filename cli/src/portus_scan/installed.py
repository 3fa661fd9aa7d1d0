"""What is installed: the rows of ``portus-scan scanners``, with what the configuration says, and of ``formats``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import evolve, frozen
from portus_scanners import Plugin, PluginError, Settings, discover
from portus_scanners.plugins import load_plugin

from .output import foreign_prints_to_stderr
from .reporters import ReporterPlugin, discover_reporters


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
    if plugin.disabled:  # nobody wants to know whether it could be loaded
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
    from .reporter import FolderReporter  # listing scanners needs none of the reports

    row = ListedFormat(name=plugin.name, distribution=plugin.distribution, version=plugin.version)
    with foreign_prints_to_stderr():
        result = load_plugin(plugin).result
    if isinstance(result, PluginError):
        return evolve(row, problem=result.reason)
    writes = "folder" if issubclass(result, FolderReporter) else "file"
    return evolve(row, writes=writes, description=result.description)
