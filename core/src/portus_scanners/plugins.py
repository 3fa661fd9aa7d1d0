"""Finding plugins: the only module that reads entry points.

Discovery reads metadata only; a plugin's code is imported by `Plugin.load`, when the configuration enables it or a
user asks.
"""

from __future__ import annotations

import inspect
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any, get_type_hints

import attrs
from attrs import evolve, field, frozen
from importlib_metadata import Distribution, distributions

from .errors import PluginError
from .scanner import SUPPORTED_CONTRACTS, Scanner
from .text import words_of

__all__ = ["GROUP", "Plugin", "discover"]

GROUP = "portus.scanners"
CORE_DISTRIBUTION = "portus-scanners"
_NAME = re.compile(r"[a-z0-9_]+")
_VALUE = re.compile(r"(?P<module>[\w.]+)\s*:\s*(?P<path>[\w.]+)")


@frozen(kw_only=True)
class Plugin:
    """An installed plugin, as its distribution's metadata describes it."""

    name: str
    """Name of the entry point: the key under ``security:``."""
    value: str
    """``module:Class``."""
    distribution: str
    version: str
    requires: tuple[str, ...] = field(default=(), repr=False)
    """What its distribution requires of the core: ``portus-scanners~=0.1.0``."""
    error: str | None = None
    """Why it can't be loaded, as far as the metadata tells."""

    def load(self) -> type[Scanner[Any]]:
        """Import the plugin's code and return its scanner class.

        Raises:
            PluginError: It can't be imported, or what the entry point names is no scanner that this core can run.
        """
        if self.error is not None:
            raise PluginError(self.name, self.error)
        try:
            loaded = self._import()
            fault = _fault_of(loaded)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # foreign code: it may raise or exit as it likes
            raise PluginError(self.name, self._why_not_imported(error)) from error
        if fault is not None:
            raise PluginError(self.name, f"{self.value} of {self.distribution} {self.version} {fault}")
        scanner: type[Scanner[Any]] = loaded
        return scanner

    def _import(self) -> Any:
        match = _VALUE.fullmatch(self.value)
        if match is None:
            msg = f"{self.value!r} is not of the form module:Class"
            raise ImportError(msg)
        loaded: Any = import_module(match["module"])
        for name in match["path"].split("."):
            loaded = getattr(loaded, name)
        return loaded

    def _why_not_imported(self, error: BaseException) -> str:
        wants = f"; it requires {', '.join(self.requires)}" if self.requires else ""
        what = words_of(error)
        return (
            f"{self.value} of {self.distribution} {self.version} can't be imported ({what}){wants}; "
            f"try: pip install --upgrade {self.distribution}"
        )


def discover() -> tuple[Plugin, ...]:
    """Return every installed plugin, by name; two of one name are both there, each with the conflict as its error."""
    found: dict[str, list[Plugin]] = defaultdict(list)
    for distribution in _first_of_each_name(distributions()):
        for plugin in _plugins_of(distribution):
            found[plugin.name].append(plugin)
    return tuple(plugin for name in sorted(found) for plugin in _without_conflicts(found[name]))


def _first_of_each_name(found: Iterable[Any]) -> Iterator[Distribution]:
    """Leave out distributions that an earlier folder of the path hides, and those whose metadata can't be read."""
    seen = set()
    for distribution in found:
        try:
            name = re.sub(r"[-_.]+", "-", distribution.metadata["Name"]).lower()
        except (KeyError, TypeError, ValueError, OSError):
            continue
        if name not in seen:
            seen.add(name)
            yield distribution


def _plugins_of(distribution: Distribution) -> Iterator[Plugin]:
    try:
        entry_points = [point for point in distribution.entry_points if point.group == GROUP]
    except (ValueError, TypeError, AttributeError, OSError):
        return  # a malformed entry_points.txt is its own distribution's misfortune
    for point in entry_points:
        yield Plugin(
            name=point.name,
            value=point.value,
            distribution=distribution.metadata["Name"],
            version=distribution.version,
            requires=_required_core(distribution),
            error=None if _NAME.fullmatch(point.name) else f"the name {point.name!r} is not made of a-z, 0-9 and _",
        )


def _required_core(distribution: Distribution) -> tuple[str, ...]:
    pattern = re.compile(rf"{re.escape(CORE_DISTRIBUTION)}(?![\w.-])", re.IGNORECASE)
    return tuple(line for line in distribution.requires or () if pattern.match(line))


def _without_conflicts(same_name: list[Plugin]) -> list[Plugin]:
    """Two plugins of one name: neither can be loaded."""
    if len(same_name) == 1:
        return same_name
    owners = sorted({f"{plugin.distribution} {plugin.version}" for plugin in same_name})
    conflict = f"it is registered more than once ({' and '.join(owners)}); uninstall all but one"
    return [evolve(plugin, error=conflict) for plugin in same_name]


def _fault_of(loaded: Any) -> str | None:
    """Return why this object can't be run as a scanner, as the end of a sentence."""
    if not (isinstance(loaded, type) and issubclass(loaded, Scanner)):
        return "is no subclass of portus_scanners.Scanner"
    if inspect.isabstract(loaded):
        return "is abstract: it does not define scan()"
    contract = vars(loaded).get("contract")
    if contract not in SUPPORTED_CONTRACTS:
        known = ", ".join(map(str, sorted(SUPPORTED_CONTRACTS)))
        return f"is written for contract {contract}; this core knows {known}: upgrade the older of the two"
    settings_class = loaded.settings_class
    if not (isinstance(settings_class, type) and attrs.has(settings_class)) or "__attrs_attrs__" not in vars(
        settings_class
    ):
        return f"has the settings class {settings_class!r}, which lacks the decorator @attrs.frozen(kw_only=True)"
    get_type_hints(settings_class)  # raises where a type is imported for type checkers only
    return None
