"""What is wrong before there is a scan, with the class itself, its start, its settings, and its health."""

from __future__ import annotations

import sys
from typing import Any

from attrs import field, frozen
from portus_scanners import Health, Image, Outcome, ScannerReport, ScannerSettings

from .making import Hostile, report


def _exit(*_: Any) -> Any:
    sys.exit(0)


class NotACoroutine(Hostile, contract=1):
    """scan() is a plain function."""

    def scan(self, image: Image) -> ScannerReport:  # type: ignore[override]
        return report()


class Generator(Hostile, contract=1):
    """scan() is an asynchronous generator."""

    async def scan(self, image: Image) -> Any:  # type: ignore[override]
        yield report()


class NotAMethod(Hostile, contract=1):
    """There is nothing to call."""

    scan = None  # type: ignore[assignment]


class MemberExits(Hostile, contract=1):
    """scan() can't even be looked up."""

    scan = property(_exit)  # type: ignore[assignment]


class InitExits(Hostile, contract=1):
    """Making the object ends the program."""

    __init__ = _exit

    async def scan(self, image: Image) -> ScannerReport:
        return report()


class StartExits(Hostile, contract=1):
    """start() ends the program."""

    async def start(self) -> None:
        raise KeyboardInterrupt

    async def scan(self, image: Image) -> ScannerReport:
        return report()


@frozen(kw_only=True)
class ConvertingSettings(ScannerSettings):
    """Reading them ends the program."""

    timeout: float = field(default=1.0, converter=_exit)


class SettingsExit(Hostile, contract=1):
    """Its settings can't be read."""

    settings_class = ConvertingSettings

    async def scan(self, image: Image) -> ScannerReport:
        return report()


@frozen(kw_only=True)
class OddSettings(ScannerSettings):
    """The engine can't act on them."""

    timeout: Any = "soon"


class SettingsOdd(Hostile, contract=1):
    """Its time limit is not a number."""

    settings_class = OddSettings

    async def scan(self, image: Image) -> ScannerReport:
        return report()


class CloseExits(Hostile, contract=1):
    """Scans as it should, and ends the program when it is closed."""

    outcome = Outcome.OK

    aclose = property(_exit)  # type: ignore[assignment]

    async def scan(self, image: Image) -> ScannerReport:
        return report()


class HealthExits(Hostile, contract=1):
    """The health check ends the program."""

    outcome = Outcome.OK

    check_health = property(_exit)  # type: ignore[assignment]

    async def scan(self, image: Image) -> ScannerReport:
        return report()


class OwnHealth(Health):
    """A health of its own class."""

    @property
    def healthy(self) -> Any:  # type: ignore[override]
        return _exit()


class HealthOwn(Hostile, contract=1):
    """The health is of a class of its own."""

    outcome = Outcome.OK

    async def check_health(self) -> Health:
        return OwnHealth.__new__(OwnHealth)

    async def scan(self, image: Image) -> ScannerReport:
        return report()


class HealthTrue(Hostile, contract=1):
    """The health is not one."""

    outcome = Outcome.OK

    async def check_health(self) -> Health:
        return True  # type: ignore[return-value]

    async def scan(self, image: Image) -> ScannerReport:
        return report()
