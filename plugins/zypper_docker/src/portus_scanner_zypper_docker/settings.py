"""The scanner's settings."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from attrs import Attribute, field, frozen
from portus_scanners import HttpScannerSettings, Platform
from portus_scanners.backends import own_platform

STRICT = "strict"
CORRECTED = "corrected"


def _known_mode(_instance: object, attribute: Attribute[str], value: str) -> None:
    if value not in {STRICT, CORRECTED}:
        msg = f"{attribute.name} must be {STRICT} or {CORRECTED}"
        raise ValueError(msg)


def _one_at_a_time(_instance: object, attribute: Attribute[int], value: int) -> None:
    if value != 1:
        msg = f"{attribute.name} must be 1: this server mixes up the results of requests that overlap"
        raise ValueError(msg)


def _platform(_instance: object, attribute: Attribute[str], value: str) -> None:
    try:
        _ = Platform.parse(value) if value else None
    except ValueError as error:
        msg = f"{attribute.name} must be a platform such as linux/amd64"
        raise ValueError(msg) from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@frozen(kw_only=True)
class ZypperDockerSettings(HttpScannerSettings):
    """The settings of one zypper-docker server, besides those that every HTTP scanner has."""

    mode: str = field(default=CORRECTED, validator=_known_mode)
    """Which patches are vulnerabilities: with ``strict``, those that the server marks; with ``corrected``, also those
    whose description says so, which every real zypper needs."""
    concurrency: int = field(default=1, validator=_one_at_a_time)
    """Must be 1."""
    platform: str = field(default="", validator=_platform)
    """Platform of the server's Docker daemon, such as ``linux/amd64``. If empty, it is this machine's for a server at
    a loopback address, and not known for another one."""

    @property
    def daemon_platform(self) -> Platform | None:
        """The platform of the server's Docker daemon; None where it is not known."""
        if self.platform:
            return Platform.parse(self.platform)
        return own_platform() if _is_loopback(urlsplit(self.server).hostname or "") else None
