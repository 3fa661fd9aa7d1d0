"""What a scanner may return."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum
from itertools import count
from typing import Any

from attrs import fields
from portus_scanners import Cvss, Database, EndOfLife, Finding, Outcome, Package, ScannerReport, Severity, VendorRating

from .making import Hostile, does, finding, report, returns, spoilt


class Text(str):
    """A string that exits when it is looked at."""

    __slots__ = ()

    def _exit(self, *_: Any) -> Any:
        sys.exit(0)

    __eq__ = __ne__ = __lt__ = __str__ = __repr__ = __format__ = __iter__ = __getitem__ = _exit
    upper = lower = strip = casefold = split = isprintable = encode = _exit

    def __hash__(self) -> int:
        raise KeyboardInterrupt


class Word(StrEnum):
    """What an honest author may use."""

    HIGH = "High"


class Zone(tzinfo):
    """A time zone that exits."""

    def utcoffset(self, _moment: datetime | None) -> timedelta:
        sys.exit(0)

    dst = utcoffset  # type: ignore[assignment]

    def tzname(self, _moment: datetime | None) -> str:
        sys.exit(0)


class PretendingType(type):
    """The type of a class that says that it is ``str``."""

    def __eq__(cls, other: object) -> bool:
        return True

    def __hash__(cls) -> int:
        return hash(str)

    def __instancecheck__(cls, _one: object) -> bool:
        return True


class Pretender(metaclass=PretendingType):
    """An object of such a class."""


class Liar:
    """An object that says that it is a complete, empty report."""

    complete, findings, notes, end_of_life = True, (), (), None

    @property
    def __class__(self) -> Any:
        return ScannerReport

    @__class__.setter
    def __class__(self, _kind: Any) -> None:
        raise TypeError


class ExitingReport(ScannerReport):
    """A report whose properties exit."""

    def __getattribute__(self, name: str) -> Any:
        if name in {"complete", "findings", "notes"}:
            sys.exit(0)
        return super().__getattribute__(name)


class OwnFinding(Finding):
    """A finding of the author's own class."""


class ExitingTuple(tuple[Any, ...]):
    """Findings that exit when they are counted."""

    __slots__ = ()

    def __iter__(self) -> Any:
        sys.exit(0)

    __len__ = __iter__


def spoilt_finding(**members: Any) -> ScannerReport:
    """Return a report of one spoilt finding."""
    return report(spoilt(finding(), **members))


def data(**members: Any) -> Any:
    """Return a database that is spoilt."""
    return spoilt(Database(identity="1"), **members)


Nothing = returns(lambda: None)
ItsClass = returns(lambda: ScannerReport)
LyingClass = returns(Liar)
Derived = returns(ExitingReport)
Hollow = returns(lambda: ScannerReport.__new__(ScannerReport))
FindingHollow = returns(lambda: spoilt(report(), findings=(Finding.__new__(Finding),)))
FindingDerived = returns(lambda: spoilt(report(), findings=(OwnFinding(id="CVE-1"),)))
FindingsOfIntegers = returns(lambda: spoilt(report(), findings=(1, 2, 3)))
FindingsGenerated = returns(lambda: spoilt(report(), findings=(finding() for _ in range(2))))
FindingsWithoutEnd = returns(lambda: spoilt(report(), findings=map(str, count())))
FindingsOfOwnTuple = returns(lambda: spoilt(report(), findings=ExitingTuple([finding()])))
FindingsGone = returns(lambda: spoilt(report(), findings=None))
NotesObject = returns(lambda: spoilt(report(), notes=object()))
NotesOfOwnStrings = returns(lambda: spoilt(report(), notes=(Text("x"),)))
VersionObject = returns(lambda: spoilt(report(), scanner_version=object()))
CompleteString = returns(lambda: spoilt(report(), complete="no"))
CompleteInteger = returns(lambda: spoilt(report(), complete=1))
EndOfLifeString = returns(lambda: spoilt(report(), end_of_life="yes"))
DatabaseZone = returns(lambda: report(database=Database(identity="1", updated=datetime(2026, 1, 1, tzinfo=Zone()))))
DatabaseZoneSpoilt = returns(lambda: report(database=data(updated=datetime(2026, 1, 1, tzinfo=Zone()))))
DatabaseDateString = returns(lambda: report(database=data(updated="yesterday")))
DatabaseOwnString = returns(lambda: report(database=data(identity=Text("1"))))
DatabaseString = returns(lambda: spoilt(report(), database="yesterday"))

