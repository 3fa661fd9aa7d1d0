"""Whether Trivy can be used now."""

from __future__ import annotations

from http import HTTPStatus

from portus_scanners import Health, ScannerContext
from portus_scanners.backends import HttpBackend

from .program import Trivy
from .ratings import read_moment
from .settings import TrivySettings
from .wire import Versions, read_versions

_SCHEMA = 2
"""Of the database, as every Trivy that this plugin knows has it."""
_TIMEOUT = 5.0
"""Seconds for a server's answer."""


async def check_program(trivy: Trivy, settings: TrivySettings) -> Health:
    """Return whether the program runs and has, or may get, a database.

    Raises:
        ScannerError: It is not there, or failed.
    """
    versions = await trivy.read_versions()
    if versions.VulnerabilityDB is None and not settings.updates:
        message = f"Trivy {versions.Version}: there is no vulnerability database in {settings.cache_folder}"
        return Health(healthy=False, message=f"{message}; trivy image --download-db-only gets one")
    if versions.VulnerabilityDB is not None and versions.VulnerabilityDB.Version not in {None, _SCHEMA}:
        message = f"{_describe(versions)} in {settings.cache_folder}, of schema {versions.VulnerabilityDB.Version}"
        return Health(healthy=False, message=f"{message}; this plugin knows {_SCHEMA}: trivy image --download-db-only")
    return Health(healthy=True, message=_describe(versions))


async def check_server(context: ScannerContext, trivy: Trivy, settings: TrivySettings) -> Health:
    """Return whether the server answers, and the program that is its client runs; the token is not tried.

    Raises:
        ScannerError: One of them does not.
    """
    client = await trivy.read_versions()
    answer = await HttpBackend(context, settings.server).request("GET", "/version", timeout=_TIMEOUT)
    if answer.status != HTTPStatus.OK:
        return Health(healthy=False, message=f"GET /version of the server answered HTTP {answer.status}")
    server = read_versions(answer.body)
    return Health(healthy=True, message=f"server: {_describe(server)}; client: Trivy {client.Version}")


def _describe(versions: Versions) -> str:
    database = versions.VulnerabilityDB
    updated = read_moment(database.UpdatedAt) if database else None
    age = f"vulnerability database of {updated:%Y-%m-%d}" if updated else "no vulnerability database yet"
    return f"Trivy {versions.Version}, {age}"
