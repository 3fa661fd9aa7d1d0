"""Credentials for a registry, and what a search for them came to."""

from __future__ import annotations

import re
from base64 import b64encode

from attrs import field, frozen

from ...settings import Secret
from ..exchange import Grant

_UNSENDABLE = "[\x00-\x1f\x7f-\x9f\ud800-\udfff]"
_NOT_UNICODE = "[\x00\ud800-\udfff]"
_VISIBLE = r"[\x21-\x7e]+"


class SourceError(Exception):
    """A source of credentials that can't be read; the message has no content of it."""


@frozen(kw_only=True)
class Credentials:
    """A name and a password, or a token of one of two kinds."""

    username: str = ""
    password: Secret = field(factory=Secret)
    identity_token: Secret = field(factory=Secret)
    """Exchanged at the realm for tokens that allow pulling; where there is one, there is no password."""
    registry_token: Secret = field(factory=Secret)
    """Sent to the registry as it is."""
    origin: str
    """Where they come from, for messages."""

    @property
    def fault(self) -> str:
        """Why these credentials can't be sent: they would mean something else in the header. Empty where they can.

        A password may have line breaks: Google's is a whole file, and Base64 hides them.
        """
        if re.search(_UNSENDABLE, self.username) or re.search(_NOT_UNICODE, self.password.reveal()):
            return "hold a control character"
        if ":" in self.username:
            return "have a colon in the username"
        tokens = filter(None, (self.identity_token.reveal(), self.registry_token.reveal()))
        if all(re.fullmatch(_VISIBLE, token) for token in tokens):
            return ""
        return "have a token with a space, or a character that no token has"

    def make_basic(self) -> Grant | None:
        """Return the header of Basic authentication (RFC 7617); None where there is no password."""
        if self.identity_token or self.registry_token:
            return None
        pair = f"{self.username}:{self.password.reveal()}".encode()
        encoded = b64encode(pair).decode()
        hidden = (Secret(encoded), self.password)
        return Grant(header=Secret(f"Basic {encoded}"), hidden=hidden, username=self.username)

    def make_bearer(self) -> Grant | None:
        """Return the header with the registry's own token; None where there is none."""
        if not self.registry_token:
            return None
        header = Secret(f"Bearer {self.registry_token.reveal()}")
        who = self.username or f"the token of {self.origin}"
        return Grant(header=header, hidden=(self.registry_token,), username=who, is_token=True)


@frozen(kw_only=True)
class CredentialSearch:
    """What a search for credentials came to."""

    credentials: Credentials | None = None
    """None where no source has any: access is anonymous."""
    fault: str = ""
    """The sources that could not be asked, in words: they matter where the registry lets no anonymous client in."""
    of_parts: str = ""
    """Where there are credentials for parts of what was asked about, in words: a list may be longer with them."""
