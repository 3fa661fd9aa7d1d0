"""The scanner's settings."""

from __future__ import annotations

import binascii
from base64 import b64decode

from attrs import Attribute, field, frozen
from portus_scanners import HttpScannerSettings, Secret


def _without_slash(url: str) -> str:
    return url.strip().rstrip("/")


def _url_or_nothing(_instance: object, attribute: Attribute[str], value: str) -> None:
    if value:
        try:
            HttpScannerSettings(server=value)
        except ValueError as error:
            raise ValueError(str(error).replace("server", attribute.name, 1)) from None


@frozen(kw_only=True)
class ClairV4Settings(HttpScannerSettings):
    """The settings of one Clair, besides those that every HTTP scanner has."""

    matcher: str = field(default="", converter=_without_slash, validator=_url_or_nothing)
    """Base URL of the matcher, where `server` is an indexer alone; empty for a Clair that is both."""
    introspection: str = field(default="", converter=_without_slash, validator=_url_or_nothing)
    """Base URL of the introspection port, ``http://clair.example:8089``: a health check asks it too."""
    psk: Secret = field(factory=Secret)
    """The key that Clair's configuration has as ``auth.psk.key``: Base64. Each request then carries a token of its own,
    instead of the account of `HttpScannerSettings`."""
    issuer: str = ""
    """One of the names that Clair's configuration has as ``auth.psk.iss``."""

    @psk.validator
    def _fits(self, _attribute: Attribute[Secret], value: Secret) -> None:
        if bool(value) != bool(self.issuer):
            raise ValueError("psk and issuer must be given together: a key, and a name that Clair accepts with it")
        if value and not self.key:
            raise ValueError("psk must be Base64, as in Clair's configuration")
        if value and (self.username or self.token or self.token_file or self.token_env):
            raise ValueError("psk and an account can't be sent in one request: give either")

    @property
    def key(self) -> bytes:
        """The key itself; empty if there is none, or `psk` is not Base64."""
        try:
            return b64decode(self.psk.reveal().strip(), validate=True)
        except (binascii.Error, ValueError):
            return b""
