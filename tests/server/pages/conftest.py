"""The pages over a store with content, answered by a server on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from attrs import define, field
from cli.pages.reading import Page
from portus_images import ImageNotFoundError, Reference, Secret
from portus_scan_server import pages
from portus_scan_server.access import (
    AccessSettings,
    Gatekeeper,
    ProxySettings,
    RepositoryRoles,
    access_middleware,
    add_headers,
)
from portus_scan_server.pages import PlaceName
from portus_scan_server.settings import Registries, WatchedRegistry
from portus_scan_server.store import Store, sqlite_url, upgrade
from portus_scan_server.summaries import Rules
from portus_scan_server.views import Reports
from standins.chromium import browser, chromium, open_page

from .content import HOST, RULES, put_hostile, put_usual

__all__ = ["browser", "chromium", "open_page"]

SECRET = "only the proxy knows it"
ACCESS = AccessSettings(
    proxy=ProxySettings(secret=Secret(SECRET)),
    admins=("admins",),
    repositories={
        "team/*": RepositoryRoles(viewers=("team",), operators=("operators",)),
        "team/worker": RepositoryRoles(viewers=("workers",)),
    },
)


def person(*groups: str) -> dict[str, str]:
    """Return the headers by which the proxy says who somebody is."""
    return {
        "X-Portus-Proxy-Secret": SECRET,
        "X-Forwarded-User": "ada",
        "X-Forwarded-Groups": ",".join(groups),
    }


ADMIN = person("admins")


WATCHED = WatchedRegistry(host=HOST, name="main", pull="pull.example", aliases=("old.example",))


@define
class StandInIntake:
    """Notes what is asked for, without a registry."""

    asked: list[tuple[str, str]] = field(factory=list)
    registries: Registries = field(
        factory=lambda: Registries(
            [WatchedRegistry(host=HOST, name="main", pull="pull.example", aliases=("old.example",))]
        )
    )

    def find(self, text: str) -> PlaceName:
        reference = Reference.parse(text)
        return PlaceName(
            host=reference.registry,
            repository=reference.repository,
            tag=reference.tag or "",
            digest=reference.digest or "",
        )

    async def ask_for(self, place: PlaceName, *, by: str) -> None:
        if place.tag == "gone":
            raise ImageNotFoundError("there is no such tag", registry=place.host, step="manifest", status=404)
        self.asked.append((f"{place.repository}:{place.tag}", by))


def make_application(store: Store, address: str, rules: Rules, intake: Any) -> web.Application:
    """Return an application of pages alone, behind the door."""

    async def find_token(_token: str) -> None:
        return None

    application = web.Application(middlewares=[access_middleware(Gatekeeper(ACCESS, find_token))])
    application.on_response_prepare.append(add_headers)
    reports = Reports(address, rules)

    async def close(_application: web.Application) -> None:
        await reports.close()

    application.on_cleanup.append(close)
    pages.add_routes(application, store, rules, reports, intake)
    return application


@define
class Reader:
    """Reads pages."""

    client: TestClient[web.Request, web.Application]
    store: Store
    address: str
    intake: StandInIntake

    async def get(self, path: str, *, status: int = 200, headers: dict[str, str] = ADMIN) -> Page:
        """Return a page."""
        async with self.client.get(path, headers=headers, allow_redirects=False) as response:
            body = await response.read()
            assert status == response.status, body.decode()
            return Page(body)

    async def post(self, path: str, headers: dict[str, str], **data: str) -> tuple[int, str]:
        """Return the status, and where it leads to."""
        same = {"Sec-Fetch-Site": "same-origin", **headers}
        async with self.client.post(path, headers=same, data=data, allow_redirects=False) as response:
            return response.status, response.headers.get("Location", "")


@asynccontextmanager
async def reading(store: Store, address: str, rules: Rules = RULES, prefix: str = "") -> AsyncIterator[Reader]:
    """Answer as long as the block runs."""
    intake = StandInIntake()
    application = make_application(store, address, rules, intake)
    outer = application
    if prefix:
        outer = web.Application()
        outer.add_subapp(prefix, application)
    async with TestClient(TestServer(outer)) as client:
        yield Reader(client, store, address, intake)


def rows(page: Page) -> list[list[str]]:
    """Return the cells of the rows of a page's tables."""
    return [[one.text for one in row.children if one.tag in {"th", "td"}] for row in page.rows]


def links(page: Page, rel: str) -> list[str]:
    """Return the addresses of a page's links to others of a list."""
    return [one.attributes["href"] for one in page.root.all("a") if one.attributes.get("rel") == rel]


@pytest.fixture
async def reader(store: Store, database: str) -> AsyncIterator[Reader]:
    """The pages of a store that the test fills."""
    async with reading(store, database) as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def usual(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Reader]:
    """The pages of a store with one image of each kind and an attack; its tests only read."""
    address = sqlite_url(tmp_path_factory.mktemp("usual") / "portus-scan.db")
    upgrade(address)
    async with Store.open(address) as store:
        await put_usual(store)
        await put_hostile(store)
        async with reading(store, address) as one:
            yield one
