"""The section ``admission:`` of the configuration: where a cluster asks, how it proves itself, what it is told."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from attrs import Attribute, evolve, field, frozen
from portus_images import Platform, SettingsError
from portus_scanners.settings import structure_section

from ..settings import TokenSettings, values_of

_LAST_PORT = 65_535


class UnknownRule(Enum):
    """What becomes of an image of which nothing is known for certain."""

    DENY = "deny"
    """It does not run."""
    WARN = "warn"
    """It runs, and whoever wants to run it is told."""
    ALLOW = "allow"
    """It runs; only the cluster's audit log says so."""


class TagRule(Enum):
    """What is done about an image that is named by a tag."""

    HEAD = "head"
    """The registry is asked which digest the tag names now."""
    DENY = "deny"
    """It does not run: a tag may name something else when the image is pulled."""


def _check_address(_settings: object, _attribute: Attribute[str], value: str) -> None:
    host, _, port = value.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or int(port) > _LAST_PORT:
        raise ValueError("listen must be HOST:PORT, such as 0.0.0.0:8443")


def _check_platforms(_settings: object, _attribute: Attribute[Any], value: tuple[str, ...]) -> None:
    for one in value:
        Platform.parse(one)


@frozen(kw_only=True)
class AdmissionSettings(TokenSettings):
    """The section ``admission:``. The token is the last part of the secret path.

    Attributes:
        listen: Where to answer, ``HOST:PORT``.
        certificate: A PEM file with the server's certificate, and those between it and its authority.
        key: A PEM file with its key.
        client_ca: A PEM file with the authorities of clients' certificates; empty: any client that has the path.
        client_names: Common or DNS names, one of which a client's certificate must have; empty for any.
        platforms: Which images of an index count; empty for all.
        tags: What is done about tags.
        unknown: What becomes of an image of which nothing is known for certain.
    """

    listen: str = field(validator=_check_address)
    certificate: str
    key: str
    client_ca: str = ""
    client_names: tuple[str, ...] = ()
    platforms: tuple[str, ...] = field(default=(), validator=_check_platforms)
    tags: TagRule = TagRule.HEAD
    unknown: UnknownRule = UnknownRule.DENY


def read_admission(document: Mapping[str, Any], environ: Mapping[str, str]) -> AdmissionSettings | None:
    """Return the section ``admission:`` of a configuration; None where there is none.

    Args:
        document: The configuration's top level.
        environ: Environment variables.

    Raises:
        SettingsError: One line for each fault.
    """
    if (values := values_of(document, "admission", "{listen: ..., certificate: ..., key: ...}")) is None:
        return None
    settings = structure_section(values, AdmissionSettings, {}, "admission")
    if settings.client_names and not settings.client_ca:
        raise SettingsError("admission: client_names are those of certificates: name their authority (client_ca)")
    has_token = settings.token or settings.token_file or settings.token_env
    if not has_token and not settings.client_ca:
        raise SettingsError("admission: give client_ca, or a secret path (token_file): else anybody could ask")
    if not has_token:
        return settings
    return evolve(settings, token=settings.read("admission", environ))
