"""What all tests share."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import ClientResponse
from aioresponses import aioresponses, core as aioresponses_core
from hypothesis import HealthCheck, settings
from portus_scanners_testing.registry import StandInRegistry
from standins.clair_v4 import real_clair
from standins.docker_registry import real_registry_programs
from standins.grype import real_grype
from standins.ports import free_port
from standins.postgresql import postgresql
from standins.trivy import real_trivy
from xdist.remote import Producer
from xdist.scheduler.loadgroup import LoadGroupScheduling

__all__ = ["postgresql", "real_clair", "real_grype", "real_registry_programs", "real_trivy"]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what may take long, so that no worker waits for another at the end."""
    items.sort(key=lambda item: not any(mark.name.startswith(("real_", "timeout")) for mark in item.iter_markers()))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage while tests are collected: a third of that time is spent on it, and there is none."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()  # nor later among what was collected
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Look no more at what a file's tests have imported: a worker has millions of such objects in the end.

    Tests that look for what is left behind collect garbage after each step, and would go through them all each time.
    """
    if nextitem is None or item.path != nextitem.path:
        gc.collect()
        gc.freeze()


class _ByFile(LoadGroupScheduling):
    """A worker takes a whole file at a time, or a group: what a module sets up is set up once."""

    def _split_scope(self, nodeid: str) -> str:
        return super()._split_scope(nodeid).partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadGroupScheduling:
    """Hand out files, not tests: a test's end would be looked for among thousands."""
    return _ByFile(config, log)


# speed belongs in the benchmarks: no test fails because a machine is slow; CI tries the same examples each time
# PORTUS_EXAMPLES=1000 tries more of them, for whoever changes what a property is about
_FREE_OF_TIME = settings(
    deadline=None,
    max_examples=int(os.environ.get("PORTUS_EXAMPLES", "40")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("here", _FREE_OF_TIME)
settings.register_profile("ci", _FREE_OF_TIME, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


class _MockedResponse(ClientResponse):
    """aioresponses 0.7.9 does not pass the argument that aiohttp 3.14 made compulsory."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, stream_writer=SimpleNamespace(output_size=0), **kwargs)


@pytest.fixture
def mocked_http(monkeypatch: pytest.MonkeyPatch) -> Iterator[aioresponses]:
    """Answers instead of a network, for aiohttp's client."""
    monkeypatch.setattr(aioresponses_core, "ClientResponse", _MockedResponse)
    with aioresponses() as mocked:
        yield mocked


_NOT_OURS = {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR"}


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """New paths, one for each test; `mktemp` would list all earlier ones, thousands of times."""
    folder = tmp_path_factory.mktemp("homes")
    return (folder / str(number) for number in count())


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, _homes: Iterator[Path]) -> None:
    """No test sees the configuration or the credentials of the person who runs it."""
    ours = ("PORTUS_SECURITY_", "PORTUS_SCANNERS_")
    for name in [name for name in os.environ if name.startswith(ours) or name.upper() in _NOT_OURS]:
        monkeypatch.delenv(name)
    home = next(_homes)
    home.mkdir()  # one for both: somebody removes these folders, ten thousand for each run
    for name in ("DOCKER_CONFIG", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(home))


_LOGGERS = [logging.getLogger(name) for name in ("", "portus_images", "portus_scan", "portus_scanners")]


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """Handlers and levels that a test sets are taken away again: the command sets them when it runs in this process."""
    before = [(logger, list(logger.handlers), logger.level) for logger in _LOGGERS]
    yield
    for logger, handlers, level in before:
        logger.handlers[:] = handlers
        logger.setLevel(level)


@pytest.fixture
def unused_tcp_port() -> int:
    """A port that nobody listens on, and that no connection is given (pytest-asyncio's may be)."""
    return free_port()


@pytest.fixture
def strike(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """``strike()`` moves the running loop's clock by an hour: a deadline strikes when the work has come so far."""

    def move() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: time.monotonic() + 3600)

    return move


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A client that asks for no compression and follows no redirects of its own accord."""
    async with aiohttp.ClientSession(skip_auto_headers=("Accept-Encoding", "Accept", "Content-Type")) as session:
        yield session


@pytest.fixture
async def registry() -> AsyncIterator[StandInRegistry]:
    """An open registry without images."""
    async with StandInRegistry() as server:
        yield server
