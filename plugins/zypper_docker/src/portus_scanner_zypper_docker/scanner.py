"""The scanner: the image is asked for by one name after the other, and again while the server says that it works."""

from __future__ import annotations

import random
from collections.abc import Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from portus_scanners import Health, Image, Scanner, ScannerError, ScannerReport, UnsupportedImageError
from portus_scanners.backends import HttpAnswer, HttpBackend, one_line

from .findings import make_report
from .questions import Question, questions_for
from .refusals import NoSuchImageError, error_of
from .server_turn import ServerTurn, take_turn
from .settings import ZypperDockerSettings
from .wire import read_result

MAX_BODY = 16 * 1024 * 1024
"""Bytes of an answer that are accepted."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds between polls; each pause is twice as long as the one before."""
LONGEST_RETRY_AFTER = 300.0
"""Seconds of a server's ``Retry-After`` that are honoured."""
HEALTH_TIMEOUT = 5.0
"""Seconds for a health check."""
NO_IMAGE = "portus-scanners.invalid/health:0"
"""An image that no daemon has: asked for it, the server asks its daemon, and starts no container."""
_WORKING = (HTTPStatus.ACCEPTED,)


class ZypperDockerScanner(Scanner[ZypperDockerSettings], contract=1):
    """Asks ``zypper-docker serve`` which patches zypper would install in an image.

    The server scans what its own Docker daemon has; it never pulls. It is asked for exactly this image, and for its tag
    only if the daemon has it under no exact name. Its scan continues when the client hangs up, and scans that overlap
    mix up their results: so a request is never abandoned half way, and no other process of this user asks meanwhile.
    """

    async def scan(self, image: Image) -> ScannerReport:
        """Return the security patches that are missing in an image.

        Raises:
            UnsupportedImageError: The image has no zypper; or it is a local one without a configuration.
            ScannerUnavailableError: The server or its Docker daemon can't be reached, or zypper is locked.
            InvalidReportError: The answer is not a result, or the result of an earlier version of the server.
            ScannerError: The server's Docker daemon does not have the image, or the scan failed.
        """
        questions = questions_for(image, self.settings.daemon_platform)
        if not questions:
            raise UnsupportedImageError("the image has no configuration: no Docker daemon can have it")
        async with take_turn(self.context, self.settings.server) as turn:
            question, answer = await self._ask_in_turn(turn, questions)
        return await answer.parse(partial(self._read, question.doubt, turn.fault))

    async def check_health(self) -> Health:
        """Return whether the server and its Docker daemon are up; while another process uses it, only the server."""
        async with take_turn(self.context, self.settings.server, wait=False) as turn:
            if turn.taken:
                return _health_of(await self._request(_path_for(NO_IMAGE), timeout=HEALTH_TIMEOUT))
        answer = await self._request("/", timeout=HEALTH_TIMEOUT)
        if answer.status != HTTPStatus.OK or answer.body:  # of this server, the body is empty
            said = f"GET / answered HTTP {answer.status}: {answer.excerpt or 'nothing more'}"
            return Health(healthy=False, message=f"{said}; is `server` the address of `zypper-docker serve`?")
        return Health(healthy=True, message="the server is up, and scans for another process (Docker was not asked)")

    def _request(self, path: str, timeout: float | None = None) -> Coroutine[Any, Any, HttpAnswer]:
        backend = HttpBackend(self.context, self.settings.server, max_body=MAX_BODY)
        return backend.request("GET", path, unread=_WORKING, timeout=timeout)

    def _read(self, doubt: str, unlocked: str, answer: HttpAnswer) -> ScannerReport:
        return make_report(read_result(answer), self.settings.mode, doubt=doubt, unlocked=unlocked)

    async def _ask_in_turn(self, turn: ServerTurn, questions: Sequence[Question]) -> tuple[Question, HttpAnswer]:
        """Ask one question after the other until the Docker daemon has such an image."""
        for question in questions:
            answer = await self._ask_until_done(turn, _path_for(question.asked))
            if answer.status == HTTPStatus.OK:
                return question, answer
            error = error_of(answer)
            if not isinstance(error, NoSuchImageError):
                raise error
        names = ", ".join(one_line(question.asked) for question in questions)
        raise ScannerError(f"the server's Docker daemon has no image {names} and never pulls: pull it there")

    async def _ask_until_done(self, turn: ServerTurn, path: str) -> HttpAnswer:
        """Ask until the answer is not a 202, without a limit: the engine's deadline ends this as `pending`."""
        pause = FIRST_PAUSE
        while True:
            answer = await self.context.finish(turn.keep(self._request(path)))
            if answer.status != HTTPStatus.ACCEPTED:
                return answer
            jittered = pause * random.uniform(0.75, 1.25)  # noqa: S311 (jitter)
            await self.context.wait(retry_after(answer.headers, default=jittered))
            pause = min(2 * pause, LONGEST_PAUSE)


def _path_for(asked: str) -> str:
    return f"/images?image={quote(asked, safe='')}"


def _health_of(answer: HttpAnswer) -> Health:
    """Return what an answer to the question for an image that can't exist says of the server and its daemon."""
    error = error_of(answer)
    if isinstance(error, NoSuchImageError):
        return Health(healthy=True, message="the server and its Docker daemon are up")
    return Health(healthy=False, message=str(error))


def retry_after(headers: Mapping[str, str], *, default: float) -> float:
    """Return the seconds of a ``Retry-After`` header, a number or a date, 300 at most; *default* if there is none."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value), LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return default
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - datetime.now(UTC)).total_seconds(), 0.0), LONGEST_RETRY_AFTER)
