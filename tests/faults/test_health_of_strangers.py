"""A server that is not the backend answers 200 as well: its page is not a healthy backend."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from portus_scanner_harbor import HarborScanner
from portus_scanner_zypper_docker.server_turn import take_turn
from portus_scanners import Engine, ScannerSection, Settings
from portus_scanners.plugins import discover
from portus_scanners_testing import StandInContext
from portus_scanners_testing.engines import GivenPlugin

Serve = Callable[[str], Awaitable[str]]
ANSWERS = ["<html><body>Welcome to nginx!</body></html>", "{}", "[]", "null", "ok", ""]
BACKENDS = ["clair", "clair_v4", "zypper", "trivy", "osv", "report_file", "harbor"]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """``await serve(body)`` answers everything with it, and returns the server's address."""
    runners = []

    async def start(body: str) -> str:
        async def answer(_request: web.BaseRequest) -> web.Response:
            return web.Response(text=body, content_type="text/html" if "<" in body else "application/json")

        runners.append(runner := web.ServerRunner(web.Server(answer)))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    yield start
    for runner in runners:
        await runner.cleanup()


async def health_of(name: str, url: str, program: str) -> bool | None:
    """Return whether the scanner says that the backend at this address is healthy."""
    own: dict[str, Any] = {
        "clair": {"health_port": int(url.rpartition(":")[2])},
        "trivy": {"program": program},
        "report_file": {"path": "/{digest}.json"},
    }
    harbor = GivenPlugin(name="harbor", value="m:X", distribution="d", version="1", scanner_class=HarborScanner)
    section = ScannerSection(name=name, plugin=name, enabled=True, values={"server": url, **own.get(name, {})})
    async with Engine(Settings(scanners={name: section}), plugins=[*discover(), harbor]) as engine:
        (health,) = await engine.check_health()
    return health.healthy


@pytest.mark.parametrize("body", ANSWERS)
@pytest.mark.parametrize("name", BACKENDS)
async def test_a_stranger_is_not_healthy(serve: Serve, tmp_path: Path, name: str, body: str) -> None:
    """A welcome page, an empty object, nothing at all: each scanner says no, or that it can't tell."""
    program = tmp_path / "trivy"
    program.write_text('#!/bin/sh\necho \'{"Version": "0.76.0"}\'\n')
    program.chmod(0o755)
    assert not await health_of(name, await serve(body), str(program))


async def test_a_stranger_is_not_healthy_while_another_process_scans(serve: Serve) -> None:
    """zypper-docker's own page, which alone is asked for then, is empty; of what is not, nothing is known."""
    url = await serve(ANSWERS[0])
    async with take_turn(StandInContext(), url):
        assert await health_of("zypper", url, "") is False
