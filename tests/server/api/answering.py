"""The service's application on a loopback port, without a runner."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from attrs import field, frozen
from portus_images import Secret
from portus_scan_server.access import AccessSettings, ProxySettings, RepositoryRoles
from portus_scan_server.service import make_application
from portus_scan_server.settings import ServerSettings
from portus_scan_server.store import Store
from portus_scan_server.summaries import Rules
from portus_scan_server.supervisor import Orders, Supervisor

SECRET = "0123456789abcdef"
ACCESS = AccessSettings(
    proxy=ProxySettings(secret=Secret(SECRET)),
    admins=("user:root",),
    repositories={
        "team/*": RepositoryRoles(viewers=("user:alice",), operators=("user:bob",)),
        "other/*": RepositoryRoles(viewers=("user:bob",)),
    },
)


@frozen
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)
    json: Any


@frozen
class ApiClient:
    """Asks the API as somebody."""

    url: str
    http: aiohttp.ClientSession

    async def get(self, path: str, who: str = "root", **headers: str) -> Answer:
        """Return what is answered to somebody."""
        return await self.ask("GET", path, who, headers=headers)

    async def ask(self, method: str, path: str, who: str, headers: Mapping[str, str] = {}, **more: Any) -> Answer:
        """Return what is answered to somebody, by any method."""
        known = {"X-Portus-Proxy-Secret": SECRET, "X-Forwarded-User": who} if who else {}
        headers = {**known, **{name.replace("_", "-"): value for name, value in headers.items()}}
        async with self.http.request(method, f"{self.url}/api/v1{path}", headers=headers, **more) as response:
            is_json = "json" in response.content_type
            content = await response.read()
            return Answer(
                response.status, response.headers, content, await response.json(content_type=None) if is_json else None
            )


@asynccontextmanager
async def answering(
    store: Store,
    address: str,
    rules: Rules,
    *,
    access: AccessSettings = ACCESS,
    settings: ServerSettings | None = None,
    port: int = 0,
) -> AsyncIterator[ApiClient]:
    """Run the application as long as the block does."""
    supervisor = Supervisor(store, Orders(database=address, owner="me"))
    settings = settings or ServerSettings()
    application = make_application(store, supervisor, settings, access=access, rules=rules, address=address)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        async with aiohttp.ClientSession() as http:
            yield ApiClient(f"http://127.0.0.1:{runner.addresses[0][1]}", http)
    finally:
        await runner.cleanup()
