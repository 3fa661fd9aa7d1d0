"""Whether a Clair can be used now."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from urllib.parse import urlsplit, urlunsplit

from portus_scanners import Health, ScannerError

from .client import ClairClient


async def check_clair(client: ClairClient, server: str, health_port: int) -> Health:
    """Ask the API and the health port, both at once. Only the API decides.

    The health port says no more than that the process runs: 200 for some time after the database has gone.

    Args:
        client: The Clair.
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
