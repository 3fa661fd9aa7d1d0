"""What a configuration says: sections of scanners and registries, from the file and the environment together.

An environment variable belongs to the longest known instance name that it begins with; instances are known from the
file and, by the names of the installed plugins, from their metadata. No plugin is imported.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
from portus_images import SettingsError

from ..plugins import discover
from .faults import PREFIX, did_you_mean, enabled_but_left_out, how_to_enable, misspelt_sections

if TYPE_CHECKING:
    from portus_images import RegistrySettings

    from ..scanner_settings import ScannerSettings

SettingsT = TypeVar("SettingsT", bound="ScannerSettings")

_NAME = r"[a-z0-9_]+"
_ADDRESS = r"(.*_)?(server|enabled)|url|uri|host|address|endpoint|base_url"
"""Keys whose author wanted to enable a scanner."""
_HOST = r"(\[[0-9a-f:]+\]|[a-z0-9]([a-z0-9.-]*[a-z0-9])?)(:[0-9]{1,5})?"


class SettingsFaults:
    """Collects the faults of a configuration, so that its author hears of all of them at once.

    Attributes:
        lines: All that were noted; some may be known from the beginning.
    """

    def __init__(self, lines: Iterable[str] = ()) -> None:
        self.lines = list(lines)

    def add(self, *lines: str) -> None:
        """Note faults, one line for each."""
        self.lines.extend(lines)

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Note the faults of a `SettingsError` that the ``with`` block raises, and go on behind the block."""
        try:
            yield
        except SettingsError as error:
            self.add(*error.faults)

    def check(self) -> None:
        """Raise a `SettingsError` with all faults, if there are any."""
        if self.lines:
            raise SettingsError(self.lines)


@attrs.frozen(kw_only=True)
class ScannerSection:
    """One key under ``security:``, with what the environment says about it. Values are not yet converted.

    Attributes:
        name: The instance's name: the key.
        plugin: Name of the entry point: the same, or what ``scanner:`` says.
        enabled: Whether images are scanned by it.
        values: The values by key, as they are in the file; those of the environment are strings.
        sources: For each key of *values* where it comes from, as a user would name it: for messages.
    """

    name: str
    plugin: str
    enabled: bool
    values: Mapping[str, object] = attrs.field(factory=dict, repr=False)
    sources: Mapping[str, str] = attrs.field(factory=dict, repr=False)

    def structure(self, settings_class: type[SettingsT]) -> SettingsT:
        """Convert the values to the plugin's settings class.

        Raises:
            SettingsError: One line for each unknown key and each value that does not fit.
        """
        from .conversion import structure_section

        return structure_section(self.values, settings_class, self.sources, f"security.{self.name}")


