"""Registry hosts: their names, their settings, and how addresses are compared."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address

from yarl import URL

from ..reference import DOCKER_HUB, HUB_NAMES
from ..settings import RegistrySettings

_DEFAULT = RegistrySettings()


def name_registry(host: str) -> str:
    """Return the one name of a registry that goes by several, in lower case."""
    host = host.lower()
    return DOCKER_HUB if host in HUB_NAMES else host


class HostSettings:
    """What the configuration says of each host."""

    def __init__(self, registries: Mapping[str, RegistrySettings]) -> None:
        self._registries = {name_registry(host): settings for host, settings in registries.items()}
        urls = [settings for settings in self._registries.values() if settings.url]
        self._addresses = {authority: settings for settings in urls for authority in _names_of(URL(settings.url))}

    def find(self, authority: str) -> RegistrySettings:
        """Return the settings for a host, written with its port where it has one."""
        return self._registries.get(name_registry(authority), _DEFAULT)

    def find_for(self, url: URL) -> RegistrySettings:
        """Return the settings for the host of an address: its own, else those of the registry that is reached there.

        The usual port may be written or not.
        """
        names = _names_of(url)
        found = [section[name] for section in (self._registries, self._addresses) for name in names if name in section]
        return found[0] if found else _DEFAULT

    def has_own_tls(self, url: URL) -> bool:
        """Tell whether TLS with the host of an address goes by the configuration, not by the system alone."""
        found = self.find_for(url)
        return url.scheme == "https" and bool(found.ca_file or found.client_cert or found.insecure)


def is_loopback(host: str | None) -> bool:
    """Tell whether a host without port is this machine: ``localhost``, ``127.0.0.0/8``, ``::1``."""
    if not host:
        return False
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def same_origin(one: URL, other: URL) -> bool:
    """Tell whether scheme, host and port are the same."""
    return (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)


def _names_of(url: URL) -> tuple[str, ...]:
    """Return the names under which the host of an address may be configured."""
    names = {f"{_bracket(url)}:{url.port}"} | ({_bracket(url)} if url.is_default_port() else set())
    return tuple(map(name_registry, sorted(names)))


def _bracket(url: URL) -> str:
    host = url.raw_host or ""
    return f"[{host}]" if ":" in host else host
