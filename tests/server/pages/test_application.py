"""Pages as a part of the whole service: beside its API and its intake, behind its door."""

from __future__ import annotations

from types import SimpleNamespace

from aiohttp.test_utils import TestClient, TestServer
from cli.pages.reading import Page
from portus_scan_server.access import AccessSettings
from portus_scan_server.service import make_application
from portus_scan_server.settings import ServerSettings
from portus_scan_server.store import Store

from .content import HOST, RULES, clean, push


async def test_pages_and_api_are_one_service(store: Store, database: str) -> None:
    """Pages and API tell of one store; where access is open, nothing is told through a proxy."""
    async with store.writing() as db:
        await push(db, "team/app:1.0", 1, *clean("clair", "trivy", "zypper"))
    supervisor = SimpleNamespace(wake=lambda: None, running=True, stopping=False)
    application = make_application(
        store,
        supervisor,  # type: ignore[arg-type]
        ServerSettings(),
        access=AccessSettings(open=True),
        rules=RULES,
        address=database,
    )
    async with TestClient(TestServer(application)) as client:
        for path in ("/", f"/r/{HOST}/team/app", f"/r/{HOST}/team/app:1.0", "/queue"):
            async with client.get(path) as response:
                assert 200 == response.status
                assert "default-src 'none'" in response.headers["Content-Security-Policy"]
                assert [] == Page(await response.read()).root.all("script")
            async with client.get(path, headers={"X-Forwarded-For": "192.0.2.1"}) as response:
                assert 403 == response.status
        async with client.get("/api/v1/repositories") as response:
            assert ["team/app"] == [one["name"] for one in (await response.json())["items"]]
