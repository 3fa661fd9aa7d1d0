"""Finding plugins: the only module that reads entry points, and what the environment leaves out of them.

Discovery reads metadata only; a plugin's code is imported by `Plugin.load`, when the configuration enables it or a
user asks. Two lists of names in the environment are for the operator who can't uninstall: an image with every plugin,
a plugin whose import ends the program.
"""

from __future__ import annotations

import importlib
import logging
import os
import re
import shlex
import sys
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeVar
from zipfile import BadZipFile

from attrs import evolve, frozen
from importlib_metadata import Distribution, distributions
from portus_images import one_line, words_of

from .plugin import CORE_DISTRIBUTION, DISABLE, ONLY, InstalledPlugin, Plugin, upgrade

_NAME = r"[a-z0-9_]+"
_NAME_LINE = r"(?m)^Name: *(\S+) *$"
_OURS = "portus."
"""What the names of our groups begin with."""
_UNREADABLE = (
    AttributeError, BadZipFile, EOFError, ImportError, LookupError, OSError, RuntimeError, TypeError, ValueError,
    zlib.error,
)  # fmt: skip
"""What reading a distribution's metadata may raise: files and archives may be broken, headers may be missing."""
_State = tuple[tuple[str, int, int, int], ...]
PluginT = TypeVar("PluginT", bound=InstalledPlugin[Any])

logger = logging.getLogger("portus_scanners.plugins")


def discover(*, refresh: bool = False, environ: Mapping[str, str] | None = None) -> tuple[Plugin, ...]:
    """Return every installed scanner, by name; two of one name are both there, each with the conflict as its error.

    The last answer is returned again as long as neither ``sys.path`` nor the modification time of a folder on it nor
    the two lists have changed.

    Args:
        refresh: Look again even if nothing seems to have changed, and let Python forget what it knows of folders: a
            plugin that was installed while this program runs is then found and can be imported.
        environ: Has ``PORTUS_SCANNERS_ONLY`` and ``PORTUS_SCANNERS_DISABLE``; the process's own when left out. A
            scanner that they leave out is in the answer, with the variable's name as `Plugin.disabled`.
    """
    found = discover_group(Plugin, refresh=refresh)
    return _filtered(found, PluginFilter.from_environ(os.environ if environ is None else environ))


def discover_group(kind: type[PluginT], *, refresh: bool = False) -> tuple[PluginT, ...]:
    """Return every installed plugin of one group, by name; of one name, each has the conflict as its error.

    Nothing is imported. All groups whose names begin with ``portus.`` are found in one pass, and the last answer is
    kept as `discover` does.
    """
    if refresh:
        importlib.invalidate_caches()  # importlib_metadata's as well: its finder is on sys.meta_path
        _find.cache_clear()
        _plugins_of_group.cache_clear()
        _filtered.cache_clear()
    state = tuple((entry, *_state_of_folder(entry)) for entry in sys.path)  # takes about 5 microseconds a folder
    return _plugins_of_group(kind, _find(state))  # type: ignore[arg-type]  # a class can be hashed


