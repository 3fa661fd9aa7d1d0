"""A laboratory: the real Trivy with a database of our own, and an engine that has only this scanner."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from attrs import field, frozen
from portus_images import Registry
from portus_scanner_trivy import TrivyScanner
from portus_scanner_trivy.wire import Versions
from portus_scanners import Engine, Image, Layer, Reference, RegistryError, ScannerRun, Settings
from portus_scanners_testing import RecordingContext, StandInRegistry, open_engine
from portus_scanners_testing.images import BuiltImage, debian_image, digest_of
from standins.docker_registry import DockerRegistry
from standins.trivy import Advisory, write_database

ADVISORIES = (
    Advisory(
        id="CVE-2099-0001",
        package="bash",
        fixed="5.2-2",
        title="A hole in bash",
        references=("https://a.example",),
        cvss={"nvd": {"V3Vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "V3Score": 9.8}},
    ),
    Advisory(id="CVE-2099-0002", package="glibc", severity="LOW", status=5),
    Advisory(id="CVE-2099-0010", package="left-pad", platform="npm::GitHub Security Advisory npm", fixed="1.3.1"),
)
PACKAGES = {"bash": "5.2-1", ("libc6", "glibc"): "2.36-9", ("libc-bin", "glibc"): "2.36-9"}
FOUND = [("CVE-2099-0001", "bash"), ("CVE-2099-0002", "libc-bin"), ("CVE-2099-0002", "libc6")]
IMAGE = debian_image(PACKAGES)


def image_of(built: BuiltImage, text: str = "registry.example/team/app:1") -> Image:
    """Return an image as the engine would resolve it."""
    return Image(
        reference=Reference.parse(text),
        digest=built.digest,
        config_digest=digest_of(built.config),
        layers=tuple(Layer(digest=one.digest, size=one.size, media_type=one.media_type) for one in built.layers),
    )


async def ask_nobody() -> Versions:
    """Stand in for a program that is asked for its versions, where none is."""
    raise AssertionError


class HoldingContext(RecordingContext):
    """The context of a scanner whose images are here; records which blobs were asked for."""

    def __init__(self, *images: BuiltImage) -> None:
        super().__init__()
        self.blobs = {digest: data for image in images for digest, data in image.blobs.items()}
        self.copied: list[str] = []
        self.fault: RegistryError | None = None
        """What is raised for each blob."""

    async def copy_blob(self, image: Image, layer: Layer, path: Path) -> None:
        self.copied.append(layer.digest)
        path.write_bytes(await self.fetch(image, layer.digest, max_size=layer.size or 0))

    async def fetch(self, image: Image, digest: str, *, max_size: int) -> bytes:
        if self.fault is not None:
            raise self.fault
        return self.blobs[digest]


@frozen(kw_only=True)
class House:
    """A program, a cache with its database, and an empty folder for temporary files."""

    program: Path
    cache: Path
    scratch: Path
    settings: dict[str, object] = field(factory=dict)

    @asynccontextmanager
    async def engine(self, registry: StandInRegistry | DockerRegistry | None, **more: object) -> AsyncIterator[Engine]:
        """Open an engine that knows the registry's password."""
        values = {"program": str(self.program), "cache": str(self.cache), "offline": "true", **self.settings, **more}
        login = {registry.host: {"username": registry.username, "password": registry.password}} if registry else {}
        registries = Settings.from_mapping({"registries": login}).registries
        async with Registry(registries) as client, open_engine(TrivyScanner, values, registry=client) as engine:
            yield engine

    async def scan(
        self, registry: StandInRegistry | DockerRegistry | None, reference: str, **more: object
    ) -> ScannerRun:
        """Scan one image with an engine of its own."""
        async with self.engine(registry, **more) as engine:
            (run,) = (await engine.scan(reference)).results
        return run


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files: empty at first."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def house(real_trivy: Path, tmp_path: Path, scratch: Path) -> House:
    """The real Trivy with a database."""
    write_database(tmp_path / "cache", ADVISORIES)
    return House(program=real_trivy, cache=tmp_path / "cache", scratch=scratch)


def found(run: ScannerRun) -> list[tuple[str, str]]:
    """Return ids and packages, sorted; the run's error where it has no report."""
    assert run.report is not None, run.error
    return sorted((finding.id, finding.package.name) for finding in run.report.findings)


async def push(registry: StandInRegistry | DockerRegistry, tag: str, image: BuiltImage) -> str:
    """Push an image and return its reference."""
    if isinstance(registry, DockerRegistry):
        await registry.push("team/app", tag, image)
    else:
        registry.push("team/app", tag, image)
    return registry.reference("team/app", tag)
