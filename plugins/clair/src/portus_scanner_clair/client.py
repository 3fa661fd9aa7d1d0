"""Clair's API, as far as scans and health checks need it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import quote

from portus_scanners import BlobAccess, ScannerContext, ScannerUnavailableError
from portus_scanners.backends import HttpAnswer, HttpBackend

from .layers import ChainLink
from .refusals import Cause, Refusal
from .wire import layer_request, read_has_data, read_namespaces

RACE_TRIES = 5
"""How often a request is sent at most if Clair's database fails."""
RACE_PAUSE = 0.2
"""Seconds before the second try; each further pause is twice as long. All pauses are jittered."""
HEALTH_TIMEOUT = 5.0
"""Seconds for one request of a health check."""
DATA_TIMEOUT = 10.0
"""Seconds for the question whether Clair has data for a distribution; Clair looks up one row."""
DATA_PAUSES = (1.0, 4.0)
"""Seconds before that question is asked again if Clair is unavailable, as the engine does with scans; up to half of
each is taken off at random."""

_PLAIN = {"Accept-Encoding": "identity"}
"""For short answers: packing and unpacking them would take longer than sending them."""


async def pause_after_race(tries: int) -> None:
    """Wait until the other request of a race is done.

    Args:
        tries: How often the request was sent so far, at least once.
    """
    await asyncio.sleep(RACE_PAUSE * 2 ** (tries - 1) * random.uniform(0.5, 1.5))  # noqa: S311


class ClairClient:
    """One Clair server.

    Args:
        context: The scanner's context, whose session is used.
        server: Base URL of the API, without a slash at the end.
    """

    def __init__(self, context: ScannerContext, server: str) -> None:
        self._context = context
        self._api = HttpBackend(context, server)

    async def fetch_result(self, name: str) -> HttpAnswer | None:
        """Return the unread result for the image that ends in the layer *name*; None if Clair does not know the layer.

        Raises:
            ScannerUnavailableError: Clair can't be reached or is out of order.
            InvalidReportError: The answer is too long.
            ScannerError: Clair refused in another way.
        """
        return await self._get(f"/v1/layers/{name}?vulnerabilities")

    async def knows(self, name: str) -> bool:
        """Return whether Clair knows the layer *name*; the answer is short, and takes Clair one row of its database.

        Raises:
            ScannerUnavailableError: Clair can't be reached or is out of order.
            InvalidReportError: The answer is too long.
            ScannerError: Clair refused in another way.
        """
        return await self._get(f"/v1/layers/{name}", headers=_PLAIN) is not None

    async def has_data(self, namespace: str) -> bool:
        """Return whether Clair has vulnerability data for a distribution; ask three times if Clair is unavailable.

        Raises:
            ScannerUnavailableError: Clair can't be reached, is out of order or does not answer within 10 seconds.
            InvalidReportError: The answer is not a list of that distribution's vulnerabilities.
            ScannerError: Clair refused in another way.
        """
        for pause in DATA_PAUSES:
            try:
                return await self.has_data_now(namespace)
            except ScannerUnavailableError as error:
                if not error.retry:
                    raise
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
        return await self.has_data_now(namespace)

    async def has_data_now(self, namespace: str) -> bool:
        """Return what `has_data` does, with the same errors, and ask once: whether there is one vulnerability of it."""
        target = f"/v1/namespaces/{quote(namespace, safe=':')}/vulnerabilities?limit=1"
        answer = await self._get(target, headers=_PLAIN, timeout=DATA_TIMEOUT)
        return answer is not None and read_has_data(answer.body, namespace)

    async def _get(
        self, target: str, *, headers: Mapping[str, str] = {}, timeout: float | None = None
    ) -> HttpAnswer | None:
        """Return the answer for a layer or a namespace; None if Clair does not know it."""
        tries = 0
        while True:
            tries += 1
            answer = await self._api.request("GET", target, headers=headers, timeout=timeout)
            if answer.status == HTTPStatus.OK:
                return answer
            refusal = Refusal.from_answer(answer)
            if refusal.cause is Cause.UNKNOWN_NAME:
                return None
            if refusal.cause is not Cause.LOST_RACE or tries >= RACE_TRIES:
                raise refusal.error()
            await pause_after_race(tries)

    async def post_layer(self, link: ChainLink, access: BlobAccess, *, secret_path: bool) -> Refusal | None:
        """Have Clair fetch and analyse one layer; return None if it did, or knew the layer, or else its refusal.

        The answer to a success echoes the request, credentials included; it is dropped unread.

        Args:
            link: The layer.
            access: Where Clair gets it.
            secret_path: The address itself gives access: it is masked where Clair quotes it.

        Raises:
            ScannerUnavailableError: Clair can't be reached, or closed the connection.
            InvalidReportError: The answer is too long.
        """
        request = layer_request(link, access, secret_path=secret_path)
        answer = await self._api.request("POST", "/v1/layers", json=request, headers=_PLAIN)
        if answer.status == HTTPStatus.CREATED:
            return None
        return Refusal.from_answer(answer)

    async def fetch_namespaces(self) -> tuple[str, ...]:
        """Return the names of the distributions that Clair has seen.

        Raises:
            ScannerUnavailableError: Clair can't be reached, is out of order or does not answer within 5 seconds.
            InvalidReportError: The answer is not a list of namespaces.
            ScannerError: Clair refused in another way.
        """
        answer = await self._api.request("GET", "/v1/namespaces", timeout=HEALTH_TIMEOUT)
        if answer.status != HTTPStatus.OK:
            raise Refusal.from_answer(answer).error()
        return read_namespaces(answer.body)

    async def ask_health_port(self, url: str) -> int:
        """Return the status of Clair's health endpoint.

        Args:
            url: Base URL of that port.

        Raises:
            ScannerUnavailableError: The port can't be reached or does not answer within 5 seconds.
            InvalidReportError: The answer is too long.
        """
        answer = await HttpBackend(self._context, url, max_body=1024).request("GET", "/health", timeout=HEALTH_TIMEOUT)
        return answer.status
