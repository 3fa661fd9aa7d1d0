"""Clair's API, as far as scans and health checks need it."""

from __future__ import annotations

import asyncio
import random
from http import HTTPStatus
from urllib.parse import urlsplit, urlunsplit

from portus_scanners import BlobAccess, Health, ScannerContext, ScannerError
from portus_scanners.backends import HttpAnswer, HttpBackend

from .layers import ChainLink
from .refusals import Cause, Refusal
from .wire import layer_request, read_namespaces

RACE_TRIES = 5
"""How often a request is sent at most if Clair's database fails."""
RACE_PAUSE = 0.2
"""Seconds before the second try; each further pause is twice as long. All pauses are jittered."""
HEALTH_TIMEOUT = 5.0
"""Seconds for one request of a health check."""


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
        return await self._get_layer(f"{name}?vulnerabilities")

    async def knows(self, name: str) -> bool:
        """Return whether Clair knows the layer *name*; the answer is short, and takes Clair one row of its database.

        Raises:
            ScannerUnavailableError: Clair can't be reached or is out of order.
            InvalidReportError: The answer is too long.
            ScannerError: Clair refused in another way.
        """
        return await self._get_layer(name) is not None

    async def _get_layer(self, target: str) -> HttpAnswer | None:
        """Return the answer for a layer; None if Clair does not know the layer."""
        tries = 0
        while True:
            tries += 1
            answer = await self._api.request("GET", f"/v1/layers/{target}")
            if answer.status == HTTPStatus.OK:
                return answer
            refusal = Refusal.from_answer(answer)
            if refusal.cause is Cause.UNKNOWN_NAME:
                return None
            if refusal.cause is not Cause.LOST_RACE or tries >= RACE_TRIES:
                raise refusal.error()
            await pause_after_race(tries)

    async def post_layer(self, link: ChainLink, access: BlobAccess) -> Refusal | None:
        """Have Clair fetch and analyse one layer; return None if it did, or knew the layer, or else its refusal.

        The answer to a success echoes the request, credentials included; it is dropped unread.

        Raises:
            ScannerUnavailableError: Clair can't be reached, or closed the connection.
            InvalidReportError: The answer is too long.
        """
        answer = await self._api.request("POST", "/v1/layers", json=layer_request(link, access))
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


async def check_clair(client: ClairClient, server: str, health_port: int) -> Health:
    """Return whether Clair can be used now: ask the API and the health port, both at once; only the API decides.

    The health port tells only that the process runs: it answers 200 for some time after the database is gone.

    Args:
        client: The client of its API.
        server: Base URL of its API.
        health_port: Port of its health endpoint.
    """
    (healthy, api), port = await asyncio.gather(_ask_api(client), _ask_port(client, server, health_port))
    return Health(healthy=healthy, message=f"{api}; {port}")


def health_url(server: str, health_port: int) -> str:
    """Return the base URL of the health port: on the API's host, always http."""
    host = urlsplit(server).hostname or ""
    return urlunsplit(("http", f"[{host}]:{health_port}" if ":" in host else f"{host}:{health_port}", "", "", ""))


async def _ask_api(client: ClairClient) -> tuple[bool, str]:
    try:
        namespaces = await client.fetch_namespaces()
    except ScannerError as error:
        return False, f"API: {error}"
    if not namespaces:
        return True, "API: answers, and knows no distribution yet (no image was analysed, no vulnerability data loaded)"
    return True, f"API: answers, and knows {len(namespaces)} distributions"


async def _ask_port(client: ClairClient, server: str, health_port: int) -> str:
    try:
        status = await client.ask_health_port(health_url(server, health_port))
    except ScannerError as error:
        return f"health port {health_port}: {error} (scans do not need it)"
    if status == HTTPStatus.OK:
        return f"health port {health_port}: well"
    return f"health port {health_port}: HTTP {status}"
