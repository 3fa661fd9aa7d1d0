"""Errors of the API: `application/problem+json`, whatever has gone wrong, and nothing in it of what is inside."""

from __future__ import annotations

import http
import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from aiohttp import web
from aiohttp.typedefs import Handler
from portus_images import ImageNotFoundError, InvalidReferenceError, RegistryError

from ..intake import UnknownRegistryError
from ..store import StoreDamagedError, StoreUnavailableError
from ..views import CursorError, FormatError, ReportsBusyError

logger = logging.getLogger("portus_scan_server.api")

ErrorForm: TypeAlias = Callable[[int, str, Mapping[str, str] | None], web.Response]
ERRORS: web.AppKey[ErrorForm] = web.AppKey("errors", object)  # type: ignore[arg-type]
"""How the application of an API says that something is wrong, by status, words and headers; no other one has it."""
PROBLEM = "application/problem+json"
_RETRY = {"Retry-After": "5"}
_KEPT = {"Allow", "Retry-After", "WWW-Authenticate"}


class RequestError(Exception):
    """A request that can't be answered.

    Args:
        status: The status of the answer.
        detail: What is wrong with it.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


_STATUSES: Mapping[type[Exception], int] = {
    CursorError: 400,
    FormatError: 400,
    InvalidReferenceError: 400,
    UnknownRegistryError: 400,
    ImageNotFoundError: 404,
    RegistryError: 502,
    StoreUnavailableError: 503,
    ReportsBusyError: 503,
    StoreDamagedError: 500,
}
"""What errors are answered with whose messages are for everybody; the first class that an error is of counts."""


@web.middleware
async def problem_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer with a problem whatever the API raises, or anything before it; the outermost of all middlewares."""
    say = next((application[ERRORS] for application in request.match_info.apps if ERRORS in application), None)
    if say is None:
        return await handler(request)
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < http.HTTPStatus.BAD_REQUEST:
            raise
        kept = {name: value for name, value in error.headers.items() if name in _KEPT}
        return say(error.status, _detail(error), kept)
    except RequestError as error:
        return say(error.status, str(error), None)
    except Exception as error:  # the boundary to everybody outside
        status = next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), None)
        if status is None or status == http.HTTPStatus.INTERNAL_SERVER_ERROR:
            logger.exception("a request ended with an error")
        detail = "a fault of this program: see its log" if status is None else str(error)
        return say(status or 500, detail, _RETRY if status == http.HTTPStatus.SERVICE_UNAVAILABLE else None)


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return an error as an answer."""
    body: dict[str, Any] = {"type": "about:blank", "title": http.HTTPStatus(status).phrase, "status": status}
    if detail:
        body["detail"] = detail
    return web.json_response(body, status=status, headers=headers, content_type=PROBLEM)


def _detail(error: web.HTTPException) -> str:
    """Return what an error of the server's says, besides its title."""
    text = error.text or ""
    return "" if text == f"{error.status}: {error.reason}" else text
