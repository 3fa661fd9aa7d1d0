"""The scanner's settings."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from attrs import Attribute, field, frozen
from attrs.validators import in_
from portus_scanners import HttpScannerSettings, Secret

NONE, BASIC, BEARER = "none", "basic", "bearer"


@frozen(kw_only=True)
class HarborSettings(HttpScannerSettings):
    """The settings of one adapter, besides those that every HTTP scanner has; the same as in Harbor."""

    auth: str = field(default=NONE, validator=in_((NONE, BASIC, BEARER)))
    """How to authenticate to the adapter: ``none``, ``basic`` or ``bearer``."""
    access_credential: Secret = field(factory=Secret)
    """``USERNAME:PASSWORD`` for ``basic``, the token for ``bearer``."""

    @access_credential.validator
    def _fits(self, _attribute: Attribute[Secret], value: Secret) -> None:
        if bool(value) != (self.auth != NONE):
            msg = f"auth is {self.auth}: access_credential must {'not ' if value else ''}be given"
            raise ValueError(msg)

    @property
    def headers(self) -> Mapping[str, Secret]:
        """The headers of every request to the adapter."""
        value = self.access_credential.reveal()
        if self.auth == BASIC:
            value = base64.b64encode(value.encode()).decode()
        return {} if self.auth == NONE else {"Authorization": Secret(f"{self.auth.title()} {value}")}
