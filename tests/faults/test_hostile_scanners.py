"""Hostile scanners in the engine: each beside a good one, whose result must stand."""

from __future__ import annotations

import asyncio
import inspect
from importlib import import_module
from typing import Any

import pytest
from attrs import frozen
from portus_scanners import (
    Engine,
    Finding,
    Image,
    Layer,
    Outcome,
    Reference,
    ReportDocument,
    Scanner,
    ScannerReport,
    ScannerRun,
    ScannerSection,
    ScannerSettings,
    Settings,
    SettingsError,
    Verdict,
    dump_document,
    load_document,
)
from portus_scanners_testing import virtual_time
from portus_scanners_testing.engines import GivenPlugin

from .conftest import ENTRY_POINTS, hostile, names_of

REFERENCE = Reference.parse("registry.example/team/app:1")
IMAGE = Image(reference=REFERENCE, digest="sha256:" + "a" * 64, layers=(Layer(digest="sha256:" + "b" * 64, size=1),))
FOUND = ScannerReport(findings=(Finding(id="CVE-2016-6304"),))
MODULES = ("returned", "raised", "at_start", "lasting", "escaping")
IN_ONE_PROCESS = names_of("returned", "raised", "at_start")
HEALTH = [name for name in IN_ONE_PROCESS if name.startswith("health_")]


class Good(Scanner[ScannerSettings], contract=1):
    """Finds one thing, after the other scanner has had its turn."""

    async def scan(self, image: Image) -> ScannerReport:
        await asyncio.sleep(1)
        return FOUND if image == IMAGE else ScannerReport()


def open_engine(**classes: type[Scanner[Any]]) -> Engine:
    """Return an engine with these scanners."""
    plugins = [
        GivenPlugin(name=name, value="m:X", distribution="d", version="1", scanner_class=one)
        for name, one in classes.items()
    ]
    sections = {name: ScannerSection(name=name, plugin=name, enabled=True, values={}) for name in classes}
    return Engine(Settings(scanners=sections), plugins=plugins, grace=1)


