"""What was seen, as it goes into the JSON. Nothing here is a secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import asdict, frozen

from ..exits import ExitCode


@frozen(kw_only=True)
class Configuration:
    """What was read, and what is wrong with it."""

    file: str | None
    """As given with ``--config``; None: only the environment configures."""
    variables: tuple[str, ...] = ()
    """The names of the variables ``PORTUS_SECURITY_*`` that are set."""
    faults: tuple[str, ...] = ()


@frozen(kw_only=True)
class PluginLists:
    """The variables that leave plugins out."""

    only: str | None
    disable: str | None
    faults: tuple[str, ...] = ()
    """Names that no installed plugin has."""


@frozen(kw_only=True)
class PluginFacts:
    """One entry point."""

    name: str
    distribution: str
    version: str
    contract: int | None = None
    """What its class states, also where this core does not know it; None: its code could not be looked at."""
    file: str | None = None
    loads: bool | None = None
    """None: it was left out, and not tried."""
    import_seconds: float | None = None
    problem: str | None = None
    fix: str | None = None


@frozen(kw_only=True)
class ScannerFacts:
    """One section of the configuration, or a plugin that has none."""

    name: str
    plugin: str
    enabled: bool | None
    """None: the configuration can't be read."""
    healthy: bool | None = None
    """None: it was not asked, or can't tell."""
    health_seconds: float | None = None
    message: str = ""
    faults: tuple[str, ...] = ()
    """What is wrong with its settings."""
    fix: str | None = None


@frozen(kw_only=True)
class RegistryFacts:
    """A registry of the configuration, and Docker Hub."""

    host: str
    insecure: bool
    ca_file: str | None
    credentials: str | None = None
    """Where they come from; None: there are none."""
    problem: str | None = None
    fix: str | None = None


@frozen(kw_only=True)
class CredentialsFile:
    """A file in which credentials are looked up."""

    path: str
    exists: bool


@frozen(kw_only=True)
class Diagnosis:
    """All of it."""

    versions: Mapping[str, str]
    configuration: Configuration
    lists: PluginLists
    plugins: tuple[PluginFacts, ...]
    formats: tuple[PluginFacts, ...]
    scanners: tuple[ScannerFacts, ...]
    registries: tuple[RegistryFacts, ...]
    credentials_files: tuple[CredentialsFile, ...]
    proxies: Mapping[str, str]
    """By variable, without userinfo."""

    def judge(self) -> ExitCode:
        """Return the exit code that this deserves: `USAGE`, `NOTHING`, `PARTIAL` or `OK`."""
        if self.configuration.faults or any(one.faults for one in self.scanners):
            return ExitCode.USAGE
        enabled = [one for one in self.scanners if one.enabled]
        if all(one.healthy is False for one in enabled):
            return ExitCode.NOTHING
        broken = any(one.loads is False for one in (*self.plugins, *self.formats)) or any(
            one.problem for one in self.registries
        )
        return ExitCode.PARTIAL if broken or any(one.healthy is False for one in enabled) else ExitCode.OK

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {"schema_version": 1, "exit_code": int(self.judge()), **asdict(self)}
