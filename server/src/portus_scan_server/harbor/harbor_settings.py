"""The section ``harbor:`` of the configuration: which Harbors ask for scans, how they prove it, where they are."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from attrs import Attribute, evolve, field, frozen
from portus_images import InvalidReferenceError, Reference, RegistrySettings, Seconds, Secret, SettingsError
from portus_scanners.settings import SettingsFaults, read_limited, structure_section

from ..settings import TokenSettings, values_of

_NAME = r"[a-z0-9][a-z0-9._-]{0,63}"
_URL = r"(https?://[^/?#@\s\\]+)?"
_KEY_BYTES = 32
_LONGEST_KEY_FILE = 1024
_MINUTE, _HOUR, _DAY = 60.0, 3_600.0, 86_400.0
_HOW_TO_MAKE_ONE = (
    "what Harbor's registry may be pulled with is kept encrypted, with a key outside the database and its back-up: "
    "(umask 077; openssl rand -base64 32 > harbor.key), and name it, here and for each worker: harbor: key_file:"
)
_OF_TLS = ("ca_file", "client_cert", "client_key", "insecure", "backend_url")


class HarborAccess(Enum):
    """How Harbor proves itself: what its form for a new scanner calls authorization."""

    NONE = "none"
    BASIC = "basic"
    BEARER = "bearer"
    API_KEY = "api_key"


def _check_hosts(_settings: object, attribute: Attribute[Any], value: str | tuple[str, ...]) -> None:
    for host in (value,) if isinstance(value, str) else value:
        try:
            is_host = Reference.parse(f"{host}/any").registry == host
        except InvalidReferenceError:
            is_host = False
        if not is_host:
            raise ValueError(f"{attribute.name}: write hosts as in an image's name: harbor.example, core.internal:8080")


def _check_url(_settings: object, _attribute: Attribute[str], value: str) -> None:
    if not re.fullmatch(_URL, value):
        raise ValueError("url must be scheme, host and port, nothing else: http://core:8080")


def _check_timeout(_settings: object, _attribute: Attribute[float], value: float) -> None:
    if not _MINUTE <= value <= _DAY:
        raise ValueError("timeout must be a minute to a day")


@frozen(kw_only=True)
class HarborRegistration(TokenSettings):
    """A Harbor that asks for scans. Its name is a part of the address under which it knows us.

    Attributes:
        host: Its registry, as images are named: ``harbor.example``.
        url: Where it says that its registry is, if that is not ``https://`` and the host: ``http://core:8080``.
        hosts: Further hosts to which its registry sends whoever pulls: where its tokens are issued, and where it keeps
            layers. Nothing else is connected to for it.
        access: How it proves itself; the token is ``NAME:PASSWORD``, the token or the key.
    """

    host: str = field(validator=_check_hosts)
    url: str = field(default="", validator=_check_url)
    hosts: tuple[str, ...] = field(default=(), validator=_check_hosts)
    access: HarborAccess

    @property
    def urls(self) -> frozenset[str]:
        """What Harbor may say that its registry's address is."""
        return frozenset({f"https://{self.host}", self.url} - {""})

    def reached_with(
        self, registries: Mapping[str, RegistrySettings], url: str, account: Mapping[str, Any]
    ) -> dict[str, RegistrySettings]:
        """Return what a registry client is told, which is to connect to nothing else: one of `urls`, and an account.

        Of the section ``registries:`` the authorities and the like are taken, no account.
        """
        known = {host: registries.get(host, RegistrySettings()) for host in (*self.hosts, self.host)}
        told = {host: RegistrySettings(**{key: getattr(one, key) for key in _OF_TLS}) for host, one in known.items()}
        return {**told, self.host: evolve(told[self.host], url=url, **account)}


@frozen(kw_only=True)
class _Section:
    registrations: Mapping[str, HarborRegistration]
    key_file: str = ""
    timeout: Seconds = field(default=_HOUR, validator=_check_timeout)


@frozen(kw_only=True)
class HarborSeat:
    """What the section ``harbor:`` says.

    Attributes:
        registrations: Each Harbor, by name; no two have one host.
        key: What credentials are encrypted with, as it is in the file that ``key_file`` names: 32 bytes in base64.
        timeout: Seconds after which a scan is ended that is not done: Harbor itself would wait for ever.
    """

    registrations: Mapping[str, HarborRegistration]
    key: Secret
    timeout: float = _HOUR


def read_harbor(
    document: Mapping[str, Any], environ: Mapping[str, str], *, with_secrets: bool = True
) -> HarborSeat | None:
    """Return the section ``harbor:`` of a configuration, with its key; None where there is none.

    Args:
        document: The configuration's top level.
        environ: Environment variables.
        with_secrets: Whether the registrations' secrets are read as well: who answers Harbor needs them.

    Raises:
        SettingsError: One line for each fault; without a key it says how to make one.
    """
    if (values := values_of(document, "harbor", "{key_file: ..., registrations: {main: {host: ...}}}")) is None:
        return None
    read, faults, key = structure_section(values, _Section, {}, "harbor"), SettingsFaults(), Secret()
    registrations = dict(read.registrations)
    for name, one in read.registrations.items():
        with faults.collect():
            registrations[name] = _checked(name, one, environ) if with_secrets else one
    if len({one.host for one in registrations.values()}) != len(registrations):
        faults.add("harbor.registrations: two of them have one host")
    with faults.collect():
        key = _read_key(read.key_file)
    faults.check()
    return HarborSeat(registrations=registrations, key=key, timeout=read.timeout)


def _checked(name: str, one: HarborRegistration, environ: Mapping[str, str]) -> HarborRegistration:
    """Return a registration with its secret."""
    place = f"harbor.registrations.{name}"
    if not re.fullmatch(_NAME, name):
        raise SettingsError(f"{place}: a name has a-z, 0-9, dots, dashes and underscores, 64 at most")
    if one.access is HarborAccess.NONE:
        return one
    secret = one.read(place, environ)
    if one.access is HarborAccess.BASIC and not all(secret.reveal().partition(":")):
        raise SettingsError(f"{place}: the token of basic is NAME:PASSWORD, as in Harbor's form")
    return evolve(one, token=secret)


def _read_key(path: str) -> Secret:
    if not path:
        raise SettingsError(f"harbor: {_HOW_TO_MAKE_ONE}")
    text = read_limited(Path(path), "harbor.key_file", _LONGEST_KEY_FILE).strip()
    try:
        is_key = len(base64.b64decode(text, validate=True)) == _KEY_BYTES
    except binascii.Error:
        is_key = False
    if not is_key:
        raise SettingsError(f"{path} does not have {_KEY_BYTES} bytes in base64: {_HOW_TO_MAKE_ONE}")
    return Secret(text.decode("ascii"))
