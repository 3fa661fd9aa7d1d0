"""The server that issues a registry's tokens.

Source: github.com/distribution/distribution, ``docs/spec/auth/token.md`` and ``oauth.md``.
"""

from __future__ import annotations

import base64
import binascii
import ssl
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web
from attrs import evolve

from ..servers import LoopbackServer
from .tokens import PASSWORD, USERNAME, IssuedToken, TokenAccess, TokenIssuer

Fields = dict[str, list[str]]


class TokenService:
    """The token endpoint, on the registry's server or on its own.

    Args:
        issuer: Issues the tokens.
        username: The only account.
        password: The account's password.
        anonymous: Whether a client without credentials gets tokens for pulling.
        identity_token: A refresh token that is accepted instead of the password; empty: none is.
    """

    def __init__(
        self,
        issuer: TokenIssuer | None = None,
        *,
        username: str = USERNAME,
        password: str = PASSWORD,
        anonymous: bool = False,
        identity_token: str = "",
    ) -> None:
        self.issuer = issuer or TokenIssuer()
        self.username = username
        self.password = password
        self.anonymous = anonymous
        self.identity_token = identity_token
        self.denied: set[str] = set()
        """Repositories for which tokens allow nothing; the answer is still a 200."""
        self.left_out: set[str] = set()
        """Keys to leave out of the answer: ``token``, ``access_token``, ``expires_in``, ``issued_at``."""

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer a ``GET``, with Basic credentials or without, or a ``POST`` with an OAuth2 form."""
        if request.method == "POST":
            fields = parse_qs((await request.read()).decode())
            account = self._account_of_form(fields)
        else:
            fields = parse_qs(request.raw_path.partition("?")[2])
            account = self._account_of_header(request.headers.get("Authorization"))
        if account is None:
            return web.json_response({"details": "incorrect username or password"}, status=401)
        token = await self.issuer.issue(
            account=account, service=_first(fields, "service"), access=self._allowed(fields, account)
        )
        return web.json_response(self._document(token))

    def _account_of_form(self, fields: Fields) -> str | None:
        if _first(fields, "grant_type") == "refresh_token":
            known = bool(self.identity_token) and _first(fields, "refresh_token") == self.identity_token
        else:
            known = (_first(fields, "username"), _first(fields, "password")) == (self.username, self.password)
        return self.username if known else None

    def _account_of_header(self, header: str | None) -> str | None:
        """Return the account; "" for an anonymous client, None for wrong credentials."""
        if header is None:
            return "" if self.anonymous else None
        return self.username if read_basic(header) == (self.username, self.password) else None

    def _allowed(self, fields: Fields, account: str) -> list[TokenAccess]:
        """Return the requested access that is not denied; an anonymous client may pull only."""
        asked = (TokenAccess.parse(scope) for scope in " ".join(fields.get("scope", ())).split())
        granted = (access for access in asked if access is not None and access.repository not in self.denied)
        return [access if account else evolve(access, actions=access.actions & {"pull"}) for access in granted]

    def _document(self, token: IssuedToken) -> dict[str, Any]:
        issued_at = datetime.fromtimestamp(token.issued_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        document = {
            "token": token.value,
            "access_token": token.value,
            "expires_in": int(token.expires_at - token.issued_at),
            "issued_at": issued_at,
        }
        return {key: value for key, value in document.items() if key not in self.left_out}


class TokenServer(LoopbackServer):
    """A token service on a server of its own: ``URL/token``."""

    def __init__(self, service: TokenService | None = None, *, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls=tls)
        self.service = service or TokenService()

    @property
    def realm(self) -> str:
        """The URL in the registry's challenge."""
        return f"{self.url}/token"

    @property
    def issued(self) -> list[IssuedToken]:
        """The tokens issued so far."""
        return self.service.issuer.issued

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        if request.raw_path.partition("?")[0] != "/token":
            return web.Response(status=404, text="404 page not found\n")
        return await self.service.answer(request)


def read_basic(header: str) -> tuple[str, str] | None:
    """Return the user name and password in an ``Authorization`` header; None if it is not a Basic header."""
    kind, _, encoded = header.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        username, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return username, password


def _first(fields: Fields, name: str) -> str:
    return fields.get(name, [""])[0]
