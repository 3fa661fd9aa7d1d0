"""A laboratory: the real Grype with a database of our own, and an engine that has only this scanner."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from attrs import field, frozen
from portus_images import Registry
from portus_scanner_grype import GrypeScanner
from portus_scanners import Engine, ScannerRun, Settings
from portus_scanners_testing import StandInRegistry, open_engine
from portus_scanners_testing.images import BuiltImage, debian_layer, layer, make_image
from standins.grype import Advisory, System, write_database

DEBIAN = System(codename="bookworm")
LEFT_PAD = b'{"name": "left-pad", "version": "1.3.0"}'
ADVISORIES = (
    Advisory(
        id="CVE-2099-0001",
        package="bash",
        system=DEBIAN,
        fixed="5.2-2",
        state="fixed",
        references=("https://a.example", "https://b.example"),
        vectors={"nvd@nist.gov": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"},
        decorated=True,
    ),
    Advisory(id="CVE-2099-0002", package="glibc", system=DEBIAN, severity="low", state="wont-fix"),
    Advisory(
        id="GHSA-aaaa-bbbb-cccc",
        package="left-pad",
        system=None,
        ecosystem="npm",
        provider="github",
        fixed="1.3.1",
        state="fixed",
        severity="",
        aliases=("CVE-2099-0010",),
        vectors={"github": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"},
    ),
)
PACKAGES = {"bash": "5.2-1", ("libc6", "glibc"): "2.36-9"}
IMAGE = make_image(debian_layer(PACKAGES), layer({"app/node_modules/left-pad/package.json": LEFT_PAD}))
FOUND = [("CVE-2099-0001", "bash"), ("CVE-2099-0002", "libc6"), ("GHSA-aaaa-bbbb-cccc", "left-pad")]


@frozen(kw_only=True)
class House:
    """A program, a cache with its database, and an empty folder for temporary files."""

    program: Path
    cache: Path
    scratch: Path
    settings: dict[str, object] = field(factory=dict)

    @asynccontextmanager
    async def engine(self, registry: StandInRegistry | None = None, **more: object) -> AsyncIterator[Engine]:
        """Open an engine that knows the registry's password."""
        values = {
            "program": str(self.program),
            "cache": str(self.cache),
            "skip_update": "true",
            **self.settings,
            **more,
        }
        login = {registry.host: {"username": registry.username, "password": registry.password}} if registry else {}
        registries = Settings.from_mapping({"registries": login}).registries
        async with Registry(registries) as client, open_engine(GrypeScanner, values, registry=client) as engine:
            yield engine

    async def scan(self, registry: StandInRegistry, image: BuiltImage, **more: object) -> ScannerRun:
        """Push an image and scan it, with an engine of its own."""
        registry.push("team/app", "1", image)
        async with self.engine(registry, **more) as engine:
            (run,) = (await engine.scan(registry.reference("team/app", "1"))).results
        return run


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files: empty at first."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def house(real_grype: Path, tmp_path: Path, scratch: Path) -> House:
    """The real Grype with a database."""
    write_database(tmp_path / "cache", ADVISORIES, providers=["nvd"])
    return House(program=real_grype, cache=tmp_path / "cache", scratch=scratch)


def found(run: ScannerRun) -> list[tuple[str, str]]:
    """Return ids and packages, sorted; the run's error where it has no report."""
    assert run.report is not None, run.error
    return sorted((finding.id, finding.package.name) for finding in run.report.findings)
