"""A provider of OpenID Connect on a loopback port: honest, until a test tells it to lie in one way.

Sources: OpenID Connect Core 1.0 (2.0 ID Token, 3.1 code flow), Discovery 1.0, RFC 7636 (PKCE), RFC 9207 (``iss``).
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any

from aiohttp import web
from attrs import define, field
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT, SECRET = "portus-scan", "client secret: %&+"


def part(document: Mapping[str, Any]) -> str:
    """Return a part of a token."""
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


@define
class OidcProvider:
    """Signs in whoever comes, as `user`.

    Attributes:
        issuer: Its address.
        user: The claims about the user.
        claims: Changes the claims of the next tokens.
        sign: Makes the next tokens of claims, in place of the honest way.
        metadata: What it says of itself that is not true.
        back: Parameters that it sends people back with, besides the true ones; None leaves one out.
        keys: Its keys; the first signs.
    """

    issuer: str = ""
    user: dict[str, Any] = field(factory=lambda: {"sub": "alice", "groups": ["team"]})
    claims: dict[str, Any] = field(factory=dict)
    sign: Callable[[dict[str, Any]], str] | None = None
    metadata: dict[str, Any] = field(factory=dict)
    back: dict[str, str | None] = field(factory=dict)
    keys: list[RSAKey] = field(factory=lambda: [RSAKey.generate_key(2048, {"kid": "1"})])
    asked: list[str] = field(factory=list)
    _codes: dict[str, Mapping[str, str]] = field(factory=dict)

    def lie(self, **lies: Any) -> None:
        """Tell the truth but for these."""
        self.claims, self.sign, self.metadata, self.back = {}, None, {}, {}
        for name, value in lies.items():
            setattr(self, name, value)

    async def say(self, request: web.Request) -> web.Response:
        """Answer what the provider says of itself."""
        names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        said = {name: f"{self.issuer}/{path}" for name, path in names.items()}
        return web.json_response({"issuer": self.issuer, **said, **self.metadata})

    async def list_keys(self, _request: web.Request) -> web.Response:
        """Answer with the public keys, and with one that nobody can read."""
        self.asked.append("keys")
        return web.json_response({"keys": [*(key.as_dict(private=False) for key in self.keys), {"kty": "new"}]})

    async def authorize(self, request: web.Request) -> web.Response:
        """Sign somebody in, and send them back."""
        asked = dict(request.query)
        assert ("code", "S256", CLIENT) == (asked["response_type"], asked["code_challenge_method"], asked["client_id"])
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        back = {"code": code, "state": asked["state"], **self.back}
        where = "&".join(f"{name}={value}" for name, value in back.items() if value is not None)
        raise web.HTTPFound(f"{asked['redirect_uri']}?{where}")

    async def give_token(self, request: web.Request) -> web.Response:
        """Give a token for a code, once, to the client that has the verifier."""
        form = await request.post()
        account = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
        asked = self._codes.pop(str(form["code"]), None)
        if asked is None:
            return web.json_response({"error": "invalid_grant"}, status=400)
        challenge = base64.urlsafe_b64encode(sha256(str(form["code_verifier"]).encode()).digest()).decode().rstrip("=")
        assert f"{CLIENT}:client+secret%3A+%25%26%2B" == account
        assert (asked["redirect_uri"], asked["code_challenge"]) == (form["redirect_uri"], challenge)
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": asked["nonce"], **self.user}
        claims = {name: value for name, value in {**claims, **self.claims}.items() if value is not None}
        token = (self.sign or self.honest)(claims)
        return web.json_response({"access_token": "x", "token_type": "Bearer", "id_token": token})

    def honest(self, claims: dict[str, Any]) -> str:
        """Return a token as it should be."""
        return jwt.encode({"alg": "RS256", "kid": self.keys[0].kid}, claims, self.keys[0])

    def unsigned(self, claims: dict[str, Any]) -> str:
        """Return a token that says it needs no signature."""
        return f"{part({'alg': 'none'})}.{part(claims)}."

    def by_public_key(self, claims: dict[str, Any]) -> str:
        """Return a token that takes the public key for a shared secret."""
        secret = OctKey.import_key(self.keys[0].as_pem(private=False))
        return jwt.encode({"alg": "HS256", "kid": self.keys[0].kid}, claims, secret, algorithms=["HS256"])

    def by_own_key(self, claims: dict[str, Any]) -> str:
        """Return a token of somebody else, who brings the key in it."""
        other = RSAKey.generate_key(2048, {"kid": self.keys[0].kid})
        header = {"alg": "RS256", "kid": self.keys[0].kid, "jwk": other.as_dict(private=False)}
        return jwt.encode(header, claims, other)

    def changed(self, claims: dict[str, Any]) -> str:
        """Return a token whose claims were changed after it was signed."""
        header, _, signature = self.honest(claims).split(".")
        return f"{header}.{part({**claims, 'sub': 'root'})}.{signature}"


@asynccontextmanager
async def oidc_provider() -> AsyncIterator[OidcProvider]:
    """Run a provider as long as the block does."""
    provider = OidcProvider()
    application = web.Application()
    application.router.add_get("/.well-known/openid-configuration", provider.say)
    application.router.add_get("/keys", provider.list_keys)
    application.router.add_get("/authorize", provider.authorize)
    application.router.add_post("/token", provider.give_token)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        provider.issuer = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield provider
    finally:
        await runner.cleanup()
