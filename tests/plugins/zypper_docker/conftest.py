"""A scanner, a server's stand-in, and a context that records."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from portus_scanner_zypper_docker import ZypperDockerScanner, ZypperDockerSettings
from portus_scanners import Image, Reference
from portus_scanners_testing import RecordingContext
from standins.zypper_docker import StandInZypperDocker

NAME = "registry.example.com:5000/team/app:1.0"
ID = "sha256:" + "c" * 64
"""What a Docker daemon with the classic store calls the image, whatever tags it has."""


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's runtime folder: an empty one. The cache folder does not exist."""
    folder = tmp_path / "runtime"
    folder.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


@pytest.fixture
async def context() -> AsyncIterator[RecordingContext]:
    """A context whose session is closed at the end."""
    async with RecordingContext() as context:
        yield context


@pytest.fixture
async def server() -> AsyncIterator[StandInZypperDocker]:
    """A running stand-in."""
    async with StandInZypperDocker() as server:
        yield server


@pytest.fixture
def scanner(server: StandInZypperDocker, context: RecordingContext) -> Callable[..., ZypperDockerScanner]:
    """``scanner(mode="strict")`` makes a scanner for the stand-in."""

    def make(**settings: str) -> ZypperDockerScanner:
        return ZypperDockerScanner(ZypperDockerSettings(server=server.url, **settings), context)

    return make


def image_of(text: str = NAME) -> Image:
    """Return an image of that name."""
    return Image(reference=Reference.parse(text), digest="sha256:" + "a" * 64, config_digest=ID)
