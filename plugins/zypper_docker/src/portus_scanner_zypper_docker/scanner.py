"""The scanner: one request, repeated while the server says that it is working."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import quote

from portus_scanners import Health, Image, Reference, Scanner, ScannerReport, UnsupportedImageError
from portus_scanners.backends import HttpAnswer, HttpBackend

from .findings import make_report
from .refusals import error_of
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
_WORKING = (HTTPStatus.ACCEPTED,)


class ZypperDockerScanner(Scanner[ZypperDockerSettings], contract=1):
    """Asks ``zypper-docker serve`` which patches zypper would install in an image.

    The server scans what its own docker daemon has under the image's name; it never pulls. Its scan continues when the
    client hangs up, and scans that overlap mix up their results: so a request is never abandoned half way.
    """

    async def scan(self, image: Image) -> ScannerReport:
        """Return the security patches that are missing in an image.

        Raises:
            UnsupportedImageError: The image has no zypper, or is in a folder or an archive.
            ScannerUnavailableError: The server or its docker daemon can't be reached, or zypper is locked.
            InvalidReportError: The answer is not a result, or the result of an earlier version of the server.
            ScannerError: The server's docker daemon does not have the image, or the scan failed.
        """
        if not isinstance(image.reference, Reference):
            raise UnsupportedImageError("zypper-docker scans what its own docker daemon has, not folders or archives")
        asked = daemon_name(image.reference)
        answer = await self._ask_until_done(f"/images?image={quote(asked, safe='')}")
        if answer.status != HTTPStatus.OK:
            raise error_of(answer, asked)
        return await answer.parse(self._read)

    async def check_health(self) -> Health:
        """Return whether the server's process is up; this does not tell whether its docker daemon works."""
        answer = await self._backend().request("GET", "/", timeout=HEALTH_TIMEOUT)
        if answer.status != HTTPStatus.OK:
            return Health(healthy=False, message=f"GET / answered HTTP {answer.status}")
        return Health(healthy=True, message="the server is up (whether its docker daemon is, only a scan shows)")

    def _backend(self) -> HttpBackend:
        return HttpBackend(self.context, self.settings.server, max_body=MAX_BODY)

    def _read(self, answer: HttpAnswer) -> ScannerReport:
        return make_report(read_result(answer), self.settings.mode)

    async def _ask_until_done(self, path: str) -> HttpAnswer:
        """Ask until the answer is not a 202, without a limit: the engine's deadline ends this as `pending`."""
        pause = FIRST_PAUSE
        while True:
            answer = await self.context.finish(self._backend().request("GET", path, unread=_WORKING))
            if answer.status != HTTPStatus.ACCEPTED:
                return answer
            jittered = pause * random.uniform(0.75, 1.25)  # noqa: S311 (jitter)
            await self.context.wait(retry_after(answer.headers, default=jittered))
            pause = min(2 * pause, LONGEST_PAUSE)


def daemon_name(reference: Reference) -> str:
    """Return the name under which a docker daemon knows an image: with the user's digest, or else the tag."""
    if reference.digest:
        return f"{reference.name}@{reference.digest}"
    return f"{reference.name}:{reference.tag or 'latest'}"


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
