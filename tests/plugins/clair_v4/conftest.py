"""A laboratory: a stand-in of Clair v4, a registry, and an engine that has only this scanner."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from attrs import field, frozen
from portus_images import Registry, RegistrySettings
from portus_scanner_clair_v4 import ClairV4Scanner, ClairV4Settings
from portus_scanners import Engine, Reference, ScannerReport, ScannerRun, Secret, Settings
from portus_scanners_testing import RecordingContext, StandInRegistry, open_engine
from portus_scanners_testing.images import BuiltImage, layer, make_image
from standins.clair_v4 import DEBIAN, PYPI, Advisory, RealClair, StandInClairV4, readable_debian
from standins.installed import python_files

GLIBC = Advisory(
    updater="debian/updater",
    name="CVE-2099-0001",
    package="glibc",
    fixed="2.36-10",
    word="high",
    links="https://security-tracker.debian.org/tracker/CVE-2099-0001",
    distribution=DEBIAN,
)
JINJA = Advisory(
    updater="osv/pypi",
    name="GHSA-aaaa-bbbb-cc11",
    package="jinja2",
    fixed="fixed=2.4.1",
    word="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H",
    links="https://github.com/pallets/jinja/pull/1 https://osv.dev/vulnerability/CVE-2099-0011",
    repository=PYPI,
)
BASE = readable_debian({"bash": "5.2-1", ("libc6", "glibc"): "2.36-9"})
IMAGE = make_image(BASE, layer(python_files("jinja2", "2.4.0")))


Scan = Callable[..., Awaitable[ScannerReport]]


@frozen
class House:
    """A Clair and a registry that wants tokens."""

    clair: StandInClairV4 | RealClair
    registry: StandInRegistry
    settings: dict[str, object] = field(factory=dict)

    @asynccontextmanager
    async def engine(self, **settings: object) -> AsyncIterator[Engine]:
        """Open an engine that knows the registry's password."""
        login = {self.registry.host: {"username": self.registry.username, "password": self.registry.password}}
        registries = Settings.from_mapping({"registries": login}).registries
        values = {"server": self.clair.url, **self.settings, **settings}
        async with Registry(registries) as client, open_engine(ClairV4Scanner, values, registry=client) as engine:
            yield engine

    def push(self, image: BuiltImage = IMAGE, tag: str = "1") -> str:
        """Push an image and return its reference."""
        self.registry.push("team/app", tag, image)
        return self.registry.reference("team/app", tag)

    async def scan(self, image: BuiltImage = IMAGE, **settings: object) -> ScannerRun:
        """Push an image and scan it, with an engine of its own."""
        reference = self.push(image)
        async with self.engine(**settings) as engine:
            (run,) = (await engine.scan(reference)).results
        return run

    @asynccontextmanager
    async def alone(self, **options: Any) -> AsyncIterator[tuple[RecordingContext, Scan]]:
        """Open a context in which waiting takes no time; yield it, and what scans in it without an engine."""
        values = {"server": self.clair.url, **self.settings}
        if "psk" in values:
            values["psk"] = Secret(str(values["psk"]))
        login = RegistrySettings(username=self.registry.username, password=Secret(self.registry.password))
        async with (
            Registry({self.registry.host: login}) as client,
            RecordingContext(registry=client, **options) as context,
        ):
            scanner = ClairV4Scanner(ClairV4Settings(**values), context)  # type: ignore[arg-type]

            async def scan(image: BuiltImage = IMAGE) -> ScannerReport:
                return await scanner.scan(await client.resolve(Reference.parse(self.push(image))))

            yield context, scan

    def asked(self) -> list[str]:
        """Return what Clair was asked, in order, in short; and forget it."""
        assert isinstance(self.clair, StandInClairV4)
        paths = [request.path.removesuffix(IMAGE.digest).strip("/") for request in self.clair.requests]
        self.clair.requests.clear()
        return [path.rpartition("/")[2] for path in paths]


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """A Clair with data for Debian and PyPI."""
    async with StandInClairV4() as clair, StandInRegistry(auth="token") as registry:
        clair.update(GLIBC, JINJA)
        yield House(clair, registry)


def found(run: ScannerRun) -> list[tuple[str, str]]:
    """Return ids and packages, sorted; fail with the run's error where it has no report."""
    assert run.report is not None, run.error
    return sorted((finding.id, finding.package.name) for finding in run.report.findings)
