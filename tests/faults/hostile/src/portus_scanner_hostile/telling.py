"""Scanners that do no harm, and tell what they are given. They have no entry points."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

from attrs import frozen
from portus_scanners import Finding, HttpScannerSettings, Image, RegistryError, Scanner, ScannerReport, ScannerSettings

from .making import report


class Surroundings(Scanner[HttpScannerSettings], contract=1):
    """Tells what everybody can see of its process, and whether it has its secrets."""

    async def scan(self, image: Image) -> ScannerReport:
        seen = [
            Path(f"/proc/{process}/{name}") for process in ("self", os.getppid()) for name in ("environ", "cmdline")
        ]
        password = self.settings.password.reveal() if self.settings.password else os.environ.get("TELLING_PASSWORD", "")
        told = {
            "seen": " ".join(path.read_bytes().decode(errors="replace") for path in seen),
            "password": password[::-1],
            "home": os.environ["HOME"],
            "temporary": tempfile.gettempdir(),
        }
        self.context.logger.warning("it was %s", "here")
        return ScannerReport(findings=(Finding(id="CVE-1", details=told),))


class Registries(Scanner[ScannerSettings], contract=1):
    """Asks for everything that its context has about an image."""

    async def scan(self, image: Image) -> ScannerReport:
        context, (layer, *_) = self.context, image.layers
        access, head = await context.blob(image, layer), await context.head_blob(image, layer)
        path = Path(tempfile.gettempdir(), "layer")
        await context.copy_blob(image, layer, path)
        (referrer,) = await context.referrers(image)
        body = await context.fetch(image, referrer.digest, max_size=10_000)
        told = {
            "url": access.url,
            "headers": " ".join(sorted(access.headers)),
            "head": repr(head),
            "layer": str(path.stat().st_size),
            "referrer": repr(referrer),
            "body": body.decode(),
        }
        path.unlink()
        try:
            await context.fetch(image, "sha256:" + "0" * 64, max_size=10)
        except RegistryError as error:
            told["error"] = f"{type(error).__name__} {error.step} {error.status} {error}"
        return ScannerReport(findings=(Finding(id="CVE-1", details=told),))


class Working(Scanner[ScannerSettings], contract=1):
    """Has found one thing, and waits for its backend until the deadline; it tells of its progress last."""

    async def scan(self, image: Image) -> ScannerReport:
        self.context.keep(report())
        await self.context.wait(0)
        self.context.progress(1, 3, "layer")
        while True:
            await self.context.wait(60)


class Finishing(Scanner[ScannerSettings], contract=1):
    """Tells when it has a request that must be finished; two pipes say when this may end, and that it has."""

    async def scan(self, image: Image) -> ScannerReport:
        await self.context.finish(self._request(Path(self.settings.server)))
        return report()

    async def _request(self, pipes: Path) -> None:
        self.context.progress(1, 1)
        await asyncio.to_thread((pipes / "go").read_bytes)
        await asyncio.to_thread((pipes / "finished").write_bytes, b"finished")


class SpinsInTheEnd(Scanner[ScannerSettings], contract=1):
    """Says that it is about to spin."""

    async def scan(self, image: Image) -> ScannerReport:
        self.context.progress(1, 1)
        while True:
            pass


@frozen(kw_only=True)
class LongSettings(ScannerSettings):
    """Has another time limit than most."""

    timeout: float = 7.5
    flavour: str = "vanilla"


class Long(Scanner[LongSettings], contract=1):
    """Has settings of its own."""

    async def scan(self, image: Image) -> ScannerReport:
        return ScannerReport(notes=(self.settings.flavour,))


class Writes(Scanner[ScannerSettings], contract=1):
    """Has the engine write a layer to where its settings say, and tells what it hears."""

    async def scan(self, image: Image) -> ScannerReport:
        own = Path(tempfile.gettempdir())
        (own / "out").symlink_to(self.settings.server)
        told = {}
        for name, path in {
            "outside": Path(self.settings.server, "layer"),
            "dots": own / "x" / ".." / ".." / "layer",
            "link": own / "out" / "layer",
        }.items():
            try:
                await self.context.copy_blob(image, image.layers[0], path)
            except Exception as error:  # noqa: BLE001 (told)
                told[name] = f"{type(error).__name__}: {error}"
        return ScannerReport(findings=(Finding(id="CVE-1", details=told),))


class Fetches(Scanner[ScannerSettings], contract=1):
    """Asks for several bodies at once."""

    async def scan(self, image: Image) -> ScannerReport:
        await asyncio.gather(*(self.context.fetch(image, "sha256:" + "0" * 64, max_size=10) for _ in range(8)))
        return report()
