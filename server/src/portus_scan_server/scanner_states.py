"""What each enabled scanner would answer from now: asked by the runner once a minute, read by everybody else."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from attrs import evolve, fields
from portus_images import Secret, words_of
from portus_scanners import Engine, PluginError, ScannerHealth, ScannerSection, ScannerSettings, Settings, discover
from portus_scanners.plugins import load_plugin
from sqlalchemy import Select, delete, select

from .answers import MadeWith
from .fleet import find_older
from .store import Store, column_string, database_now, put_row, tables

_NOT_COMPARED = {"timeout", "concurrency", "enabled"}
"""Settings that change when an answer comes, not what it is."""

scanners, runs = tables.scanners, tables.runs


class ScannerStates:
    """Keeps the rows of `scanners` as the engine sees its scanners.

    Args:
        store: The database.
        engine: An open engine.
        settings: Its settings.
    """

    def __init__(self, store: Store, engine: Engine, settings: Settings) -> None:
        self._store = store
        self._engine = engine
        installed = {plugin.name: plugin.version for plugin in discover()}
        self.older: set[str] = set()
        """Of which scanners another process has newer data: what it has is what they would answer from now."""
        self._plugins = {one.name: one.plugin for one in settings.enabled}
        self._now = {
            one.name: MadeWith(plugin_version=installed.get(one.plugin, ""), settings=fingerprint_settings(one))
            for one in settings.enabled
        }

    def made_with(self) -> Mapping[str, MadeWith]:
        """Return what runs are made with now, by the scanner's name."""
        return self._now

    async def ask(self) -> None:
        """Ask every scanner, and write what is known; those that are no longer enabled have no row.

        Raises:
            StoreUnavailableError: The database can't be used.
        """
        found = {one.scanner: one for one in await self._engine.check_health()}
        async with self._store.reading() as db:
            versions = {name: await db.scalar(_newest_version(name)) or "" for name in self._now}
        for name, one in found.items():
            self._now[name] = _seen(evolve(self._now[name], scanner_version=versions[name]), one)
        async with self._store.writing() as db:
            await db.execute(delete(scanners).where(scanners.c.name.not_in(list(self._now))))
            self.older = await find_older(db, {name: one.database_updated for name, one in self._now.items()})
            for name in sorted(set(found) - self.older):  # in one order: another process writes the same rows
                await put_row(db, scanners, {"name": name}, self._row(name, found[name]))

    def _row(self, name: str, seen: ScannerHealth) -> dict[str, object]:
        known = self._now[name]
        return {
            "plugin": self._plugins[name],
            "plugin_version": column_string(known.plugin_version),
            "scanner_version": column_string(known.scanner_version),
            "settings": known.settings,
            "database_identity": None if known.database is None else column_string(known.database),
            "database_updated": known.database_updated,
            "healthy": seen.healthy,
            "message": column_string(seen.message),
            "asked_at": database_now(),
        }


def _newest_version(name: str) -> Select[Any]:
    newest = select(runs.c.scanner_version).where(runs.c.scanner == name, runs.c.set_id.is_not(None))
    return newest.order_by(runs.c.checked_at.desc(), runs.c.id.desc()).limit(1)


def _seen(known: MadeWith, seen: ScannerHealth) -> MadeWith:
    """Return what is known once a scanner has been asked; one that is not healthy keeps the identity that it had."""
    if seen.database is not None:
        return evolve(known, database=seen.database.identity, database_updated=seen.database.updated)
    return known if seen.healthy is False else evolve(known, database=None, database_updated=None)


def fingerprint_settings(section: ScannerSection) -> str:
    """Return a hash of a scanner's settings, without secrets and without what does not change its answers."""
    settings = _settings_of(section)
    if isinstance(settings, str):
        said = settings
    else:
        kept = [one.name for one in fields(type(settings)) if one.name not in _NOT_COMPARED]
        values = {name: getattr(settings, name) for name in kept}
        said = repr(sorted((name, repr(one)) for name, one in values.items() if not isinstance(one, Secret)))
    return blake2b(said.encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()


def _settings_of(section: ScannerSection) -> ScannerSettings | str:
    """Return a section's settings; where its plugin can't be loaded, why."""
    plugin = next((one for one in discover() if one.name == section.plugin), None)
    loaded = load_plugin(plugin).result if plugin is not None else None
    if loaded is None or isinstance(loaded, PluginError):
        return str(loaded)
    try:
        settings: ScannerSettings = section.structure(loaded.settings_class)
    except BaseException as error:  # noqa: BLE001 (foreign code: the plugin's own settings class)
        return words_of(error)
    return settings