IdOwnString = returns(lambda: report(finding(id=Text("CVE-1"))))
IdOwnStringSpoilt = returns(lambda: spoilt_finding(id=Text("CVE-1")))
IdPretender = returns(lambda: spoilt_finding(id=Pretender()))
LabelEnum = returns(lambda: report(finding(severity_label=Word.HIGH)))
LinksWithoutEnd = returns(lambda: spoilt_finding(links=map(str, count())))
LinksMixed = returns(lambda: spoilt_finding(links=("http://a", Pretender())))
PackageString = returns(lambda: spoilt_finding(package="openssl"))
PackageSpoilt = returns(lambda: report(finding(package=spoilt(Package("p"), name=Text("p")))))
SeverityString = returns(lambda: spoilt_finding(severity="high"))
SeverityInvented = returns(lambda: spoilt_finding(severity=object.__new__(Severity)))
VendorInvented = returns(lambda: report(finding(vendor_ratings=(spoilt(VendorRating(source="x"), severity=None),))))
PublishedZone = returns(lambda: spoilt_finding(published=datetime(2026, 1, 1, tzinfo=Zone())))
PublishedNaive = returns(lambda: report(finding(published=datetime(2026, 1, 1))))
DetailsOfNumbers = returns(lambda: spoilt_finding(details={"x": float("nan")}))
DetailsOwnKeys = returns(lambda: spoilt_finding(details={Pretender(): "x"}))
ScoreDecimal = returns(lambda: report(finding(cvss=(Cvss(version="3.1", score=Decimal("7.5")),))))  # type: ignore[arg-type]
ScoreBoolean = returns(lambda: report(finding(cvss=(Cvss(version="3.1", score=True),))))
ScoreNan = returns(lambda: report(finding(cvss=(spoilt(Cvss(version="3.1"), score=float("nan")),))))
ScoreSpoilt = returns(lambda: report(finding(cvss=(spoilt(Cvss(version="3.1"), score=Decimal("7.5")),))))

Surrogates = returns(
    lambda: report(finding(id="CVE-\ud800", title="\x1b[31m\x00\udfff", package=Package("\ud800")), notes=("\udc80",)),
    Outcome.OK,
)
LongStrings = returns(lambda: report(finding(id="C" * 2_000_000, title="x" * 2_000_000)), Outcome.OK)
NotesMany = returns(lambda: report(notes=tuple(f"note {number}" for number in range(100_000))), Outcome.OK)
EndOfLifeLong = returns(
    lambda: report(end_of_life=EndOfLife(source="x" * 2_000_000, distribution="\x1b[2J")), Outcome.OK
)
TooMany = returns(lambda: spoilt(report(), findings=(finding(),) * 250_001))
OldestTime = returns(lambda: report(finding(published=datetime.fromisoformat("0001-01-01T00:00:00+14:00"))), Outcome.OK)
DatabaseNaive = returns(lambda: report(database=data(updated=datetime(2026, 1, 1))), Outcome.OK)


def _change_later(scanner: Hostile, _image: object) -> ScannerReport:
    made = report()
    scanner.late = lambda: spoilt(made.findings[0], id=None)  # type: ignore[attr-defined]
    return made


def _spoil_the_image(_scanner: Hostile, image: Any) -> ScannerReport:
    for one in (image.reference, *image.layers, image):
        for member in fields(type(one)):
            spoilt(one, **{member.name: Liar()})
    return report()


def _keep_and_spoil(scanner: Hostile, _image: object) -> None:
    made = report()
    scanner.context.keep(made)
    spoilt(made, findings=None)
    raise RuntimeError


ImageSpoilt = does(_spoil_the_image, Outcome.OK)
ChangedLater = does(_change_later, Outcome.OK)
KeptThenSpoilt = does(_keep_and_spoil)
KeptDerived = does(lambda scanner, _: scanner.context.keep(ExitingReport()))
ProgressGarbage = does(lambda scanner, _: scanner.context.progress("a", None, object()))