@attrs.frozen(kw_only=True)
class Settings:
    """A whole configuration.

    Attributes:
        scanners: By name: all sections, disabled ones too, in the order of the file; then those that only the
            environment has.
        registries: By host, with its port where it has one.
    """

    scanners: Mapping[str, ScannerSection] = attrs.field(factory=dict)
    registries: Mapping[str, RegistrySettings] = attrs.field(factory=dict)

    @classmethod
    def from_mapping(cls, document: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> Settings:
        """Return the settings of an already parsed file.

        Args:
            document: The file's top level: ``security:`` and ``registries:`` count; `load_policy` reads others.
            environ: Environment variables; none when left out.

        Raises:
            SettingsError: One line for each fault.
        """
        return _Reader(document, environ or {}).read()

    @property
    def enabled(self) -> tuple[ScannerSection, ...]:
        """The enabled sections."""
        return tuple(section for section in self.scanners.values() if section.enabled)

    def select(self, names: Collection[str]) -> Settings:
        """Return the same settings with only these scanners left.

        Raises:
            SettingsError: One of them is not known or not enabled.
        """
        faults = [fault for name in names if (fault := self._why_not(name))]
        if faults:
            raise SettingsError(faults)
        return attrs.evolve(self, scanners={name: one for name, one in self.scanners.items() if name in names})

    def _why_not(self, name: str) -> str | None:
        if (section := self.scanners.get(name)) is not None and section.enabled:
            return None
        installed = {plugin.name for plugin in discover()}
        if section is not None or name in installed:
            return f"scanner {name!r} is not enabled: {how_to_enable(name)}"
        known = ", ".join(one.name for one in self.enabled) or "none is enabled"
        return f"there is no scanner {name!r}; enabled: {known}{did_you_mean(name, {*self.scanners, *installed})}"


def load_settings(path: str | Path | None = None, *, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the configuration.

    Args:
        path: A YAML file such as Portus' ``config.yml``; without one only the environment configures.
        environ: Environment variables; the process's own when left out.

    Raises:
        SettingsError: One line for each fault of the file and the environment.
    """
    document: Mapping[str, Any] = {}
    if path is not None:
        from .yaml_file import read_yaml  # PyYAML is not imported where there is no file

        document = read_yaml(Path(path))
    return Settings.from_mapping(document, os.environ if environ is None else environ)


@attrs.define
class _Draft:
    """A section while it is put together."""

    name: str
    values: dict[str, object] = attrs.field(factory=dict)
    sources: dict[str, str] = attrs.field(factory=dict)

    def put(self, key: str, value: object, source: str) -> None:
        if value is not None:  # "server:" with nothing behind it means the default
            self.values[key] = value
            self.sources[key] = source


class _Reader:
    """Reads a parsed file and an environment to their end, whatever is wrong with them."""

    def __init__(self, document: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        self._document = document
        self._environ = environ
        self._installed = {plugin.name: plugin for plugin in discover(environ=environ)}
        self._faults = SettingsFaults(misspelt_sections(document, self._installed))
        self._drafts: dict[str, _Draft] = {}

    def read(self) -> Settings:
        self._read_file()
        self._read_environment()
        sections = {}
        for name, draft in self._drafts.items():
            with self._faults.collect():
                sections[name] = self._section(draft)
        registries = self._registries()
        self._faults.check()
        return Settings(scanners=sections, registries=registries)

    def _read_file(self) -> None:
        security = self._mapping(self._document, "security", "security")
        for name in security:
            if not isinstance(name, str) or not re.fullmatch(_NAME, name):
                self._faults.add(f"security: {name!r} is not a valid name of a scanner: use a-z, 0-9 and _")
                continue
            draft = self._drafts[name] = _Draft(name)
            place = f"security.{name}"
            for key, value in self._mapping(security, name, place, " such as {server: ...}").items():
                draft.put(str(key), value, f"{place}.{key}")

    def _read_environment(self) -> None:
        known = sorted({*self._drafts, *self._installed}, key=len, reverse=True)
        for variable in sorted(self._environ):
            if not variable.startswith(PREFIX):
                continue
            rest = variable.removeprefix(PREFIX).lower()
            name = next((name for name in known if rest.startswith(f"{name}_") and rest != f"{name}_"), None)
            name = name or self._unknown_instance(variable, rest, known)
            if name:
                draft = self._drafts.setdefault(name, _Draft(name))
                draft.put(rest.removeprefix(f"{name}_"), self._environ[variable], variable)

    def _unknown_instance(self, variable: str, rest: str, known: list[str]) -> str | None:
        """Judge a variable of no known instance: one that would enable a scanner, or is misspelt, must not be ignored.

        Portus' own variables for a scanner that is not installed here are ignored.
        """
        key = next((key for key in _base_keys() if rest.endswith(f"_{key}")), None)
        name = rest.removesuffix(f"_{key}") if key else rest
        if key == "server" and self._environ[variable].strip():
            return name
        if rest in known:
            self._faults.add(f"{variable}: it names no setting; write {variable}_SERVER, for instance")
            return None
        guess = did_you_mean(name if key else rest.partition("_")[0], known)
        if guess or "_" not in rest or key == "enabled":
            self._faults.add(f"{variable}: there is no scanner {name!r}{guess}")
        return None

    def _section(self, draft: _Draft) -> ScannerSection:
        plugin = draft.values.get("scanner", draft.name)
        if not isinstance(plugin, str):
            raise SettingsError(f"{draft.sources['scanner']}: expected the name of a scanner")
        values = {key: value for key, value in draft.values.items() if key != "scanner"}
        enabled = _is_enabled(draft)
        if enabled:
            self._check_installed(draft.name, plugin)
        elif "enabled" not in draft.values:
            self._faults.add(*_slips(draft, values))
        return ScannerSection(name=draft.name, plugin=plugin, enabled=enabled, values=values, sources=draft.sources)

    def _check_installed(self, name: str, plugin: str) -> None:
        """Raise a `SettingsError` for a section that enables a plugin which can't be had."""
        found = self._installed.get(plugin)
        if found is None:
            raise SettingsError(
                f"security.{name} is enabled, but no installed plugin is called {plugin!r}"
                f"; try: pip install 'portus-scan[{plugin}]' (or the distribution that has this plugin)"
                f"{did_you_mean(plugin, self._installed)}"
            )
        if found.disabled and found.problem:
            raise SettingsError(enabled_but_left_out(name, found.problem))

    def _registries(self) -> dict[str, RegistrySettings]:
        found: dict[str, RegistrySettings] = {}
        registries = self._mapping(self._document, "registries", "registries")
        for name in registries:
            host, place = str(name).lower(), f"registries.{name}"
            if not re.fullmatch(_HOST, host):
                self._faults.add(f"{place}: write the host alone, as in an image's name: registry.example:5000")
            elif host in found:
                self._faults.add(f"{place}: this host comes twice")
            else:
                section = self._mapping(registries, name, place, " such as {username: ..., password: ...}")
                with self._faults.collect():
                    found[host] = _registry(section, place)
        return found

    def _mapping(self, parent: Mapping[Any, Any], key: object, place: str, example: str = "") -> Mapping[Any, Any]:
        """Return a member that has to be a mapping: empty where it is left out, or wrong, which is a fault."""
        value = parent.get(key)
        if value is None or isinstance(value, Mapping):
            return value or {}
        self._faults.add(f"{place}: expected a mapping{example}")
        return {}


def _base_keys() -> tuple[str, ...]:
    """Return the keys that every scanner has."""
    from ..scanner_settings import ScannerSettings

    return tuple(attribute.name for attribute in attrs.fields(ScannerSettings))


def _is_enabled(draft: _Draft) -> bool:
    server = draft.values.get("server", "")
    if not isinstance(server, str):
        raise SettingsError(f"{draft.sources['server']}: expected a string: put it into quotes")
    enabled = draft.values.get("enabled", bool(server.strip()))
    if isinstance(enabled, bool):
        return enabled
    from .conversion import read_boolean  # cattrs is not imported where there is nothing to convert

    try:
        return read_boolean(enabled)
    except ValueError as error:
        raise SettingsError(f"{draft.sources['enabled']}: {error}") from error


def _slips(draft: _Draft, values: Mapping[str, object]) -> Iterator[str]:
    """Find keys of a disabled section that were meant to enable it: ``sever:``, ``url:``, another instance's name."""
    known = _base_keys()
    for key in values:
        if key in known:
            continue
        if re.fullmatch(_ADDRESS, key):
            yield f"{draft.sources[key]}: does not enable the scanner {draft.name!r}; {how_to_enable(draft.name)}"
        elif guess := did_you_mean(key, known):
            yield f"{draft.sources[key]}: unknown key{guess}"


def _registry(section: Mapping[Any, Any], place: str) -> RegistrySettings:
    from portus_images import RegistrySettings

    from .conversion import structure_section

    values = {str(key): value for key, value in section.items() if value is not None}
    return structure_section(values, RegistrySettings, {}, place)
