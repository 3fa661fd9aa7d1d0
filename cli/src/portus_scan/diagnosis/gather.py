"""Gathers the facts of a diagnosis: plugins, scanners, registries, credentials, proxies and versions.

Each part is examined alone, so that a broken one does not hide another.
"""

from __future__ import annotations

import asyncio
import os
import platform
import re
import shlex
import ssl
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from attrs import evolve
from importlib_metadata import PackageNotFoundError, version
from portus_images import RegistrySettings, credentials_files, credentials_origin
from portus_scanners import (
    Plugin,
    PluginError,
    RegistryAuthError,
    ScannerSection,
    Settings,
    SettingsError,
    discover,
    load_settings,
)
from portus_scanners.plugins import LoadedPlugin, check_plugin_lists, load_plugin

from ..exits import ExitCode
from ..installed import how_to_enable_one
from ..reporter import ReporterPlugin, discover_reporters
from ..session import check_health, run_checks
from ..terminal import PROGRAM, foreign_prints_to_stderr
from .diagnosis import (
    ConfigurationFacts,
    CredentialsFile,
    Diagnosis,
    PluginFacts,
    PluginListFacts,
    RegistryFacts,
    ScannerFacts,
)

_PREFIX = "PORTUS_SECURITY_"
_DISTRIBUTIONS = ("portus-scan", "portus-scanners", "aiohttp", "attrs", "cattrs")
_DOCKER_HUB = "docker.io"
_SECRETS = tuple(
    f"{kind}{place}" for kind in ("password", "identity_token", "registry_token") for place in ("", "_file", "_env")
)
"""The keys of a registry that give a secret, or the place of one."""
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_PROXY = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*://)?(?P<user>.*@)?(?P<place>[\w.-]+(:\d{1,5})?|\[[\da-f:]+\](:\d{1,5})?)/?", re.I
)
_HOSTS = re.compile(r"[\w.:*/\[\], -]*")


def run_diagnosis(
    config: str | None, timeout: float, deliver: Callable[[Diagnosis], ExitCode], *, hosts: Iterable[str] = ()
) -> ExitCode:
    """Gather the facts and hand them to *deliver*.

    This function does not return if something is left behind that would keep the interpreter from ending, nor after
    Ctrl-C, SIGTERM or SIGHUP.

    Args:
        config: The configuration's file.
        timeout: Seconds for the health check of each scanner.
        deliver: Writes the diagnosis and returns the exit code for it.
        hosts: Registries to examine beside those of the configuration.
    """
    settings, configuration = _read_configuration(config)
    with foreign_prints_to_stderr():
        plugins = tuple(map(_examine_plugin, discover()))
        formats = tuple(map(_examine_plugin, discover_reporters()))

    def conclude(found: tuple[tuple[ScannerFacts, ...], tuple[RegistryFacts, ...]]) -> ExitCode:
        return deliver(_put_together(configuration, plugins, formats, *found))

    return run_checks(_examine_rest(settings, plugins, config, timeout, hosts), conclude)


def _put_together(
    configuration: ConfigurationFacts,
    plugins: tuple[PluginFacts, ...],
    formats: tuple[PluginFacts, ...],
    scanners: tuple[ScannerFacts, ...],
    registries: tuple[RegistryFacts, ...],
) -> Diagnosis:
    return Diagnosis(
        versions=_read_versions(),
        configuration=configuration,
        lists=_read_lists(),
        plugins=plugins,
        formats=formats,
        scanners=scanners,
        registries=registries,
        credentials_files=_find_credentials_files(),
        proxies=read_proxies(),
    )


def _read_configuration(config: str | None) -> tuple[Settings | None, ConfigurationFacts]:
    variables = tuple(sorted(name for name in os.environ if name.startswith(_PREFIX)))
    configuration = ConfigurationFacts(file=config, variables=variables)
    try:
        return load_settings(config), configuration
    except SettingsError as error:
        return None, evolve(configuration, faults=error.faults)


