"""Scanners that break a promise of their distribution, class statement or settings."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen
from portus_scanners import HttpScannerSettings, Scanner
from sample_http import SampleScanner, SampleSettings


class UnregisteredScanner(SampleScanner, contract=1):
    """No entry point names it."""


class LooseScanner(SampleScanner, contract=1):
    """Its distribution does not say which core it needs."""


class FutureScanner(SampleScanner, contract=99):
    """Written for an unknown contract."""


@frozen(kw_only=True)
class UnreadableSettings(SampleSettings):
    """The environment can't give a value of this type."""

    since: datetime = datetime(2026, 1, 1)


class UnreadableScanner(SampleScanner, contract=1):
    """One of its settings can't be given as a string."""

    settings_class = UnreadableSettings


@frozen(kw_only=True)
class AnythingSettings(SampleSettings):
    """Accepts any key."""

    no_such_setting: str = ""


class AnythingScanner(SampleScanner, contract=1):
    """Takes unknown settings."""

    settings_class = AnythingSettings


@frozen(kw_only=True)
class ChangingSettings(SampleSettings):
    """Can be changed while the scanner runs."""


ChangingSettings.__setattr__ = object.__setattr__  # type: ignore[method-assign]


class ChangingScanner(SampleScanner, contract=1):
    """Its settings can be changed."""

    settings_class = ChangingSettings


@frozen(kw_only=True)
class BareSettings(HttpScannerSettings):
    """Shows its password."""

    api_token: str = ""


class BareScanner(Scanner[BareSettings], contract=1):
    """Its token is a plain text."""

    scan = SampleScanner.scan  # type: ignore[assignment]
