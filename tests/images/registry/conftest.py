"""Clients, certificates, a clock."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from attrs import define
from portus_images import Registry, RegistrySettings
from portus_scanners import Reference, Secret
from portus_scanners_testing import LoopbackServer
from portus_scanners_testing.images import filler_layer, make_image

BUILT = make_image(filler_layer("base"))
"""An image of one layer."""
LOGIN = {"username": "user", "password": Secret("opensesame")}
"""The account of the stand-in registries."""
MANIFEST = "/v2/team/app/manifests/1"
"""Where the image ``team/app:1`` is asked for."""


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the transport wanted to wait before it sent a request again; nobody waits."""
    waited: list[float] = []

    async def note(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("portus_images.registry.transport.sender.sleep", note)
    monkeypatch.setattr("portus_images.pacing.LONGEST_PAUSE", 0.0)
    return waited


@define
class Clock:
    """Monotonic seconds that pass when a test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The clock of every client that `connect` makes."""
    return Clock()


Connect = Callable[..., Registry]


def reference_on(server: LoopbackServer, name: str = "team/app:1") -> Reference:
    """Return the reference of an image on a server."""
    return Reference.parse(f"{server.host}/{name}")


def tell(server: LoopbackServer, **more: Any) -> dict[str, RegistrySettings]:
    """Return settings with the stand-in's account."""
    return {server.host: RegistrySettings(**LOGIN, **more)}


@pytest.fixture
async def connect(clock: Clock) -> AsyncIterator[Connect]:
    """``connect({host: RegistrySettings(...)})`` makes a client that is closed after the test."""
    async with AsyncExitStack() as stack:

        def make(registries: dict[str, RegistrySettings] | None = None, **environ: str) -> Registry:
            registry = Registry(registries, environ=environ, clock=clock)
            stack.push_async_callback(registry.aclose)
            return registry

        yield make


@define
class Certificate:
    """A certificate for 127.0.0.1 and localhost that signs itself."""

    ca_file: str
    key_file: str

    @property
    def server(self) -> ssl.SSLContext:
        """What a server needs."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca_file, self.key_file)
        return context


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Made by openssl for this run."""
    folder: Path = tmp_path_factory.mktemp("tls")
    made = Certificate(str(folder / "cert.pem"), str(folder / "key.pem"))
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=stand-in"
    names = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    subprocess.run(
        [*command.split(), *names, "-out", made.ca_file, "-keyout", made.key_file], check=True, capture_output=True
    )
    return made
