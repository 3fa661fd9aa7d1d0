"""Whether Clair can be used now: its API, the data behind it, its health port."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from itertools import islice
from urllib.parse import urlsplit, urlunsplit

from portus_scanners import Health, ScannerError, ScannerUnavailableError

from .client import ClairClient
from .coverage import Coverage, name_some

_MOST_ASKED = 256
"""Distributions that are asked about; a Clair knows a few dozen."""
_AT_ONCE = 8
"""Questions at once: each takes Clair a connection to its database."""
NO_DATA = (
    "API: answers, but Clair has no vulnerability data for any distribution: its updater has not run yet, or is "
    "switched off; no image can be scanned"
)


async def check_clair(client: ClairClient, server: str, health_port: int) -> Health:
    """Return whether Clair can be used now: ask the API and the health port, both at once; only the API decides.

    A Clair without any vulnerability data can't be used. What scans remember of the data does not count here.

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
        namespaces = (await client.fetch_namespaces())[:_MOST_ASKED]
        coverage = await _find_coverage(client, namespaces)
    except ScannerError as error:
        return False, f"API: {error}"
    if not coverage.covered and not coverage.unanswered:
        return False, NO_DATA
    covered = f"{len(coverage.covered)} of {len(set(namespaces))}"
    said = [f"none for {name_some(coverage.uncovered)}"] if coverage.uncovered else []
    said += [f"no answer for {name_some([name])}: {why}" for name, why in islice(coverage.unanswered.items(), 1)]
    details = f" ({'; '.join(said)})" if said else ""
    return bool(coverage.covered), f"API: answers, with vulnerability data for {covered} distributions{details}"


async def _find_coverage(client: ClairClient, namespaces: Sequence[str]) -> Coverage:
    """Ask about each of the namespaces.

    Raises:
        ScannerUnavailableError: Clair can't be reached or is out of order.
    """
    found: dict[str, bool | str] = {}
    for first in range(0, len(namespaces), _AT_ONCE):
        asked = namespaces[first : first + _AT_ONCE]
        answers = await asyncio.gather(*map(client.has_data_now, asked), return_exceptions=True)
        found |= {namespace: _tell(answer) for namespace, answer in zip(asked, answers, strict=True)}
    return Coverage().with_answers(found)


def _tell(answer: bool | BaseException) -> bool | str:
    """Return an answer, or why there is none: an image can make Clair know a name that it can't be asked about."""
    if isinstance(answer, ScannerError) and not isinstance(answer, ScannerUnavailableError):
        return str(answer)
    if isinstance(answer, BaseException):
        raise answer
    return answer


async def _ask_port(client: ClairClient, server: str, health_port: int) -> str:
    try:
        status = await client.ask_health_port(health_url(server, health_port))
    except ScannerError as error:
        return f"health port {health_port}: {error} (scans do not need it)"
    if status == HTTPStatus.OK:
        return f"health port {health_port}: well"
    return f"health port {health_port}: HTTP {status}"
