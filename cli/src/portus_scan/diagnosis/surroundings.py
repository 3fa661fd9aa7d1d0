"""What a run depends on besides scanners: versions, registries, credentials, proxies."""

from __future__ import annotations

import os
import platform
import re
import shlex
import ssl
import sys
from collections.abc import Mapping
from urllib.parse import urlsplit

from attrs import evolve
from importlib_metadata import PackageNotFoundError, version
from portus_images import RegistrySettings, credentials_files, credentials_origin
from portus_scanners import RegistryAuthError

from .facts import CredentialsFile, RegistryFacts

_DISTRIBUTIONS = ("portus-scan", "portus-scanners", "aiohttp", "attrs", "cattrs")
_DOCKER_HUB = "docker.io"
_SECRETS = tuple(
    f"{kind}{place}" for kind in ("password", "identity_token", "registry_token") for place in ("", "_file", "_env")
)
"""The keys of a registry that give a secret, or say where it is."""
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_PROXY = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*://)?(?P<user>.*@)?(?P<place>[\w.-]+(:\d{1,5})?|\[[\da-f:]+\](:\d{1,5})?)/?", re.I
)
_HOSTS = re.compile(r"[\w.:*/\[\], -]*")


def read_versions() -> dict[str, str]:
    """Return what is installed here and where."""
    found = {name: _version(name) for name in _DISTRIBUTIONS}
    return {**found, "python": platform.python_version(), "executable": sys.executable, "platform": platform.platform()}


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def find_credentials_files() -> tuple[CredentialsFile, ...]:
    """Return the files in which credentials are looked up."""
    return tuple(CredentialsFile(path=str(path), exists=path.is_file()) for path in credentials_files())


async def examine_registries(registries: Mapping[str, RegistrySettings]) -> tuple[RegistryFacts, ...]:
    """Examine those of the configuration, and Docker Hub, which every name without a host means."""
    hosts = dict.fromkeys([*registries, _DOCKER_HUB])
    return tuple([await _examine(host, registries) for host in hosts])


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
    """Return what helps where credentials can't be read: they are in the configuration, or where a log-in put them."""
    if key := _configured_secret(settings):
        return f"set registries: {host}: {key} to what can be read"
    owner = urlsplit(settings.url).netloc if settings.url else host  # whose credentials are looked up
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

    A text of another form is not shown at all: a part of it could be a password.
    """
    match = _PROXY.fullmatch(value.strip())
    if match is None:
        return "set, but no URL of the form http://host:port"
    return f"{match['scheme'] or ''}{'******@' if match['user'] else ''}{match['place']}"


def _hosts(value: str) -> str:
    return value if _HOSTS.fullmatch(value) else "set, but no list of hosts"
