"""What the configuration says: secrets, how to reach a registry, and where the layers of local images are served."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from attrs import Attribute, field, frozen

from .errors import SettingsError
from .fields import variable_name
from .text import MASK


@frozen(repr=False, str=False)
class Secret:
    """A password, token or header value. ``repr``, ``str`` and ``format`` give a mask.

    Args:
        value: The string to keep.
    """

    _value: str = field(default="")

    def reveal(self) -> str:
        """Return the string itself: only where it goes onto the wire."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK


_NONE = Secret()
_SECRETS = ("password", "identity_token", "registry_token")


def _base_url(text: str) -> str:
    return text.strip().rstrip("/")


def _check_url(_settings: object, attribute: Attribute[str], value: str) -> None:
    """Check that a URL is scheme, host and port alone: a path would be another registry's API."""
    if value and not _is_plain(value):
        msg = f"{attribute.name} must be scheme, host and port such as http://registry.internal:5000, nothing else"
        raise ValueError(msg)


def _is_plain(value: str) -> bool:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is not a number, a bracket that is not closed
        return False
    return usable and value.isascii() and value.isprintable() and not re.search(r"[@?#\s]|//.*/", value)


@frozen(kw_only=True)
class RegistrySettings:
    """How to reach one registry. Each secret may be given itself, in a file, or in an environment variable.

    Files and variables are read when a secret is needed. One line feed at a file's end does not belong to its secret.

    Attributes:
        username: Name of the user; empty for none.
        password: The user's password.
        password_file: File with the password.
        password_env: Environment variable with the password.
        identity_token: An OAuth2 refresh token, which ``docker login`` may store: it is exchanged for tokens that allow
            pulling.
        identity_token_file: File with the identity token.
        identity_token_env: Environment variable with the identity token.
        registry_token: A Bearer token that was issued elsewhere: it is sent to the registry as it is.
        registry_token_file: File with the registry token.
        registry_token_env: Environment variable with the registry token.
        ca_file: PEM file of the authority that signed the registry's certificate; the system's authorities where empty.
        client_cert: PEM file of the client certificate that the registry asks for.
        client_key: PEM file of its key, without a passphrase; where empty, the key is in the file of the certificate.
        insecure: Do not verify the certificate, and speak plain HTTP where TLS is not answered.
        url: Our address of the registry, if it is not the host in the references: ``https://mirror.example:5000``.
        backend_url: The registry's address for backends that pull by themselves; if empty, the same as ours.
        name: The service's name for it: with one, the service watches this registry.
        pull: The service shows images as pulled from this host; the host of the references where empty.
        aliases: Further hosts by which people name this registry.
    """

    username: str = ""
    password: Secret = _NONE
    password_file: str = ""
    password_env: str = field(default="", validator=variable_name)
    identity_token: Secret = _NONE
    identity_token_file: str = ""
    identity_token_env: str = field(default="", validator=variable_name)
    registry_token: Secret = _NONE
    registry_token_file: str = ""
    registry_token_env: str = field(default="", validator=variable_name)
    ca_file: str = ""
    client_cert: str = ""
    client_key: str = ""
    insecure: bool = False
    url: str = field(default="", converter=_base_url, validator=_check_url)
    backend_url: str = field(default="", converter=_base_url, validator=_check_url)
    name: str = ""
    pull: str = ""
    aliases: tuple[str, ...] = ()

    def __attrs_post_init__(self) -> None:
        if faults := find_account_faults(self, _SECRETS):
            raise ValueError("; ".join(faults))


def find_account_faults(settings: Any, secrets: Sequence[str] = ("password", "token")) -> list[str]:
    """Return what is wrong with the account and the client certificate in a server's settings, one sentence each.

    At most one secret may be given, in one of three ways. A password and a username need each other, and so does a
    client certificate's key the certificate.

    Args:
        settings: Has ``username``, ``client_cert``, ``client_key``; and for each secret its name, ``NAME_file`` and
            ``NAME_env``.
        secrets: The names of the secrets, ``password`` among them.
    """
    given = {name: [key for key in (name, f"{name}_file", f"{name}_env") if getattr(settings, key)] for name in secrets}
    kinds = [name for name, keys in given.items() if keys]
    faults = [f"{' and '.join(keys)} say the same thing: keep one" for keys in given.values() if len(keys) > 1]
    if not faults and len(kinds) > 1:
        faults.append(f"{' and '.join(kinds)} exclude each other: keep one")
    if given["password"] and not settings.username:
        faults.append("a password needs a username")
    if settings.username and not kinds:
        faults.append("a username needs a password, password_file or password_env")
    if settings.client_key and not settings.client_cert:
        faults.append("client_key needs a client_cert")
    return faults


LOOPBACK = "127.0.0.1"
_FORM = r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9._-]{1,253}))(?::(?P<port>[0-9]{1,5}))?"
_HIGHEST_PORT = 65535


@frozen
class ServeAddress:
    """An address of this machine under which the backends reach it.

    Attributes:
        host: A name or an address, without brackets.
        port: 0 for any free one.
    """

    host: str
    port: int = 0

    @classmethod
    def parse(cls, text: str) -> ServeAddress:
        """Return the address written as ``HOST``, ``HOST:PORT`` or ``[::1]:PORT``.

        Raises:
            SettingsError: *text* is not a valid address, or stands for all addresses: no backend could use that.
        """
        match = re.fullmatch(_FORM, text)
        if match is None or int(match["port"] or 0) > _HIGHEST_PORT:
            raise SettingsError(f"serve address {text!r:.100}: write it as HOST or HOST:PORT")
        host = match["v6"] or match["host"]
        if _is_wildcard(host):
            msg = f"serve address {text}: it stands for all addresses; give one under which scanners reach it"
            raise SettingsError(msg)
        return cls(host, int(match["port"] or 0))

    def url(self, port: int) -> str:
        """Return the base URL of what is served there, on the port that was found."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{port}"


def _is_wildcard(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False
