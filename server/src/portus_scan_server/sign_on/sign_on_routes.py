"""The way to the provider and back: ``/sign-on``, ``/sign-on/callback``, ``/sign-out``.

What a sign-on needs on its way back stands in a cookie that this process has signed, so that nobody can fill a table
here, and only the browser that went there can come back; once.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import logging
import re
import secrets
import time
from collections.abc import Callable
from hashlib import sha256
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from portus_images import SettingsError

from ..access import SessionPerson, SignOnSettings, public
from ..store import Store, StoreUnavailableError
from .provider import Provider, SignOnError
from .signed_in import create_session, end_session, find_session

logger = logging.getLogger("portus_scan_server.sign_on")

SIGN_ON_PATH = "/sign-on"
_LONGEST_WAY = 600
"""Seconds that somebody may be at the provider."""
_LONGEST_NEXT = 1_000
_MOST_USED = 10_000
_LOCAL = r"/(?![/\\\\])[\x21-\x5b\x5d-\x7e]*"
"""An address of this service: no other host's, and no backslash, which browsers take for a slash."""
_SIGN_OUT = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Sign out</title></head>
<body><form method="post"><button>Sign out</button></form></body></html>
"""


class SignOn:
    """Lets people sign in.

    Args:
        settings: The section ``access.sign_on:``.
        store: The database.
        external_url: How people reach the service.
        clock: Seconds since 1970.

    Raises:
        SettingsError: The service does not know how people reach it.
    """

    def __init__(
        self, settings: SignOnSettings, store: Store, external_url: str, clock: Callable[[], float] = time.time
    ) -> None:
        if not external_url:
            raise SettingsError("access.sign_on: say how people reach the service (external_url: https://scan.example)")
        if find_spec("joserfc") is None:
            raise SettingsError("access.sign_on: pip install 'portus-scan-server[sign-on]'")
        self._settings = settings
        self._store = store
        self._external_url = external_url
        self._clock = clock
        self._provider = Provider(settings, f"{external_url}{SIGN_ON_PATH}/callback", clock)
        self._key = secrets.token_bytes(32)
        self._used: dict[str, float] = {}
        prefix = "__Host-" if external_url.startswith("https://") else ""
        self._session, self._way = f"{prefix}portus-session", f"{prefix}portus-sign-on"

    @property
    def url(self) -> str:
        """Where people sign in."""
        return f"{self._external_url}{SIGN_ON_PATH}"

    def add_routes(self, application: web.Application) -> None:
        """Let an application have the three addresses."""
        application.router.add_get(SIGN_ON_PATH, self.begin)
        application.router.add_get(f"{SIGN_ON_PATH}/callback", self.come_back)
        application.router.add_get("/sign-out", self.ask_to_leave)
        application.router.add_post("/sign-out", self.leave)

    async def find_person(self, request: web.Request) -> SessionPerson | None:
        """Return who has signed in and sends a request; None for nobody.

        Raises:
            StoreUnavailableError: The database can't be used.
        """
        secret = request.cookies.get(self._session)
        if not secret:
            return None
        async with self._store.reading() as db:
            return await find_session(db, secret)

    @public
    async def begin(self, request: web.Request) -> web.Response:
        """Send somebody to the provider."""
        after = request.query.get("next", "/")
        if len(after) > _LONGEST_NEXT or not re.fullmatch(_LOCAL, after):
            after = "/"
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
        try:
            where = await self._provider.make_url(state, nonce, challenge)
        except SignOnError as error:
            return _refused(502, error)
        response = web.Response(status=302, headers={"Location": where})
        way = {"state": state, "nonce": nonce, "verifier": verifier, "next": after, "at": self._clock()}
        self._set_cookie(response, self._way, self._sign(way), _LONGEST_WAY)
        return response

    @public
    async def come_back(self, request: web.Request) -> web.Response:
        """Begin a session for somebody who comes from the provider, and send them where they wanted to go."""
        try:
            way = self._read_way(request)
            code, issuer = request.query.get("code", ""), request.query.get("iss")
            person = await self._provider.identify(code, way["verifier"], way["nonce"], issuer)
        except SignOnError as error:
            return _refused(403, error)
        try:
            async with self._store.writing() as db:
                secret = await create_session(db, person.name, person.groups, self._settings.session)
        except StoreUnavailableError as error:
            return _refused(503, error)
        logger.info("signed in: %s", person.name)
        response = web.Response(status=303, headers={"Location": f"{self._external_url}{way['next']}"})
        self._set_cookie(response, self._session, secret, int(self._settings.session))
        self._set_cookie(response, self._way, "", 0)
        return response

    async def ask_to_leave(self, _request: web.Request) -> web.Response:
        """Show the button that ends a session."""
        return web.Response(text=_SIGN_OUT, content_type="text/html")

    async def leave(self, request: web.Request) -> web.Response:
        """End a session."""
        try:
            async with self._store.writing() as db:
                await end_session(db, request.cookies.get(self._session, ""))
        except StoreUnavailableError as error:
            raise web.HTTPServiceUnavailable(text=f"You are not signed out yet: {error}") from error
        response = web.Response(text="You are signed out here.\n")
        self._set_cookie(response, self._session, "", 0)
        return response

    def _read_way(self, request: web.Request) -> dict[str, Any]:
        """Return what this browser went to the provider with; it can be used once."""
        way = self._verify(request.cookies.get(self._way, ""))
        state, now = request.query.get("state", ""), self._clock()
        if way is None or not hmac.compare_digest(_bytes(state), _bytes(way["state"])):
            raise SignOnError("this browser did not begin this sign-on, or began another one since")
        self._used = {one: until for one, until in self._used.items() if until > now}
        if not request.query.get("code"):
            raise SignOnError("the provider has not signed you in")
        if state in self._used or not 0 <= now - way["at"] < _LONGEST_WAY:
            raise SignOnError("this sign-on is over")
        if len(self._used) >= _MOST_USED:
            raise SignOnError("too many people sign in at once: try again in ten minutes")
        self._used[state] = now + _LONGEST_WAY
        return way

    def _sign(self, way: dict[str, Any]) -> str:
        body = base64.urlsafe_b64encode(json.dumps(way).encode()).decode()
        return f"{body}.{self._mac(body)}"

    def _verify(self, cookie: str) -> dict[str, Any] | None:
        body, _, mac = cookie.partition(".")
        if not hmac.compare_digest(_bytes(mac), _bytes(self._mac(body))):
            return None
        try:
            way: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body))
        except (ValueError, binascii.Error):
            return None
        return way

    def _mac(self, body: str) -> str:
        return hmac.new(self._key, _bytes(body), sha256).hexdigest()

    def _set_cookie(self, response: web.Response, name: str, value: str, seconds: int) -> None:
        secure = urlsplit(self._external_url).scheme == "https"
        response.set_cookie(name, value, max_age=seconds, path="/", secure=secure, httponly=True, samesite="Lax")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _refused(status: int, error: Exception) -> web.Response:
    logger.warning("not signed in: %s", error)
    return web.Response(status=status, text=f"You are not signed in: {error}. Begin again at the page.\n")
