"""The file and the environment together -> sections.

An environment variable belongs to the longest known instance name that it begins with; instances are known from the
file and, by the names of the installed plugins, from the metadata.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs
from portus_images import SettingsError

from ..plugins import Plugin, discover
from .sections import ScannerSection, Settings
from .top_level import misspelt_sections
from .truth import truth
from .wording import PREFIX, did_you_mean, enabled_but_left_out, how_to_enable

if TYPE_CHECKING:
    from portus_images import RegistrySettings

_NAME = re.compile(r"[a-z0-9_]+")
_RESERVED = {"scanner"}
_ADDRESS = re.compile(r"(.*_)?(server|enabled)|url|uri|host|address|endpoint|base_url")
"""Keys with which somebody wanted to enable a scanner."""
_HOST = re.compile(r"(\[[0-9a-f:]+\]|[a-z0-9]([a-z0-9.-]*[a-z0-9])?)(:[0-9]{1,5})?")


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


def read_settings(document: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """Return the settings of a parsed file and an environment.

    Raises:
        SettingsError: One line for each fault.
    """
    faults = list(misspelt_sections(document))
    installed = {plugin.name: plugin for plugin in discover(environ=environ)}
    drafts = {draft.name: draft for draft in _drafts_of_file(document, faults)}
    _add_environment(drafts, environ, installed, faults)
    sections = {name: section for name, draft in drafts.items() if (section := _section(draft, installed, faults))}
    registries = _registries(document, faults)
    if faults:
        raise SettingsError(faults)
    return Settings(scanners=sections, registries=registries)


def _drafts_of_file(document: Mapping[str, Any], faults: list[str]) -> Iterator[_Draft]:
    security = _mapping(document, "security", "security", faults)
    for name in security:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            faults.append(f"security: {name!r} is no name of a scanner: use a-z, 0-9 and _")
            continue
        draft, place = _Draft(name), f"security.{name}"
        for key, value in _mapping(security, name, place, faults, " such as {server: ...}").items():
            draft.put(str(key), value, f"{place}.{key}")
        yield draft


def _add_environment(
    drafts: dict[str, _Draft], environ: Mapping[str, str], installed: Iterable[str], faults: list[str]
) -> None:
    known = sorted({*drafts, *installed}, key=len, reverse=True)
    for variable in sorted(environ):
        if not variable.startswith(PREFIX):
            continue
        rest = variable.removeprefix(PREFIX).lower()
        name = next((name for name in known if rest.startswith(f"{name}_") and rest != f"{name}_"), None)
        name = name or _unknown_instance(variable, rest, environ[variable], known, faults)
        if name:
            key = rest.removeprefix(f"{name}_")
            drafts.setdefault(name, _Draft(name)).put(key, environ[variable], variable)


def _unknown_instance(variable: str, rest: str, value: str, known: list[str], faults: list[str]) -> str | None:
    """Judge a variable of no known instance: what would enable it, or is a slip of the pen, must not be passed over.

    Portus' own variables for a scanner that is not installed here are passed over.
    """
    key = next((key for key in _base_keys() if rest.endswith(f"_{key}")), None)
    name = rest.removesuffix(f"_{key}") if key else rest
    if key == "server" and value.strip():
        return name
    if rest in known:
        faults.append(f"{variable}: it names no setting; write {variable}_SERVER, for instance")
        return None
    guess = did_you_mean(name if key else rest.partition("_")[0], known)
    if guess or "_" not in rest or key == "enabled":
        faults.append(f"{variable}: there is no scanner {name!r}{guess}")
    return None


def _base_keys() -> tuple[str, ...]:
    """Return the keys that every scanner has."""
    from ..scanner import ScannerSettings

    return tuple(attribute.name for attribute in attrs.fields(ScannerSettings))


def _section(draft: _Draft, installed: Mapping[str, Plugin], faults: list[str]) -> ScannerSection | None:
    plugin = draft.values.get("scanner", draft.name)
    if not isinstance(plugin, str):
        faults.append(f"{draft.sources['scanner']}: expected the name of a scanner")
        return None
    values = {key: value for key, value in draft.values.items() if key not in _RESERVED}
    try:
        enabled = _is_enabled(draft)
    except ValueError as error:
        faults.append(str(error))
        return None
    if enabled and (fault := _why_not_there(draft.name, plugin, installed)):
        faults.append(fault)
        return None
    if not enabled and "enabled" not in draft.values:
        faults.extend(_slips(draft, values))
    return ScannerSection(name=draft.name, plugin=plugin, enabled=enabled, values=values, sources=draft.sources)


def _is_enabled(draft: _Draft) -> bool:
    server = draft.values.get("server", "")
    if not isinstance(server, str):
        msg = f"{draft.sources['server']}: expected a text, got {type(server).__name__}"
        raise ValueError(msg)  # noqa: TRY004 (a fault of the configuration)
    if "enabled" not in draft.values:
        return bool(server.strip())
    try:
        return truth(draft.values["enabled"])
    except ValueError as error:
        msg = f"{draft.sources['enabled']}: {error}"
        raise ValueError(msg) from error


def _slips(draft: _Draft, values: Mapping[str, object]) -> Iterator[str]:
    """Find keys of a disabled section that were meant to enable it: ``sever:``, ``url:``, another instance's name.

    Its other keys can't be judged: the plugin is not imported.
    """
    known = _base_keys()
    for key in values:
        if key in known:
            continue
        if _ADDRESS.fullmatch(key):
            yield f"{draft.sources[key]}: does not enable the scanner {draft.name!r}; {how_to_enable(draft.name)}"
        elif guess := did_you_mean(key, known):
            yield f"{draft.sources[key]}: unknown key{guess}"


def _why_not_there(name: str, plugin: str, installed: Mapping[str, Plugin]) -> str | None:
    """Return what is wrong with a section that enables a plugin which is not to be had."""
    if plugin in installed:
        found = installed[plugin]
        return enabled_but_left_out(name, found.problem) if found.disabled and found.problem else None
    return (
        f"security.{name} is enabled, but no installed plugin is called {plugin!r}{did_you_mean(plugin, installed)}; "
        f"try: pip install 'portus-scan[{plugin}]' (or the distribution that has this plugin)"
    )


def _registries(document: Mapping[str, Any], faults: list[str]) -> dict[str, RegistrySettings]:
    found: dict[str, RegistrySettings] = {}
    registries = _mapping(document, "registries", "registries", faults)
    for name in registries:
        host, place = str(name).lower(), f"registries.{name}"
        if not _HOST.fullmatch(host):
            faults.append(f"{place}: write the host alone, as in an image's name: registry.example:5000")
            continue
        if host in found:
            faults.append(f"{place}: this host comes twice")
            continue
        section = _mapping(registries, name, place, faults, " such as {username: ..., password: ...}")
        values = {str(key): value for key, value in section.items() if value is not None}
        try:
            found[host] = _registry(values, place)
        except SettingsError as error:
            faults.extend(error.faults)
    return found


def _registry(values: Mapping[str, object], place: str) -> RegistrySettings:
    from portus_images import RegistrySettings

    from .conversion import structure_section  # cattrs is not imported where there is nothing to convert

    return structure_section(values, RegistrySettings, {}, place)


def _mapping(
    parent: Mapping[Any, Any], key: object, place: str, faults: list[str], example: str = ""
) -> Mapping[Any, Any]:
    """Return a member that has to be a mapping: empty where it is left out, or wrong, which is a fault."""
    value = parent.get(key)
    if value is None or isinstance(value, Mapping):
        return value or {}
    faults.append(f"{place}: expected a mapping{example}")
    return {}
