"""A client that behaves as Harbor does, and a service that it can ask."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from attrs import frozen
from portus_images import Registry, Secret
from portus_scan_server.access import AccessSettings
from portus_scan_server.answers import MadeWith
from portus_scan_server.chores import doing_again_and_again
from portus_scan_server.harbor import (
    HarborAccess,
    HarborDesk,
    HarborRegistration,
    HarborRegistry,
    HarborSeat,
)
from portus_scan_server.runner import Runner
from portus_scan_server.service import make_application
from portus_scan_server.settings import ServerSettings
from portus_scan_server.store import Store
from portus_scan_server.summaries import Rules
from portus_scan_server.supervisor import Orders, Supervisor
from portus_scanners import Engine, Settings
from portus_scanners_testing import StandInRegistry

logger = logging.getLogger(__name__)
KEY = base64.b64encode(bytes(range(32))).decode()
TOKEN = "robot:0123456789abcdef"
REPORT = "application/vnd.security.vulnerability.report; version=1.1"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
_FAMILY = "application/vnd.scanner.adapter"
REQUEST = f"{_FAMILY}.scan.request+json; version=1.0"
RESPONSE = f"{_FAMILY}.scan.response+json; version=1.0"
METADATA = f"{_FAMILY}.metadata+json; version=1.0"
_NATIVE = f"{_FAMILY}.vuln.report.harbor+json; version=1.0"
_PACE = 0.02
"""How long a second of Harbor's is here."""


class ScanFailedError(Exception):
    """Harbor has given the scan up: what its log would say."""


@frozen
class Harbor:
    """Asks as Harbor does: one limit for all, no redirects, and up at the first thing that it does not expect."""

    url: str
    registry: StandInRegistry
    headers: Mapping[str, str]

    async def send(self, method: str, path: str, headers: Mapping[str, str], body: object = None) -> tuple[int, Any]:
        """Return the status, and the headers with the body; a connection of its own, as behind a balancer."""
        data = None if body is None else io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
        limit = aiohttp.ClientTimeout(total=60)  # five of Harbor's: no busy machine is taken for a service that hangs
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as http,
            http.request(
                method,
                f"{self.url}/api/v1{path}",
                headers={**self.headers, **headers},
                data=data,
                timeout=limit,
                allow_redirects=False,
            ) as answer,
        ):
            return answer.status, (answer.headers, await answer.read())

    async def ping(self) -> dict[str, Any]:
        """Return what the scanner says of itself, if Harbor would take it."""
        status, (headers, content) = await self.send("GET", "/metadata", {"Accept": METADATA})
        assert (200, METADATA) == (status, headers["Content-Type"])
        said: dict[str, Any] = json.loads(content)
        assert all(said["scanner"][name] for name in ("name", "vendor", "version"))
        assert said["capabilities"]
        for one in said["capabilities"]:
            assert DOCKER in one["consumes_mime_types"]
            assert {REPORT, _NATIVE}.intersection(one["produces_mime_types"])
        assert all(isinstance(value, str) for value in said["properties"].values())
        return said

    def request(self, repository: str, digest: str, account: str = "", **artifact: Any) -> dict[str, Any]:
        """Return a request for a scan; the account is ``NAME:PASSWORD``."""
        authorization = f"Basic {base64.b64encode(account.encode()).decode()}" if account else ""
        about = {"repository": repository, "tag": "1.0", "digest": digest, "mime_type": DOCKER, "size": 1, **artifact}
        capability = {"type": "vulnerability", "produces_mime_types": [REPORT], "parameters": None}
        registry = {"url": self.registry.url, "authorization": authorization, "insecure": False}
        return {"registry": registry, "artifact": about, "enabled_capabilities": [capability]}

    async def submit(self, request: Mapping[str, Any]) -> str:
        """Ask for a scan, and return its id."""
        kinds = {"Content-Type": REQUEST, "Accept": RESPONSE}
        status, (headers, content) = await self.send("POST", "/scan", kinds, request)
        if status != 202 or headers["Content-Type"] != RESPONSE:
            raise ScanFailedError(f"{status}: {_message(content)}")
        uid = json.loads(content)["id"]
        assert isinstance(uid, str)
        return uid

    async def poll(self, uid: str) -> tuple[int, Any]:
        """Return the seconds until the next poll, or 0 and the report."""
        status, (headers, content) = await self.send("GET", f"/scan/{uid}/report", {"Accept": REPORT})
        if status == 302:
            seconds = int(headers["Refresh-After"])
            assert 1 <= seconds <= 127
            return seconds, None
        if status != 200:
            raise ScanFailedError(f"{status}: {_message(content)}")
        return 0, _decoded(content)

    async def scan(self, repository: str, digest: str, account: str = "", **artifact: Any) -> dict[str, Any]:
        """Ask for a scan and poll until there is a report, which is returned.

        Raises:
            ScanFailedError: It is given up.
        """
        uid = await self.submit(self.request(repository, digest, account, **artifact))
        return await self.wait(uid)

    async def wait(self, uid: str) -> dict[str, Any]:
        """Poll until there is a report; see `scan`."""
        seconds = 2
        while seconds:
            await asyncio.sleep(seconds * _PACE)
            seconds, report = await self.poll(uid)
        found: dict[str, Any] = report
        return found


