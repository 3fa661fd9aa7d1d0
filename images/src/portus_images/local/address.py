"""Where the layers of local images are served: ``HOST[:PORT]``."""

from __future__ import annotations

import re
from ipaddress import ip_address

from attrs import frozen

from ..errors import SettingsError

LOOPBACK = "127.0.0.1"
_FORM = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9._-]{1,253}))(?::(?P<port>[0-9]{1,5}))?")
_HIGHEST_PORT = 65535


@frozen
class ServeAddress:
    """An address of this machine under which the backends reach it.

    Attributes:
        host: A name or an address, without brackets.
        port: 0: any that is free.
    """

    host: str
    port: int = 0

    @classmethod
    def parse(cls, text: str) -> ServeAddress:
        """Return the address written as ``HOST``, ``HOST:PORT`` or ``[::1]:PORT``.

        Raises:
            SettingsError: It is none, or the one that stands for all addresses: no backend could use it.
        """
        match = _FORM.fullmatch(text)
        if match is None or int(match["port"] or 0) > _HIGHEST_PORT:
            raise SettingsError(f"serve address {text!r:.100}: write it as HOST or HOST:PORT")
        host = match["v6"] or match["host"]
        if _is_wildcard(host):
            raise SettingsError(
                f"serve address {text}: it stands for all addresses; give one under which scanners reach it"
            )
        return cls(host, int(match["port"] or 0))

    def url(self, port: int) -> str:
        """Return the base of the addresses served there.

        Args:
            port: The port that it has become.
        """
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{port}"


def _is_wildcard(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False
