"""What foreign code returns or raises, taken apart by exact class and made anew: nothing of a plugin's own passes.

A report may be of a derived class whose properties raise, or a frozen object that was spoilt; the ``str`` of an error
may be an exit of the program. All of it is looked at here, once, inside the task that is watched (`isolation`): what
follows (judgement, merge, documents, formats) has objects of our classes with plain values, and can't be surprised.

A report is made of its findings a piece at a time, between which the event loop goes on: 3 to 8 ms for 500 of them.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from operator import attrgetter
from sys import maxsize
from types import NoneType
from typing import Any

import attrs
from attrs import evolve, frozen
from portus_images import (
    NotInRegistryError,
    PortusError,
    class_name,
    log_crash,
    message_line,
    one_line,
    text_of,
    words_of,
)

from ..errors import InvalidReportError, ScannerUnavailableError, UnsupportedImageError
from ..models import (
    Cvss,
    Database,
    EndOfLife,
    Finding,
    FixState,
    Package,
    ScannerReport,
    Severity,
    VendorRating,
    maker_or,
)
from ..scanner import Health
from ..scanner_settings import ScannerSettings

logger = logging.getLogger("portus_scanners.engine")

PIECE = 500
"""Findings that are made anew before the event loop goes on."""
MOST_FINDINGS, MOST_NOTES = 250_000, 1_000
"""Of one report; more than ten times those of the largest images that were seen. Further notes are only counted."""
_UNSUPPORTED = (UnsupportedImageError, NotInRegistryError)
"""The second is what `Image.pull_name` of a local image raises."""
_PLAIN = {id(kind) for kind in (NoneType, str, bool, int, float, tuple, dict, datetime, Severity, FixState, Package)}
_TAKEN = (Package, Cvss, VendorRating, EndOfLife, Health, Database)
_NAMES: dict[type[Any], list[str]] = {kind: [one.name for one in attrs.fields(kind)] for kind in _TAKEN}
_READ = {kind: attrgetter(*names) for kind, names in _NAMES.items()}
_PARTS = ["package", "source_package", "vendor_ratings", "cvss"]
_OF_FINDING = [*_PARTS, *(one.name for one in attrs.fields(Finding) if one.name not in _PARTS)]
_OF_REPORT = [one.name for one in attrs.fields(ScannerReport)]  # findings first, database and end of life last
_read_finding = attrgetter(*_OF_FINDING)
_read_report = attrgetter(*_OF_REPORT)
_make_finding = maker_or(lambda **members: Finding(**_checked(members)), _OF_FINDING)


@frozen
class Raised:
    """What foreign code has raised, in words and as far as the engine acts on it."""

    words: str
    unsupported: bool = False
    unavailable: bool = False
    retry: bool = False
    """Whether an unavailable backend is to be tried again."""

    @classmethod
    def by(cls, name: str, error: BaseException) -> Raised:
        """Return what an error says; one that is not of ours goes to the log with its traceback. Raises nothing.

        Args:
            name: What has raised it.
            error: Any error; its class may be the plugin's own.
        """
        kind = type(error)  # not isinstance(): that asks the object for its class
        ours = issubclass(kind, PortusError)
        if not ours:
            log_crash(logger, f"{name}: it crashed", error)
        said = text_of(error) if ours else f"it crashed ({words_of(error)})"
        return cls(
            message_line(said) or message_line(class_name(error)),
            unsupported=issubclass(kind, _UNSUPPORTED),
            unavailable=issubclass(kind, ScannerUnavailableError),
            retry=_wants_retry(error),
        )


def _wants_retry(error: BaseException) -> bool:
    try:
        return bool(getattr(error, "retry", True))  # a subclass may have forgotten its base's __init__
    except BaseException:  # noqa: BLE001 (the boundary)
        return False


async def take_report(value: object) -> ScannerReport:
    """Return a report of ours that says what a scanner has returned; the event loop goes on meanwhile.

    Raises:
        InvalidReportError: It is not a report, or something in it is not plain data.
    """
    taker = ReportTaker(value)
    if not taker.has_many:
        taker.take(PIECE)
        return taker.finish()
    del value  # so that the taker frees what it has taken: a whole large report would be one long step
    while taker.take(PIECE):  # noqa: ASYNC110 (nothing is waited for)
        await asyncio.sleep(0)
    return await asyncio.to_thread(taker.finish)


def take_report_now(value: object) -> ScannerReport:
    """Return, or raise, what `take_report` does, at once."""
    taker = ReportTaker(value)
    taker.take(maxsize)
    return taker.finish()


def take_health(value: object) -> Health:
    """Return a health of ours that says what a scanner has returned, its message one bounded line.

    Raises:
        InvalidReportError: It is not a health, or something in it is not plain data.
    """
    try:
        health: Health = _take(Health, value, {})
        return evolve(health, message=message_line(health.message))
    except BaseException as error:  # noqa: BLE001 (the boundary)
        raise _unusable("the health", error) from None


def take_database(value: object) -> Database | None:
    """Return a database of ours that says what a scanner has returned; any error is possible."""
    return None if value is None else _take(Database, value, {})


def take_settings(settings: ScannerSettings) -> ScannerSettings:
    """Return the settings that the engine itself acts on, plain; any error is possible."""
    return ScannerSettings(**_checked({name: getattr(settings, name) for name in ("server", "timeout", "concurrency")}))


class ReportTaker:
    """Makes a report anew, its findings a piece at a time.

    Args:
        value: What foreign code gives for a report.

    Raises:
        InvalidReportError: (all methods) It can't be used; the message says where and why.
    """

    def __init__(self, value: Any) -> None:
        self._findings: list[Finding] = []
        self._made: dict[Any, Any] = {}
        try:
            _check_kind(ScannerReport, value)
            given, *self._others, self._database, self._end_of_life = _read_report(value)
            self._given = list(_checked_tuple(given))
            _check_number(len(self._given))
        except BaseException as error:  # noqa: BLE001 (the boundary)
            raise _unusable("the report", error) from None

    @property
    def has_many(self) -> bool:
        """Whether there is more than one piece."""
        return len(self._given) > PIECE

    def take(self, number: int) -> bool:
        """Take so many further findings; return whether any are left."""
        try:
            for one in self._given[:number]:
                self._findings.append(_take_finding(one, self._made))
        except BaseException as error:  # noqa: BLE001 (the boundary)
            raise _unusable(f"finding {len(self._findings) + 1} of the report", error) from None
        del self._given[:number]
        return bool(self._given)

    def finish(self) -> ScannerReport:
        """Return the report."""
        try:
            database = take_database(self._database)
            end = None if self._end_of_life is None else _take(EndOfLife, self._end_of_life, self._made)
            end = end and evolve(end, source=one_line(end.source), distribution=one_line(end.distribution))
            members = _checked(dict(zip(_OF_REPORT[1:-2], self._others, strict=True)))
            if (more := len(members["notes"]) - MOST_NOTES) > 0:
                members["notes"] = (*members["notes"][:MOST_NOTES], f"and {more} more")
            return ScannerReport(findings=self._findings, database=database, end_of_life=end, **members)
        except BaseException as error:  # noqa: BLE001 (the boundary)
            raise _unusable("the report", error) from None


def _check_number(findings: int) -> None:
    if findings > MOST_FINDINGS:
        raise ValueError(f"it has more than {MOST_FINDINGS:,} findings")


def _unusable(place: str, error: BaseException) -> InvalidReportError:
    """Return the error of ours for whatever has happened while foreign objects were looked at."""
    return InvalidReportError(f"{place} can't be used: {one_line(text_of(error)) or class_name(error)}")


def _take_finding(value: Any, made: dict[Any, Any]) -> Finding:
    """Return an equal finding of ours; any error is possible."""
    _check_kind(Finding, value)
    package, source, vendors, cvss, *others = _read_finding(value)
    parts = (
        _take(Package, package, made),
        None if source is None else _take(Package, source, made),
        tuple([_take(VendorRating, one, made) for one in _checked_tuple(vendors)]),
        tuple([_take(Cvss, one, made) for one in _checked_tuple(cvss)]),
    )
    return _make_finding(*parts, *others)


def _take(kind: type[Any], value: object, made: dict[Any, Any]) -> Any:
    """Return an equal object of ours, of those in *made* where it is there; any error is possible."""
    _check_kind(kind, value)
    members = _READ[kind](value)
    found = made.get((kind, members))
    if found is None:
        found = made[kind, members] = kind(**_checked(dict(zip(_NAMES[kind], members, strict=True))))
    return found


def _check_kind(kind: type, value: object) -> None:
    if type(value) is not kind:
        raise TypeError(f"expected {kind.__name__}, got {class_name(value)}")


def _checked_tuple(value: Any) -> tuple[Any, ...]:
    _check_kind(tuple, value)
    return value  # type: ignore[no-any-return]


def _checked(members: dict[str, Any]) -> dict[str, Any]:
    """Return members that are all of plain classes; what is in them, the class that they are for checks."""
    for name, value in members.items():
        if id(type(value)) not in _PLAIN:
            raise TypeError(f"{name} must be plain data, got {class_name(value)}")
    return members
