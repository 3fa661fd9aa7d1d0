"""Making scanners of one line each."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from portus_scanners import Finding, Image, Outcome, Package, Scanner, ScannerReport, ScannerSettings, Severity

CANARY = "CVE-2099-0009"


class Hostile(Scanner[ScannerSettings], contract=1):
    """A scanner of this package.

    Attributes:
        outcome: How its run is to end.
    """

    outcome = Outcome.FAILED


def does(act: Callable[[Hostile, Image], Any], outcome: Outcome = Outcome.FAILED) -> type[Hostile]:
    """Return a scanner whose scan is this function, a coroutine function or another one."""

    async def scan(self: Hostile, image: Image) -> Any:
        done = act(self, image)
        return await done if inspect.isawaitable(done) else done

    members = {"scan": scan, "outcome": outcome, "settings_class": ScannerSettings}
    return type("Doing", (Hostile,), members, contract=1)


def returns(make: Callable[[], Any], outcome: Outcome = Outcome.FAILED) -> type[Hostile]:
    """Return a scanner that returns what *make* does."""
    return does(lambda _self, _image: make(), outcome)


def raises(make: Callable[[], BaseException], outcome: Outcome = Outcome.FAILED) -> type[Hostile]:
    """Return a scanner that raises what *make* returns."""

    def act(_self: Hostile, _image: Image) -> Any:
        raise make()

    return does(act, outcome)


def finding(**members: Any) -> Finding:
    """Return a finding; what is not given is as it should be."""
    return Finding(
        **{"id": CANARY, "severity": Severity.HIGH, "severity_label": "High", "package": Package("p", "1"), **members}
    )


def report(*findings: Finding, **members: Any) -> ScannerReport:
    """Return a report of these findings, or of one."""
    return ScannerReport(findings=findings or (finding(),), **members)


def spoilt(one: Any, **members: Any) -> Any:
    """Return a frozen object with other members than its class takes."""
    for name, value in members.items():
        object.__setattr__(one, name, value)
    return one