def check_plugin_lists(environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return a sentence for each name in ``PORTUS_SCANNERS_ONLY`` and ``_DISABLE`` that no installed plugin has."""
    environ = os.environ if environ is None else environ
    installed = {plugin.name for plugin in discover(environ=environ)}
    return tuple(PluginFilter.from_environ(environ).unknown(installed))


def mark_conflicts(plugins: Iterable[PluginT]) -> tuple[PluginT, ...]:
    """Return the plugins by name; where several of one group have one name, none of them can be loaded."""
    found: dict[str, list[PluginT]] = defaultdict(list)
    for plugin in plugins:
        found[plugin.name].append(plugin)
    return tuple(plugin for name in sorted(found) for plugin in _without_conflicts(found[name]))


def _state_of_folder(entry: str) -> tuple[int, int, int]:
    try:
        found = os.stat(entry or ".")  # noqa: PTH116 (a Path for each folder would take longer than the look itself)
    except (OSError, ValueError):
        return (0, 0, 0)
    return found.st_dev, found.st_ino, found.st_mtime_ns


@lru_cache(maxsize=1)
def _find(_state: _State) -> tuple[_Point, ...]:
    """Read all metadata once, for all groups. The argument is what the answer depends on."""
    found = [point for one in _first_of_each_name(distributions()) for point in _points_of(one)]
    return tuple(
        evolve(
            point,
            value=one_line(point.value),
            distribution=one_line(point.distribution),
            version=one_line(point.version),
            requires=tuple(map(one_line, point.requires)),
        )
        for point in found
    )


@lru_cache(maxsize=8)
def _plugins_of_group(kind: type[PluginT], found: tuple[_Point, ...]) -> tuple[PluginT, ...]:
    return mark_conflicts(point.make(kind) for point in found if point.group == kind.group.name)


@lru_cache(maxsize=1)
def _filtered(found: tuple[Plugin, ...], lists: PluginFilter) -> tuple[Plugin, ...]:
    """Return the scanners, each with the variable that leaves it out."""
    for sentence in lists.unknown({plugin.name for plugin in found}):
        logger.warning("%s", sentence)
    return tuple(evolve(plugin, disabled=lists.left_out_by(plugin.name)) for plugin in found)


@frozen
class PluginFilter:
    """Which scanners the environment leaves out: two lists of entry-point names, separated by commas.

    Attributes:
        only: All others are left out; None where the variable is not set.
        disable: These are left out as well.
    """

    only: tuple[str, ...] | None = None
    disable: tuple[str, ...] = ()

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> PluginFilter:
        """Read the two variables."""
        only = environ.get(ONLY)
        return cls(None if only is None else _names(only), _names(environ.get(DISABLE, "")))

    def left_out_by(self, name: str) -> str | None:
        """Return the variable that leaves a scanner out, or None."""
        if self.only is not None and name not in self.only:
            return ONLY
        return DISABLE if name in self.disable else None

    def unknown(self, installed: Collection[str]) -> Iterator[str]:
        """Yield a sentence for each name that no installed scanner has."""
        known = ", ".join(sorted(installed)) or "none"
        for variable, names in ((ONLY, self.only or ()), (DISABLE, self.disable)):
            for name in names:
                if name not in installed:
                    yield f"{variable}: no installed plugin is called {one_line(name)!r}; installed: {known}"


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))


def _first_of_each_name(found: Iterable[Any]) -> Iterator[Distribution]:
    """Leave out distributions that an earlier folder of the path hides, and those that have no name."""
    seen = set()
    for distribution in found:
        try:
            name = re.sub(r"[-_.]+", "-", _name_of(distribution)).lower()
        except _UNREADABLE:
            continue
        if name not in seen:
            seen.add(name)
            yield distribution


def _name_of(distribution: Distribution) -> str:
    """Return the name, found in the raw metadata: parsing all of it would take most of the time of discovery."""
    head = (distribution.read_text("METADATA") or "").partition("\n\n")[0]
    found = re.search(_NAME_LINE, head)
    name: str = found[1] if found else distribution.metadata["Name"]
    return name


def _points_of(distribution: Distribution) -> list[_Point]:
    try:
        if _OURS not in (distribution.read_text("entry_points.txt") or ""):
            return []
        points = [point for point in distribution.entry_points if point.group.startswith(_OURS)]
        return _describe(distribution, points) if points else []
    except _UNREADABLE as error:  # the other distributions are found all the same
        logger.info("the metadata of %s can't be read: %s", one_line(distribution.metadata["Name"]), words_of(error))
        return []


def _describe(distribution: Distribution, points: Iterable[Any]) -> list[_Point]:
    metadata = distribution.metadata  # is parsed each time that it is asked for
    owner, version = metadata["Name"], metadata["Version"]
    requires = _required_core(metadata.get_all("Requires-Dist") or distribution.requires or ())
    return [_Point(point.group, point.name, point.value, owner, version, requires) for point in points]


@frozen
class _Point:
    """An entry point, with what its distribution says of itself: foreign strings, cleaned when all have been read."""

    group: str
    name: str
    value: str
    distribution: str
    version: str
    requires: tuple[str, ...]

    def make(self, kind: type[PluginT]) -> PluginT:
        """Return the plugin that is registered here."""
        named = re.fullmatch(_NAME, self.name)
        return kind(
            name=self.name,
            value=self.value,
            distribution=self.distribution,
            version=self.version,
            requires=self.requires,
            error=None if named else f"the name {one_line(self.name)!r} is not made of a-z, 0-9 and _",
            fix="" if named else upgrade(self.distribution),
        )


def _required_core(requirements: Iterable[str]) -> tuple[str, ...]:
    """Return the requirements of the core that apply without an extra; markers are those of PEP 508."""
    pattern = re.compile(rf"{re.escape(CORE_DISTRIBUTION)}(?![\w.-])(?!.*;.*\bextra\b)", re.IGNORECASE)
    return tuple(line for line in requirements if pattern.match(line))


def _without_conflicts(same_name: list[PluginT]) -> list[PluginT]:
    """Return plugins of one name; if there are several, with the conflict as their error."""
    if len(same_name) == 1:
        return same_name
    owners = sorted({f"{plugin.distribution} {plugin.version}" for plugin in same_name})
    conflict = f"it is registered more than once ({' and '.join(owners)})"
    names = sorted({plugin.distribution for plugin in same_name})
    removals = ", or ".join(f"pip uninstall {shlex.quote(name)}" for name in names)
    return [evolve(plugin, error=conflict, fix=removals) for plugin in same_name]
