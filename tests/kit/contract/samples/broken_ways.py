"""Ways in which a scanner of any kind breaks a promise; each is tried with each kind of backend."""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import signal
import socket
import subprocess
import threading
import time
import warnings
from typing import Any

from attrs import evolve
from portus_scanners import Health, Image, Scanner, ScannerReport, Severity


class Way:
    """One way; what it overrides stands before the scanner's own."""

    settings: Any
    context: Any

    async def scan(self, image: Image) -> ScannerReport:
        self.before(image)
        return await super().scan(image)  # type: ignore[misc]

    def before(self, image: Image) -> None:
        """Do what no scan may do."""


class Reading(Way):
    def before(self, image: Image) -> None:
        os.environ.get("ACME_TOKEN")


class Copying(Way):
    def before(self, image: Image) -> None:
        dict(os.environ)


class Writing(Way):
    def before(self, image: Image) -> None:
        os.environ["ACME_IMAGE"] = image.digest


class HealthReading(Way):
    async def check_health(self) -> Health:
        os.getenv("ACME_TOKEN")
        return await super().check_health()  # type: ignore[misc]


class Setting(Way):
    def before(self, image: Image) -> None:
        object.__setattr__(self.settings, "timeout", 1.0)


class Replacing(Way):
    def before(self, image: Image) -> None:
        self.settings = evolve(self.settings, timeout=1.0)


class Starting(Way):
    async def start(self) -> None:
        object.__setattr__(self.settings, "timeout", 1.0)
        await super().start()  # type: ignore[misc]


class ThreadLeaving(Way):
    def before(self, image: Image) -> None:
        threading.Thread(target=threading.Event().wait, daemon=True).start()


class UmaskLeaving(Way):
    def before(self, image: Image) -> None:
        os.umask(0o077)


class FolderLeaving(Way):
    def before(self, image: Image) -> None:
        os.chdir("/")


class HandlerLeaving(Way):
    def before(self, image: Image) -> None:
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)


class TimeoutLeaving(Way):
    def before(self, image: Image) -> None:
        socket.setdefaulttimeout(7.0)


class LevelLeaving(Way):
    def before(self, image: Image) -> None:
        logging.getLogger().setLevel(logging.CRITICAL)


class Encoding(Way):
    def before(self, image: Image) -> None:
        token = self.settings.token.reveal()
        self.context.logger.debug("asking as %s", base64.b64encode(f"me:{token}".encode()).decode())


class Progressing(Way):
    def before(self, image: Image) -> None:
        self.context.progress(1, 2, f"with {self.settings.token.reveal().encode().hex()}")


class Warning_(Way):  # noqa: N801 (another name than the built-in's)
    def before(self, image: Image) -> None:
        warnings.warn(f"using {self.settings.token.reveal()}", stacklevel=2)


class Running(Way):
    def before(self, image: Image) -> None:
        subprocess.run(["sleep", "0.6"], capture_output=True, check=False)


class Dozing(Way):
    def before(self, image: Image) -> None:
        time.sleep(0.5)


class Napping(Way):
    def before(self, image: Image) -> None:
        for _ in range(100):
            time.sleep(0.01)


class Joining(Way):
    def before(self, image: Image) -> None:
        thread = threading.Thread(target=time.sleep, args=(0.6,))
        thread.start()
        event = threading.Event()
        event.wait(0.6)


class Calculating(Way):
    def before(self, image: Image) -> None:
        end = time.thread_time() + 0.6
        while time.thread_time() < end:
            pass


class Believing(Way):
    def compare(self, document: Any, image: Image) -> None:
        pass


class Mistaking(Way):
    def severity(self, word: str) -> Severity:
        return Severity.LOW if word == "Critical" else super().severity(word)  # type: ignore[misc, no-any-return]


class SleepingInAsyncio(Way):
    """Fine: it does not wait for its backend."""

    async def scan(self, image: Image) -> ScannerReport:
        await asyncio.sleep(0)
        return await super().scan(image)  # type: ignore[misc]


def made_of(base: type[Scanner[Any]]) -> list[type[Scanner[Any]]]:
    """Return a scanner for each way, called after the way and the base."""
    ways = [one for one in globals().values() if isinstance(one, type) and issubclass(one, Way) and one is not Way]
    return [type(f"{way.__name__}{base.__name__}", (way, base), {}, contract=1) for way in ways]