def _read_lists() -> PluginListFacts:
    return PluginListFacts(
        only=os.environ.get("PORTUS_SCANNERS_ONLY"),
        disable=os.environ.get("PORTUS_SCANNERS_DISABLE"),
        faults=check_plugin_lists(),
    )


def find_file(plugin: Plugin | ReporterPlugin) -> str | None:
    """Return the file of a plugin's module, or of the package that contains the module; None if there is no such file.

    Nothing is imported for it: a plugin that can't be imported has a file all the same.
    """
    module = plugin.value.partition(":")[0].strip()
    if module in sys.modules:
        file = getattr(sys.modules[module], "__file__", None)
        return file if isinstance(file, str) else None
    try:
        spec = find_spec(module.partition(".")[0])  # only the first part: find_spec() imports the package for more
    except (ImportError, ValueError, AttributeError):
        return None
    return spec.origin if spec else None


def _examine_plugin(plugin: Plugin | ReporterPlugin) -> PluginFacts:
    """Return the facts of a plugin after loading it; one that is left out is not loaded.

    Plugins are loaded one after the other: the time of each is its own.
    """
    facts = PluginFacts(name=plugin.name, distribution=plugin.distribution, version=plugin.version)
    if (problem := plugin.problem) is not None:
        loads = None if plugin.disabled else False
        return evolve(facts, file=find_file(plugin), loads=loads, problem=problem.why, fix=problem.fix or None)
    loaded: LoadedPlugin[Any] = load_plugin(plugin)
    facts = evolve(facts, file=find_file(plugin), import_seconds=round(loaded.elapsed, 3))
    if isinstance(loaded.result, PluginError):
        error = loaded.result
        return evolve(facts, loads=False, contract=error.contract, problem=error.why, fix=error.fix or None)
    return evolve(facts, loads=True, contract=loaded.result.contract)


async def _examine_rest(
    settings: Settings | None, plugins: Iterable[PluginFacts], config: str | None, timeout: float, hosts: Iterable[str]
) -> tuple[tuple[tuple[ScannerFacts, ...], tuple[RegistryFacts, ...]], bool]:
    """Return the scanners, the registries, and whether something is left behind that does not end."""
    by_name = {one.name: one for one in plugins}
    registries = await _examine_registries(settings.registries if settings else {}, hosts)
    if settings is None:
        return (tuple(ScannerFacts(name=name, plugin=name, enabled=None) for name in by_name), registries), False
    asked = (_examine_section(section, settings, by_name, timeout) for section in settings.scanners.values())
    found = await asyncio.gather(*asked)
    seen = (_with_fix(facts, config) for facts, _ in found)
    scanners = (*seen, *_without_section(settings, by_name.values()))
    return (scanners, registries), any(abandoned for _, abandoned in found)


async def _examine_section(
    section: ScannerSection, settings: Settings, plugins: Mapping[str, PluginFacts], timeout: float
) -> tuple[ScannerFacts, bool]:
    plugin = plugins.get(section.plugin)
    facts = ScannerFacts(name=section.name, plugin=section.plugin, enabled=section.enabled)
    if not section.enabled:
        message = "" if plugin else f"no installed plugin is called {section.plugin}"
        return evolve(facts, message=message, fix=how_to_enable_one(section.name) if plugin else None), False
    if plugin is not None and not plugin.loads:
        return evolve(facts, healthy=False, message="its plugin does not load", fix=plugin.fix), False
    return await _ask(facts, settings, timeout)


async def _ask(facts: ScannerFacts, settings: Settings, timeout: float) -> tuple[ScannerFacts, bool]:
    """Check a scanner's health in an engine of its own: a fault in its settings must not hide the others."""
    try:
        (health,), abandoned = await check_health(settings.select([facts.name]), timeout)
    except SettingsError as error:
        return evolve(facts, faults=error.faults), False
    facts = evolve(facts, healthy=health.healthy, message=health.message, health_seconds=round(health.elapsed, 3))
    return facts, abandoned