@pytest.fixture
def complaints(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the event loop had to say: no callback may raise, and no error is left unread."""
    said: list[str] = []
    monkeypatch.setattr(
        asyncio.SelectorEventLoop, "call_exception_handler", lambda _loop, context: said.append(context["message"])
    )
    return said


@pytest.mark.parametrize("name", IN_ONE_PROCESS)
def test_a_hostile_scanner_ends_its_own_run_alone(name: str, complaints: list[str]) -> None:
    """The run ends as it must, in words of one line; the other's result stands; the report is plain, and is written."""
    report = scan(name)
    bad, good = report.results
    assert (hostile(name).outcome, Outcome.OK, FOUND) == (bad.outcome, good.outcome, good.report)
    assert bad.outcome is Outcome.OK or is_one_line(bad)
    assert (Verdict.VULNERABLE, IMAGE) == (report.verdict, report.image)
    document = ReportDocument(reports=(report,))
    assert document == load_document(dump_document(document))
    assert [] == complaints


def scan(name: str) -> Any:
    """Scan with one hostile scanner and the good one, in an event loop whose clock jumps."""
    found = []

    @virtual_time
    async def run() -> None:
        async with open_engine(bad=hostile(name), good=Good) as engine:
            found.append(await engine.scan(IMAGE))
            assert () == engine.abandoned

    run()
    return found[0]


def is_one_line(run: ScannerRun) -> bool:
    """Return whether the error is not empty, has no control characters, and is not too long."""
    return type(run.error) is str and 0 < len(run.error) <= 2000 and run.error.isprintable()


def test_what_a_report_tells_is_bounded() -> None:
    """Notes beyond a thousand are counted, and who says that support has ended is one short line."""
    (many, _), (ended, _) = (scan(name).results for name in ("notes_many", "end_of_life_long"))
    assert ("note 999", "and 99000 more") == many.report.notes[-2:]
    assert (203, "[2J") == (len(ended.report.end_of_life.source), ended.report.end_of_life.distribution)


def test_an_error_of_the_settings_says_nothing_and_ends_nothing() -> None:
    """Its words end the program: what a property raises while the session is opened is put into words of ours."""

    class ExitingError(OSError):
        def __str__(self) -> str:
            raise SystemExit(0)

    @frozen(kw_only=True)
    class OwnSettings(ScannerSettings):
        @property
        def ca_file(self) -> str:
            raise ExitingError

    class Exiting(Good, contract=1):
        settings_class = OwnSettings

    async def run() -> None:
        async with open_engine(bad=Exiting):
            pass

    with pytest.raises(SettingsError, match=r"^security\.bad: ExitingError$"):
        asyncio.run(run())


def test_all_of_them_together() -> None:
    """A hundred hostile scanners on one image: every one has its own end, and the good one its result."""

    @virtual_time
    async def run() -> None:
        classes = {name: hostile(name) for name in IN_ONE_PROCESS}
        async with open_engine(**classes, good=Good) as engine:
            report = await engine.scan(IMAGE)
        ends = {one.scanner: one.outcome for one in report.results}
        assert {**{name: one.outcome for name, one in classes.items()}, "good": Outcome.OK} == ends

    run()


@pytest.mark.parametrize("name", ["retry_exits", "retry_own"])
def test_an_error_that_can_not_say_whether_to_try_again_is_not_tried_again(name: str) -> None:
    """Its scanner has one attempt."""
    assert 1 == scan(name).results[0].attempts


@pytest.mark.parametrize(("most", "outcome"), [(2, Outcome.OK), (1, Outcome.FAILED)])
def test_as_many_findings_as_may_be_are_taken(most: int, outcome: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more, and the run has failed: a part of a report would be taken for the whole."""
    monkeypatch.setattr("portus_scanners.engine.boundary.MOST_FINDINGS", most)

    class Finds(Scanner[ScannerSettings], contract=1):
        async def scan(self, image: Image) -> ScannerReport:
            return ScannerReport(findings=(Finding(id="CVE-1"), Finding(id="CVE-2")))

    @virtual_time
    async def run() -> None:
        async with open_engine(finds=Finds) as engine:
            (end,) = (await engine.scan(IMAGE)).results
        assert (outcome, outcome is not Outcome.OK) == (end.outcome, "more than 1 findings" in (end.error or ""))

    run()


def test_a_finding_that_is_changed_later_is_another_one() -> None:
    """What a scanner keeps hold of is not what stands in the report."""
    kept = []

    class Keeping(Scanner[ScannerSettings], contract=1):
        async def scan(self, image: Image) -> ScannerReport:
            kept.append(ScannerReport(findings=(Finding(id="CVE-1", details={"a": "b"}),), notes=("n",)))
            return kept[0]

    @virtual_time
    async def run() -> None:
        async with open_engine(keeping=Keeping) as engine:
            (end,) = (await engine.scan(IMAGE)).results
        assert kept[0] == end.report
        object.__setattr__(kept[0].findings[0], "id", None)
        kept[0].findings[0].details["a"] = 5
        object.__setattr__(kept[0], "complete", False)
        assert end.report == ScannerReport(findings=(Finding(id="CVE-1", details={"a": "b"}),), notes=("n",))

    run()


@pytest.mark.parametrize("name", HEALTH)
def test_a_hostile_health_check_is_unhealthy(name: str, complaints: list[str]) -> None:
    """It is not healthy, in one line; the other scanner's health is told."""

    @virtual_time
    async def run() -> None:
        async with open_engine(bad=hostile(name), good=Good) as engine:
            bad, good = await engine.check_health()
        assert (False, None, True) == (bad.healthy, good.healthy, 0 < len(bad.message) <= 2000)

    run()
    assert [] == complaints


def test_each_scanner_of_the_package_has_an_entry_point() -> None:
    """A class that is forgotten in ``pyproject.toml`` would be tested by nobody."""
    base = import_module("portus_scanner_hostile.making").Hostile
    there = {
        f"{module.__name__}:{name}"
        for module in (import_module(f"portus_scanner_hostile.{one}") for one in MODULES)
        for name, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, base) and value is not base
    }
    assert there == set(ENTRY_POINTS.values())