def _message(content: bytes) -> str:
    return str(json.loads(content)["error"]["message"])


def _decoded(content: bytes) -> dict[str, Any]:
    """Return a report as Go would fill its struct with it: a wrong type is an error."""
    report: dict[str, Any] = json.loads(content)
    assert 20 == len(report["generated_at"])
    assert isinstance(report["severity"], str)
    assert isinstance(report["vulnerabilities"], list)
    for one in report["vulnerabilities"]:
        words = ("id", "package", "version", "fix_version", "severity", "status", "description")
        assert all(isinstance(one[name], str) for name in words)
        assert isinstance(one["links"], list)
        assert isinstance(one["cwe_ids"], list)
        assert isinstance(one["vendor_attributes"], dict)
        assert one["severity"] in {"Unknown", "Negligible", "Low", "Medium", "High", "Critical"}
        assert all(isinstance(one["preferred_cvss"][name], float | None) for name in ("score_v2", "score_v3"))
    return report


def registration(registry: StandInRegistry, **more: Any) -> HarborRegistration:
    """Return the registration of a Harbor with this registry."""
    access = {"access": HarborAccess.BASIC, "token": Secret(TOKEN)}
    return HarborRegistration(**{"host": registry.host, "url": registry.url, **access, **more})


def headers_of(one: HarborRegistration) -> dict[str, str]:
    """Return what Harbor sends with each request for this registration."""
    token = one.token.reveal()
    return {
        HarborAccess.NONE: {},
        HarborAccess.BASIC: {"Authorization": f"Basic {base64.b64encode(token.encode()).decode()}"},
        HarborAccess.BEARER: {"Authorization": f"Bearer {token}"},
        HarborAccess.API_KEY: {"X-ScannerAdapter-API-Key": token},
    }[one.access]


def configuration(*script: Mapping[str, Any], **more: Any) -> Settings:
    """Return a configuration with a dummy that follows a script."""
    return Settings.from_mapping({"security": {"dummy": {"server": "any", "script": list(script), **more}}})


@asynccontextmanager
async def answering(
    store: Store,
    database: str,
    registry: StandInRegistry,
    *,
    settings: Settings | None = None,
    key: str = KEY,
    works: bool = True,
    **more: Any,
) -> AsyncIterator[Harbor]:
    """Answer a Harbor as long as the block runs, and scan what it asks for.

    Args:
        store: The database.
        database: Its address.
        registry: Harbor's.
        settings: What scanners are told; the dummy finds something in everything where None.
        key: The runner's key.
        works: Whether there is a runner.
        more: Members of the registration.
    """
    one, settings = registration(registry, **more), settings or configuration()
    seats = [HarborSeat(registrations={"main": one}, key=Secret(value)) for value in (KEY, key)]
    rules = Rules(enabled=tuple(section.name for section in settings.enabled))
    server = ServerSettings(scanning=settings)
    application = make_application(
        store,
        Supervisor(store, Orders(database=database, owner="me")),
        server,
        access=AccessSettings(),
        rules=rules,
        address=database,
        harbor=seats[0],
    )
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        harbor = Harbor(f"http://127.0.0.1:{runner.addresses[0][1]}/harbor/main", registry, headers_of(one))
        if not works:
            yield harbor
            return
        async with HarborRegistry({}, seats[1], store) as asked, _working(store, database, settings, asked, seats[1]):
            yield harbor
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _working(
    store: Store, database: str, settings: Settings, asked: Registry, seat: HarborSeat
) -> AsyncIterator[None]:
    assert isinstance(asked, HarborRegistry)
    rules = Rules(enabled=tuple(section.name for section in settings.enabled))
    desk = HarborDesk(store, asked, seat, rules, database)
    async with Engine(settings, registry=asked) as engine:
        with_what = MadeWith(plugin_version="1", settings="s", database="today")
        runner = Runner(
            store, engine, asked, rules, owner="me", made_with=lambda: dict.fromkeys(rules.enabled, with_what)
        )
        running = asyncio.create_task(runner.run())
        chores = [(one, 0.1, None) for one in (desk.try_new, desk.end_some, asked.close_ended)]
        try:
            async with doing_again_and_again([*chores, (_wake(runner), 0.1, None)], logger):
                yield
        finally:
            running.cancel()
            await asyncio.wait({running})


def _wake(runner: Runner) -> Any:
    async def wake() -> None:
        runner.wake()

    return wake