def _with_fix(facts: ScannerFacts, config: str | None) -> ScannerFacts:
    """Add the command, fit for a shell, that says more of an unhealthy scanner with the same configuration."""
    if facts.healthy is not False or facts.fix is not None or facts.health_seconds is None:
        return facts
    given = () if config is None else ("--config", config)
    return evolve(facts, fix=shlex.join([PROGRAM, "-v", "health", *given, "--scanner", facts.name]))


def _without_section(settings: Settings, plugins: Iterable[PluginFacts]) -> Iterator[ScannerFacts]:
    """Yield the plugins that the configuration does not mention."""
    named = {section.plugin for section in settings.scanners.values()} | set(settings.scanners)
    for name in sorted({plugin.name for plugin in plugins if plugin.loads} - named):
        yield ScannerFacts(name=name, plugin=name, enabled=False, fix=how_to_enable_one(name))


def _read_versions() -> dict[str, str]:
    """Return the versions of what is installed, and where it is."""
    found = {name: _version(name) for name in _DISTRIBUTIONS}
    return {**found, "python": platform.python_version(), "executable": sys.executable, "platform": platform.platform()}


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def _find_credentials_files() -> tuple[CredentialsFile, ...]:
    """Return the files in which credentials are looked up."""
    return tuple(CredentialsFile(path=str(path), exists=path.is_file()) for path in credentials_files())


async def _examine_registries(
    registries: Mapping[str, RegistrySettings], hosts: Iterable[str]
) -> tuple[RegistryFacts, ...]:
    """Examine the registries that are named, and Docker Hub, to which every name without a host belongs."""
    named = dict.fromkeys([*(host.lower() for host in hosts), *registries, _DOCKER_HUB])
    return tuple([await _examine(host, registries) for host in named])


async def _examine(host: str, registries: Mapping[str, RegistrySettings]) -> RegistryFacts:
    settings = registries.get(host, RegistrySettings())
    facts = RegistryFacts(host=host, insecure=settings.insecure, ca_file=settings.ca_file or None)
    try:
        facts = evolve(facts, credentials=await credentials_origin(host, registries))
        if settings.ca_file:
            ssl.create_default_context(cafile=settings.ca_file)
    except RegistryAuthError as error:
        return evolve(facts, problem=str(error), fix=_how_to_log_in(host, settings))
    except OSError as error:  # ssl.SSLError is one
        problem = f"registries.{host}.ca_file can't be used: {error.strerror or error}"
        return evolve(facts, problem=problem, fix=f"set registries: {host}: ca_file to a PEM file, or leave it out")
    return facts


def _how_to_log_in(host: str, settings: RegistrySettings) -> str:
    """Return what to do where credentials can't be read, those of the configuration or those of a log-in."""
    if key := _configured_secret(settings):
        return f"set registries: {host}: {key} to what can be read"
    owner = urlsplit(settings.url).netloc if settings.url else host  # the host whose credentials are looked up
    login = shlex.join(["docker", "login", *([] if owner == _DOCKER_HUB else [owner])])
    return f"{login}, or give registries: {host}: username and password_file"


def _configured_secret(settings: RegistrySettings) -> str | None:
    """Return the key under which the configuration says where a secret is."""
    return next((key for key in _SECRETS if getattr(settings, key)), None)


def read_proxies(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the proxy variables that are set, without the names and passwords that their URLs may hold."""
    return {
        name: _hosts(value) if name.lower() == "no_proxy" else mask_proxy(value)
        for name, value in sorted(environ.items())
        if name.lower() in _PROXY_VARIABLES and value
    }


def mask_proxy(value: str) -> str:
    """Return scheme, host and port of a proxy's URL; whatever stands before an ``@`` is masked.

    A string of another form is not shown at all: a part of it could be a password.
    """
    match = _PROXY.fullmatch(value.strip())
    if match is None:
        return "set, but not a URL of the form http://host:port"
    return f"{match['scheme'] or ''}{'******@' if match['user'] else ''}{match['place']}"


def _hosts(value: str) -> str:
    return value if _HOSTS.fullmatch(value) else "set, but not a list of hosts"
