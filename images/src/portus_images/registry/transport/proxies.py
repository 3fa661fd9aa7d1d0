"""The proxies that lead to hosts, by ``HTTP_PROXY``, ``HTTPS_PROXY`` and ``NO_PROXY``, as Docker has it.

Source: ``golang.org/x/net/http/httpproxy``, ``proxy.go``.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from attrs import field, frozen
from yarl import URL

from ...errors import RegistryUnavailableError
from ...settings import Secret
from ..hosts import is_loopback


@frozen
class Proxy:
    """A proxy, which is spoken to in plain HTTP."""

    url: URL
    """Without credentials."""
    header: Secret = field(factory=Secret)
    """Value of ``Proxy-Authorization``; empty where there are no credentials."""

    @property
    def headers(self) -> dict[str, str]:
        """What is sent to the proxy itself."""
        return {"Proxy-Authorization": self.header.reveal()} if self.header else {}


class Proxies:
    """The proxies of an environment, which is read once.

    Args:
        environ: The environment. A name in capitals counts before the same in small letters.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._addresses = {
            scheme: (environ.get(f"{scheme.upper()}_PROXY") or environ.get(f"{scheme}_proxy") or "").strip()
            for scheme in ("http", "https")
        }
        words = (environ.get("NO_PROXY") or environ.get("no_proxy") or "").split(",")
        self._exceptions = [word for word in (word.strip().lower() for word in words) if word]

    def __repr__(self) -> str:
        return "Proxies(...)"

    def find(self, url: URL, registry: str) -> Proxy | None:
        """Return the proxy for an address; None where it is reached directly, as this machine always is.

        Raises:
            RegistryUnavailableError: The proxy's address can't be used.
        """
        address = self._addresses[url.scheme]
        if not address or is_loopback(url.host) or any(_matches(word, url) for word in self._exceptions):
            return None
        proxy = _parse(address)
        if proxy is None:
            message = (
                f"{registry}, connect: {url.scheme.upper()}_PROXY is not a valid address of a proxy: "
                "write it as http://proxy.example:3128, or name the registry in NO_PROXY"
            )
            raise RegistryUnavailableError(message, registry=registry, step="connect")
        return proxy


def _parse(address: str) -> Proxy | None:
    """Return the proxy at an address; None where that is not valid, or not plain HTTP: no other kind is supported."""
    try:
        url = URL(address if "://" in address else f"http://{address}")
        if url.scheme != "http" or not url.host or not url.port:
            return None
        return Proxy(URL.build(scheme="http", host=url.host, port=url.port), Secret(_make_header(url)))
    except ValueError:
        return None


def _make_header(url: URL) -> str:
    if url.user is None and url.password is None:
        return ""
    pair = f"{url.user or ''}:{url.password or ''}".encode()
    return f"Basic {b64encode(pair).decode()}"


def _matches(word: str, url: URL) -> bool:
    """Tell whether a word of ``NO_PROXY`` means the host of an address.

    ``*`` means all; a network means its addresses; ``example.com`` means itself and all below it, ``.example.com`` and
    ``*.example.com`` only what is below; with a port a word means that port only.
    """
    host = (url.host or "").lower().rstrip(".")
    if word == "*":
        return True
    if "/" in word:
        return _is_inside(host, word)
    name, port = _split_port(word)
    if port and port != url.port:
        return False
    if (address := _address(name)) is not None:
        return address == _address(host)
    below = name.removeprefix("*")
    return host.endswith(below if below.startswith(".") else f".{below}") or host == below


def _split_port(word: str) -> tuple[str, int]:
    """Return a word's host without brackets, and its port; 0 where it has none."""
    name, colon, port = word.rpartition(":")
    if not colon or not port.isdigit() or (":" in name and not name.endswith("]")):
        return word.strip("[]"), 0
    return name.strip("[]"), int(port)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_inside(host: str, word: str) -> bool:
    address = _address(host)
    network = _network(word)
    return address is not None and network is not None and address in network


def _network(word: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(word, strict=False)
    except ValueError:
        return None
