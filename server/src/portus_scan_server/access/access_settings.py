"""The section ``access:`` of the configuration: by which way people come, and what their groups may see."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import Attribute, evolve, field, frozen
from portus_images import Seconds, Secret, SettingsError
from portus_scanners.settings import SettingsFaults, read_limited, structure_section

from ..settings import values_of
from .viewers import Role, Viewer, check_pattern

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_USER = "user:"
_EVERYBODY = "*"
_OPEN = "open"
_SHORTEST_SECRET = 16
_LARGEST_SECRET = 4096


def _check_patterns(_settings: object, _attribute: Attribute[Any], value: Mapping[str, object]) -> None:
    for pattern in value:
        try:
            check_pattern(pattern)
        except ValueError as error:
            msg = f"{pattern!r} is not a pattern of repositories: {error}"
            raise ValueError(msg) from None


@frozen(kw_only=True)
class RepositoryRoles:
    """Who has which role in the repositories of one pattern: groups, people as ``user:NAME``, ``*`` for everybody.

    Attributes:
        viewers: They see the repositories.
        operators: They ask for scans as well.
    """

    viewers: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()


@frozen(kw_only=True)
class ProxySettings:
    """The proxy that knows who people are, and says so in headers.

    Attributes:
        user_header: The header with the user's name.
        groups_header: The header with the user's groups, separated by commas.
        secret_header: The header with what only the proxy knows.
        secret: What only the proxy knows; at least 16 characters.
        secret_file: A file with it.
        socket: A unix socket to listen on as well: whoever can connect to it is the proxy, without a secret.
    """

    user_header: str = "X-Forwarded-User"
    groups_header: str = "X-Forwarded-Groups"
    secret_header: str = "X-Portus-Proxy-Secret"  # noqa: S105 (a name)
    secret: Secret = field(factory=Secret)
    secret_file: str = ""
    socket: str = ""


_ASYMMETRIC = {*("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), *("ES256", "ES384", "ES512", "EdDSA")}
_HERE = r"127\.0\.0\.1|\[::1\]|localhost"
_LONGEST_SESSION = 8 * 3_600.0


def _check_issuer(_settings: object, _attribute: Attribute[str], value: str) -> None:
    if not re.fullmatch(rf"(https://[^/?#@\s]+|http://({_HERE})(:[0-9]+)?)(/[^?#\s]*)?", value):
        raise ValueError("issuer is an address that begins with https://, as the provider writes it")


def _check_algorithms(_settings: object, _attribute: Attribute[Any], value: tuple[str, ...]) -> None:
    if not value or not _ASYMMETRIC.issuperset(value):
        raise ValueError(f"algorithms: some of {', '.join(sorted(_ASYMMETRIC))}")


def _check_session(_settings: object, _attribute: Attribute[float], value: float) -> None:
    if not 60.0 <= value <= _LONGEST_SESSION:  # noqa: PLR2004 (a minute)
        raise ValueError("session must be 60 s to 8 h")


@frozen(kw_only=True)
class SignOnSettings:
    """The provider that people sign in at, by OpenID Connect.

    Attributes:
        issuer: The provider's address, exactly as its tokens say it.
        client_id: What the service is called there.
        client_secret: What the service proves itself with there.
        client_secret_file: A file with it.
        scopes: What is asked for, besides ``openid``.
        user_claim: The claim that is the user's name; another one than ``sub`` has to be one that nobody can choose.
        groups_claim: The claim with the user's groups.
        algorithms: How tokens may be signed.
        session: Seconds until somebody has to sign in again.
    """

    issuer: str = field(validator=_check_issuer)
    client_id: str
    client_secret: Secret = field(factory=Secret)
    client_secret_file: str = ""
    scopes: tuple[str, ...] = ("profile",)
    user_claim: str = "sub"
    groups_claim: str = "groups"
    algorithms: tuple[str, ...] = field(default=("RS256",), validator=_check_algorithms)
    session: Seconds = field(default=_LONGEST_SESSION, validator=_check_session)


@frozen(kw_only=True)
class AccessSettings:
    """The section ``access:``. Without one, only tokens open anything.

    Attributes:
        open: Whether anybody who reaches the service directly may see and ask for everything.
        hosts: Names, without a port, under which an open service answers.
        proxy: How people come, where a proxy knows them.
        sign_on: How people come, where they sign in here. With neither only programs come, with tokens.
        admins: Groups and people that may see and do everything.
        repositories: Who may see what, by the pattern of the repositories.
    """

    open: bool = False
    hosts: tuple[str, ...] = _LOOPBACK
    proxy: ProxySettings | None = None
    sign_on: SignOnSettings | None = None
    admins: tuple[str, ...] = ()
    repositories: Mapping[str, RepositoryRoles] = field(factory=dict, validator=_check_patterns)

    def person(self, name: str, groups: Iterable[str]) -> Viewer:
        """Return what a person may see; no group is taken for a person, or for everybody."""
        known = {one for one in groups if not one.startswith(_USER)} | {f"{_USER}{name}", _EVERYBODY}
        roles = {}
        for pattern, named in self.repositories.items():
            if known.intersection(named.operators):
                roles[pattern] = Role.OPERATOR
            elif known.intersection(named.viewers):
                roles[pattern] = Role.VIEWER
        return Viewer(name=name, roles=roles, is_admin=bool(known.intersection(self.admins)))


def read_access(document: Mapping[str, Any]) -> AccessSettings:
    """Return the section ``access:`` of a configuration; ``access: open`` is short for ``access: {open: true}``.

    Args:
        document: The configuration's top level.

    Raises:
        SettingsError: One line for each fault.
    """
    if document.get("access") == _OPEN:
        return AccessSettings(open=True)
    if (values := values_of(document, "access", "{repositories: {team/*: ...}}, or open")) is None:
        return AccessSettings()
    settings = structure_section(values, AccessSettings, {}, "access")
    faults = SettingsFaults(_contradictions(settings))
    if (proxy := settings.proxy) is not None:
        with faults.collect():
            settings = evolve(settings, proxy=_with_secret(proxy))
    if (sign_on := settings.sign_on) is not None:
        with faults.collect():
            settings = evolve(settings, sign_on=_with_client_secret(sign_on))
    faults.check()
    hosts = tuple(name.lower() for name in settings.hosts)
    return evolve(settings, hosts=hosts)


def _contradictions(settings: AccessSettings) -> Iterable[str]:
    if settings.open and (settings.proxy or settings.sign_on or settings.admins or settings.repositories):
        yield "access: open lets everybody see everything: leave out open, or proxy, sign_on, admins and repositories"
    if settings.proxy and settings.sign_on:
        yield "access: people come by the proxy or sign in here: give proxy or sign_on"
    if not (settings.proxy or settings.sign_on) and (settings.admins or settings.repositories):
        yield (
            "access: nobody can come as a member of a group: name the proxy that says who people are (access.proxy), "
            "or where they sign in (access.sign_on)"
        )


def _with_client_secret(sign_on: SignOnSettings) -> SignOnSettings:
    """Return the settings with the secret of the file."""
    if bool(sign_on.client_secret) == bool(sign_on.client_secret_file):
        raise SettingsError("access.sign_on: give client_secret or client_secret_file")
    if not (path := sign_on.client_secret_file):
        return sign_on
    secret = _read_secret_file(path, "access.sign_on.client_secret_file")
    if not secret:
        raise SettingsError(f"the file {path} of access.sign_on.client_secret_file is empty")
    return evolve(sign_on, client_secret=secret)


def _with_secret(proxy: ProxySettings) -> ProxySettings:
    """Return the settings with the secret of the file."""
    secret = proxy.secret
    if secret and proxy.secret_file:
        raise SettingsError("access.proxy: give secret or secret_file, not both")
    if proxy.secret_file:
        secret = _read_secret_file(proxy.secret_file, "access.proxy.secret_file")
    elif not secret and not proxy.socket:
        raise SettingsError("access.proxy: give secret, secret_file or socket: headers alone can be sent by anybody")
    if (secret or proxy.secret_file) and len(secret.reveal()) < _SHORTEST_SECRET:
        raise SettingsError(f"access.proxy: a secret has at least {_SHORTEST_SECRET} characters: openssl rand -hex 32")
    return evolve(proxy, secret=secret)


def _read_secret_file(path: str, key: str) -> Secret:
    content = read_limited(Path(path), f"the file {path} of {key}", _LARGEST_SECRET)
    return Secret(content.decode("utf-8", "replace").strip())
