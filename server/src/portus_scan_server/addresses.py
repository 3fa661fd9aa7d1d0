"""Which IP addresses the service connects to for a registry, its token service, a redirect or a next page.

What is asked about is the address of the connection itself, once the name is resolved: a name that means another
address a moment later gains nothing. A host that the configuration names may be in a private network or on this
machine. One that a registry chose (a realm, a redirect) may not, unless the configuration names it as well. Nobody may
be sent to a link-local address: where machines are rented, it gives their credentials to whoever asks.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

from portus_images import Registry, RegistrySettings

_NAT64 = IPv6Network("64:ff9b::/96")
_LAST_32_BITS = 0xFFFF_FFFF


def open_registry(registries: Mapping[str, RegistrySettings]) -> Registry:
    """Return a registry client that connects to allowed addresses alone; the caller closes it."""
    return Registry(registries, may_connect=may_connect)


def may_connect(address: str, is_configured: bool) -> bool:
    """Tell whether the service connects to an address.

    Args:
        address: An IP address.
        is_configured: Whether the configuration names the host that has it.
    """
    try:
        ip = _inner(ip_address(address))
    except ValueError:
        return False
    if ip.is_link_local or ip.is_multicast or ip.is_unspecified:
        return False
    return is_configured or ip.is_global


class AddressError(OSError):
    """An address that must not be connected to."""


def make_socket(info: Any) -> socket.socket:
    """Return a socket for an address of a host that the configuration names; as aiohttp's ``socket_factory``.

    Raises:
        AddressError: It must not be connected to.
    """
    if not may_connect(info[4][0], is_configured=True):
        raise AddressError("it must not be connected to")
    return socket.socket(*info[:3])


def _inner(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that packets to an IPv6 address come out at; the address itself where there is none."""
    if isinstance(ip, IPv4Address):
        return ip
    if ip in _NAT64:
        return IPv4Address(int(ip) & _LAST_32_BITS)
    return ip.ipv4_mapped or ip.sixtofour or ip
