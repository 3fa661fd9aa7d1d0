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
from portus_scanners import Engine, ScannerRun, Settings
from portus_scanners_testing import StandInRegistry, open_engine
from portus_scanners_testing.images import BuiltImage, debian_image
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
