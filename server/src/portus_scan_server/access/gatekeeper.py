"""The door: who a request comes from, whether it may come at all, and what every answer says to browsers.

A program has a token. A person comes by the proxy, which proves itself by a secret or by its unix socket: an address
proves nothing. An open service answers under its own names alone, and never to a proxy: a page of somebody else's could
reach it by letting a name of its own point here. What changes something has to come from a page of ours, or a program.
"""

from __future__ import annotations

import asyncio
import hmac
import socket
from collections.abc import Awaitable, Callable
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware
from attrs import evolve, frozen

from ..store import StoreUnavailableError
from .access_settings import AccessSettings, ProxySettings
from .viewers import VIEWER, Viewer

ResultT = TypeVar("ResultT")
HandlerT = TypeVar("HandlerT", bound=Callable[..., Awaitable[web.StreamResponse]])
FindToken = Callable[[str], Awaitable[Viewer | None]]
FindPerson = Callable[[web.Request], Awaitable["SessionPerson | None"]]

_SAFE = {"GET", "HEAD", "OPTIONS"}
_LONGEST = 60.0
"""Seconds that a request may take, its body included."""
_LONGEST_NAME = 200
_MOST_GROUPS = 500
_MARKS_OF_PROXIES = {"forwarded", "via", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip"}
_SCHEME = "bearer "
_OF_PORTUS = "Portus-Auth"
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; "
        "base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # without a referrer, a form of ours would not tell its origin over plain HTTP
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_NO_ACCESS = (
    "this service answers nobody yet but programs with a token: the section access: of its configuration has to say "
    "who may see what, or access: open"
)
_BY_PROXY = "this is for people who come by the proxy that knows them, and for programs with a token"
_PUBLIC = "is_public"


def public(handler: HandlerT) -> HandlerT:
    """Let a handler answer to anybody: it looks after itself, and tells nothing of any image."""
    setattr(handler, _PUBLIC, True)
    return handler


@frozen(kw_only=True)
class SessionPerson:
    """Who has signed in.

    Attributes:
        name: As the provider says.
        groups: As the provider says.
    """

    name: str
    groups: tuple[str, ...]


class Gatekeeper:
    """Knows who a request comes from.

    Args:
        settings: The section ``access:``.
        find_token: Returns what the program with a token may see; None for one that is not valid.
        find_person: Returns who has signed in and sends a request; None for nobody.
        sign_on_url: Where people sign in, with the parameter ``next`` for where they wanted to go.
    """

    def __init__(
        self,
        settings: AccessSettings,
        find_token: FindToken,
        find_person: FindPerson | None = None,
        sign_on_url: str = "",
    ) -> None:
        self._settings = settings
        self._find_token = find_token
        self._find_person = find_person
        self._sign_on_url = sign_on_url

    async def identify(self, request: web.Request) -> Viewer:
        """Return who a request comes from.

        Raises:
            HTTPUnauthorized: Nobody knows.
            HTTPForbidden: It may not come this way, or from there; the text says what to do.
            HTTPServiceUnavailable: The database can't be asked about a token.
        """
        if self._settings.open:
            self._check_open(request)
        if (token := _token_of(request)) is not None:
            found = await _asked(self._find_token(token))
            if found is None:
                raise _unauthorized("the token is not valid, or no longer")
            return found
        viewer = self._without_token(request) if self._find_person is None else await self._signed_in(request)
        if request.method not in _SAFE:
            _check_origin(request)
        return viewer

    async def _signed_in(self, request: web.Request) -> Viewer:
        """Return who has signed in; who looks at a page and has not is sent to do so."""
        assert self._find_person is not None  # noqa: S101 (the caller has looked)
        person = await _asked(self._find_person(request))
        if person is not None:
            return evolve(self._settings.person(person.name, person.groups), may_sign_out=True)
        if request.method == hdrs.METH_GET and "text/html" in request.headers.get(hdrs.ACCEPT, ""):
            raise web.HTTPFound(f"{self._sign_on_url}?{urlencode({'next': request.rel_url.raw_path_qs})}")
        raise _unauthorized(f"sign in first: {self._sign_on_url}; a program needs a token")

    def _without_token(self, request: web.Request) -> Viewer:
        if self._settings.open:
            return Viewer(name="anybody", is_admin=True)
        proxy = self._settings.proxy
        if proxy is None:
            raise _unauthorized(_NO_ACCESS)
        if not _is_from(proxy, request):
            raise _unauthorized(_BY_PROXY)
        name = _header(request, proxy.user_header)
        if not name or len(name) > _LONGEST_NAME or not name.isprintable():
            raise _unauthorized(f"the proxy does not say who you are: it has to set {proxy.user_header}")
        groups = [one.strip() for one in _header(request, proxy.groups_header).split(",")]
        return self._settings.person(name, [one for one in groups if one][:_MOST_GROUPS])

    def _check_open(self, request: web.Request) -> None:
        """Let nobody come to an open service but directly, under a name that it was given."""
        marks = sorted(name for name in {one.lower() for one in request.headers} if _is_mark(name))
        if marks:
            raise web.HTTPForbidden(
                text=f"access is open, and this request came through a proxy ({marks[0]}), so from anybody: "
                "let the proxy say who people are (access.proxy), or come without it"
            )
        name = _without_port(request.headers.get(hdrs.HOST, "")).lower()
        if name not in self._settings.hosts:
            raise web.HTTPForbidden(
                text="access is open only under the names in access.hosts, and this is not one of them: add it there"
            )


async def _asked(finding: Awaitable[ResultT]) -> ResultT:
    try:
        return await finding
    except StoreUnavailableError as error:
        raise web.HTTPServiceUnavailable(text=str(error), headers={hdrs.RETRY_AFTER: "5"}) from error


def access_middleware(gatekeeper: Gatekeeper) -> Middleware:
    """Return the middleware that puts who looks under `VIEWER`; nothing that is not `public` is reached without."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not getattr(request.match_info.handler, _PUBLIC, False):
            request[VIEWER] = await gatekeeper.identify(request)
        try:
            async with asyncio.timeout(_LONGEST) as limit:
                return await handler(request)
        except TimeoutError:
            if limit.expired():
                raise web.HTTPServiceUnavailable(text=f"this took longer than {_LONGEST:g} s") from None
            raise

    return check


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Tell browsers what they may do with an answer; a signal of `on_response_prepare`."""
    response.headers.update(_HEADERS)
    response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")


def _token_of(request: web.Request) -> str | None:
    """Return the token of a program; other schemes are a proxy's business. Portus' clients write ``USER:TOKEN``."""
    if (named := request.headers.get(_OF_PORTUS)) is not None:
        return named.partition(":")[2].strip()
    value = request.headers.get(hdrs.AUTHORIZATION, "")
    return value[len(_SCHEME) :].strip() if value.lower().startswith(_SCHEME) else None


def _is_from(proxy: ProxySettings, request: web.Request) -> bool:
    """Return whether a request comes from the proxy."""
    if proxy.socket and _is_by_socket(request):
        return True
    said = _header(request, proxy.secret_header).encode("utf-8", "surrogateescape")
    return bool(proxy.secret) and hmac.compare_digest(said, proxy.secret.reveal().encode())


def _is_by_socket(request: web.Request) -> bool:
    own = request.transport.get_extra_info("socket") if request.transport is not None else None
    return own is not None and own.family == socket.AF_UNIX


def _header(request: web.Request, name: str) -> str:
    """Return the value of a header; empty for one that comes twice: one of them is not the proxy's."""
    values = request.headers.getall(name, [])
    return values[0].strip() if len(values) == 1 else ""


def _check_origin(request: web.Request) -> None:
    """Reject what another origin's page lets a browser send; a browser says where it comes from in one of two headers.

    Raises:
        HTTPForbidden: It does not come from a page of this origin.
    """
    if (site := request.headers.get("Sec-Fetch-Site")) is not None:
        is_ours = site == "same-origin"
    else:
        origin = urlsplit(request.headers.get(hdrs.ORIGIN, "")).netloc
        is_ours = bool(origin) and origin.lower() == request.headers.get(hdrs.HOST, "").lower()
    if not is_ours:
        raise web.HTTPForbidden(
            text="this changes something, and does not come from a page of this service: a program needs a token"
        )


def _is_mark(name: str) -> bool:
    return name in _MARKS_OF_PROXIES or name.startswith("x-forwarded-")


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def _unauthorized(why: str) -> web.HTTPUnauthorized:
    return web.HTTPUnauthorized(text=why, headers={hdrs.WWW_AUTHENTICATE: 'Bearer realm="portus-scan"'})
