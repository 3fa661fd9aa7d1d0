"""Slots, requests to finish, cancellation, streams, start and end."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NoReturn

import pytest
from portus_scanners import (
    Database,
    Finding,
    Health,
    Image,
    ImageReport,
    Outcome,
    Progress,
    RegistryError,
    Scanner,
    ScannerReport,
    ScannerSettings,
    SettingsError,
    Verdict,
    make_image_report,
)
from portus_scanners_testing import virtual_time

from .conftest import IMAGE, Stub
from .test_outcomes import FOUND, doing

DATABASE = Database(identity="7", updated=datetime(2099, 1, 1, tzinfo=UTC))


def other_tasks() -> set[str]:
    """Return the names of all tasks but the current one."""
    return {task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()}


class Hanging(Scanner[ScannerSettings], contract=1):
    """Keeps a finding and hangs."""

    async def scan(self, image: Image) -> ScannerReport:
        self.context.keep(FOUND)
        await asyncio.Event().wait()
        raise AssertionError


@virtual_time
async def test_all_scanners_run_at_once(make_engine: Callable[..., Any]) -> None:
    """Three scanners of 10 s each need 10 s together; results keep the order of the configuration."""

    async def slow(_scanner: Scanner[Any], _image: Image) -> ScannerReport:
        await asyncio.sleep(10)
        return ScannerReport()

    async with make_engine(c=doing(slow), a=doing(slow), b=doing(slow)) as engine:
        begin = asyncio.get_running_loop().time()
        report = await engine.scan("registry.example/app:1")
        assert 10.0 == pytest.approx(asyncio.get_running_loop().time() - begin)
    assert ["c", "a", "b"] == [run.scanner for run in report.results]
    assert Verdict.CLEAN == report.verdict


@pytest.mark.parametrize(("findings", "aliases", "off_the_loop"), [(100, 0, False), (1000, 0, True), (1, 1000, True)])
async def test_many_findings_are_merged_off_the_loop(
    make_engine: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, findings: int, aliases: int, *, off_the_loop: bool
) -> None:
    """The event loop goes on meanwhile, whether there are many findings or many names of one."""
    names = tuple(f"CVE-2099-{number:05}" for number in range(aliases))
    report = ScannerReport(findings=[Finding(id=f"X-{number}", aliases=names) for number in range(findings)])
    merging: list[threading.Thread] = []

    def noted(*args: Any) -> ImageReport:
        merging.append(threading.current_thread())
        return make_image_report(*args)

    async def found(_scanner: Scanner[Any], _image: Image) -> ScannerReport:
        return report

    monkeypatch.setattr("portus_scanners.engine.image_scan.make_image_report", noted)
    async with make_engine(one=doing(found)) as engine:
        assert (aliases or findings) == len((await engine.scan("registry.example/app:1")).vulnerabilities)
    assert [off_the_loop] == [thread is not threading.main_thread() for thread in merging]


@virtual_time
async def test_instances_of_one_server_share_its_slots(make_engine: Callable[..., Any]) -> None:
    """Slots are counted per plugin and server: two instances of one server with one slot take turns."""
    busy, most = set(), []

    async def count(scanner: Scanner[Any], _image: Image) -> ScannerReport:
        busy.add(scanner)
        most.append(len(busy))
        await asyncio.sleep(5)
        busy.remove(scanner)
        return ScannerReport()

    one = {"server": "http://one/", "concurrency": 1, "scanner": "acme"}
    other = {"server": "http://one", "concurrency": 3, "scanner": "acme"}
    async with make_engine({"acme": {"enabled": False}, "x": one, "y": other}, acme=doing(count)) as engine:
        report = await engine.scan("registry.example/app:1")
    assert [1, 1] == most
    assert [0.0, 5.0] == sorted(run.waited for run in report.results)


@virtual_time
async def test_the_clock_of_a_scanner_starts_with_its_slot(make_engine: Callable[..., Any]) -> None:
    """Waiting for a slot does not count against the scanner's timeout."""

    async def slow(_scanner: Scanner[Any], _image: Image) -> ScannerReport:
        await asyncio.sleep(8)
        return ScannerReport()

    settings = {"one": {"timeout": 10, "concurrency": 1}}
    async with make_engine(settings, one=doing(slow)) as engine:
        reports = await asyncio.gather(*(engine.scan("registry.example/app:1") for _ in range(3)))
    assert {Outcome.OK} == {report.results[0].outcome for report in reports}


@virtual_time
async def test_the_time_that_is_told_is_the_scanners_own(make_engine: Callable[..., Any]) -> None:
    """A run that waited for its slot and then timed out says how long it was given, not how long it waited."""
    async with make_engine({"one": {"timeout": 10, "concurrency": 1}}, one=Hanging) as engine:
        reports = await asyncio.gather(*(engine.scan("registry.example/app:1") for _ in range(2)))
    assert ["no result within 10 s"] * 2 == [report.results[0].error for report in reports]
    assert [0.0, 10.0] == [report.results[0].waited for report in reports]


@virtual_time
async def test_a_slot_that_does_not_come_in_time_is_timed_out(make_engine: Callable[..., Any]) -> None:
    """The deadline of the whole scan ends the wait for a slot as well."""
    async with make_engine({"one": {"concurrency": 1}}, one=Hanging) as engine, engine.scan("r.example/a"):
        await asyncio.sleep(1)
        report = await engine.scan("registry.example/app:1", timeout=30)
    assert Outcome.TIMED_OUT == report.results[0].outcome
    assert "its turn did not come" in (report.results[0].error or "")
    assert 0 == report.results[0].attempts


@virtual_time
async def test_a_request_to_finish_keeps_the_slot(make_engine: Callable[..., Any]) -> None:
    """When the run ends before finish() does, the next image waits until that request has ended."""
    log: list[tuple[str, float]] = []

    async def request() -> None:
        log.append(("begun", asyncio.get_running_loop().time()))
        await asyncio.sleep(25)
        log.append(("ended", asyncio.get_running_loop().time()))

    async def act(scanner: Scanner[Any], _image: Image) -> ScannerReport:
        await scanner.context.finish(request())
        return ScannerReport()

    async with make_engine({"one": {"timeout": 10, "concurrency": 1}}, one=doing(act)) as engine:
        first = await engine.scan("registry.example/app:1")
        await engine.scan("registry.example/app:1")
    assert Outcome.TIMED_OUT == first.results[0].outcome
    assert [("begun", 0.0), ("begun", 20.0)] == [(word, round(at)) for word, at in log]


@virtual_time
async def test_a_request_that_ends_in_time_is_awaited(make_engine: Callable[..., Any]) -> None:
    """The slot comes back as soon as the unfinished request ends, and finish() gives its value."""
    begun: list[float] = []

    async def request() -> int:
        begun.append(asyncio.get_running_loop().time())
        await asyncio.sleep(12)
        return 7

    async def act(scanner: Scanner[Any], _image: Image) -> ScannerReport:
        assert 7 == await scanner.context.finish(request())
        return ScannerReport()

    async with make_engine({"one": {"timeout": 10, "concurrency": 1}}, one=doing(act)) as engine:
        await engine.scan("registry.example/app:1")
        await engine.scan("registry.example/app:1")
    assert [0.0, 12.0] == [round(at) for at in begun]


@virtual_time
async def test_closing_the_engine_ends_a_request_to_finish(make_engine: Callable[..., Any]) -> None:
    """An engine that is closed leaves no request behind, not even one that wanted to finish."""

    async def act(scanner: Scanner[Any], _image: Image) -> ScannerReport:
        await scanner.context.finish(asyncio.sleep(10_000))
        return ScannerReport()

    async with make_engine({"one": {"timeout": 10}}, one=doing(act)) as engine:
        await engine.scan("registry.example/app:1")
        assert set() != other_tasks()
    assert set() == other_tasks()


@virtual_time
async def test_the_callers_cancellation_passes_and_leaves_nothing(make_engine: Callable[..., Any]) -> None:
    """Cancelling whoever awaits a scan raises CancelledError there, after the scanners have ended."""
    async with make_engine(one=Hanging, two=Stub) as engine:

        async def call() -> None:
            await engine.scan("registry.example/app:1")

        caller = asyncio.create_task(call())
        await asyncio.sleep(1)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        assert set() == other_tasks()


@virtual_time
async def test_leaving_a_stream_early_leaves_nothing(make_engine: Callable[..., Any]) -> None:
    """After `break` and the end of `async with`, no task of the scan is left."""
    async with make_engine(one=Hanging, two=Stub) as engine:
        async with engine.scan("registry.example/app:1") as scan:
            async for run in scan:
                assert "two" == run.scanner
                break
        assert set() == other_tasks()


@virtual_time
async def test_a_stream_gives_each_run_as_it_ends(make_engine: Callable[..., Any]) -> None:
    """Iterating yields the fast scanner first; awaiting afterwards gives the report in configured order."""

    async def slow(_scanner: Scanner[Any], _image: Image) -> ScannerReport:
        await asyncio.sleep(10)
        return ScannerReport()

    async with make_engine(slow=doing(slow), fast=Stub) as engine, engine.scan("registry.example/app:1") as scan:
        streamed = [run.scanner async for run in scan]
        report = await scan
    assert ["fast", "slow"] == streamed
    assert ["slow", "fast"] == [run.scanner for run in report.results]


@virtual_time
async def test_stop_gives_the_report_with_cancelled_runs(make_engine: Callable[..., Any]) -> None:
    """After stop() the unfinished run is cancelled, with what it kept, and the finished one stands."""
    async with make_engine(one=Hanging, two=Stub) as engine, engine.scan("registry.example/app:1") as scan:
        await asyncio.sleep(1)
        scan.stop()
        report = await scan
    assert [Outcome.CANCELLED, Outcome.OK] == [run.outcome for run in report.results]
    assert report.results[0].report is not None
    assert FOUND.findings == report.results[0].report.findings


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 4, 5])
@virtual_time
async def test_stop_at_any_moment_gives_a_report_or_a_reason(make_engine: Callable[..., Any], steps: int) -> None:
    """However early stop() comes, awaiting gives a report of cancelled runs or the RegistryError that says so."""
    async with make_engine(one=Hanging) as engine, engine.scan("registry.example/app:1") as scan:
        for _ in range(steps):
            await asyncio.sleep(0)
        scan.stop()
        try:
            ended = (await scan).results[0].outcome.value
        except RegistryError as error:
            ended = error.step
    assert ended in {"cancelled", "interrupted"}


@virtual_time
async def test_an_image_that_cannot_be_resolved_raises(make_engine: Callable[..., Any]) -> None:
    """The registry's error comes to whoever awaits and to whoever iterates."""
    async with make_engine(one=Stub) as engine:
        with pytest.raises(RegistryError, match="no such image"):
            await engine.scan("registry.example/missing:1")
        async with engine.scan("registry.example/missing:1") as scan:
            with pytest.raises(RegistryError, match="no such image"):
                [run async for run in scan]


@virtual_time
async def test_a_plugin_that_cannot_be_loaded_is_a_failed_run(make_engine: Callable[..., Any]) -> None:
    """An enabled plugin with a broken import fails each image and says why; it is never silence."""
    async with make_engine(broken="it can't be imported", good=Stub) as engine:
        report = await engine.scan("registry.example/app:1")
        health = await engine.check_health()
    assert [(Outcome.FAILED, "it can't be imported"), (Outcome.OK, None)] == [
        (run.outcome, run.error) for run in report.results
    ]
    assert [False, None] == [one.healthy for one in health]
    assert Verdict.UNKNOWN == report.verdict


@virtual_time
async def test_a_scanner_that_cannot_start_is_a_failed_run_and_is_closed(make_engine: Callable[..., Any]) -> None:
    """What start() raises fails each run; aclose() is called all the same."""
    closed = []

    class Unstartable(Stub, contract=1):
        async def start(self) -> None:
            msg = "no disk"
            raise OSError(msg)

        async def aclose(self) -> None:
            closed.append(self)

    async with make_engine(one=Unstartable) as engine:
        report = await engine.scan("registry.example/app:1")
    assert Outcome.FAILED == report.results[0].outcome
    assert "it could not be started: it crashed (OSError: no disk)" == report.results[0].error
    assert 1 == len(closed)


@virtual_time
async def test_wrong_settings_are_an_error_on_entering(make_engine: Callable[..., Any]) -> None:
    """Unknown keys and wrong types of an enabled scanner raise one SettingsError with a line for each."""
    with pytest.raises(SettingsError) as raised:
        async with make_engine({"one": {"timeout": False, "sevrer": "x"}}, one=Stub):
            raise AssertionError
    assert (
        "security.one.sevrer: unknown key; did you mean server?",
        "security.one.timeout: expected a number of seconds, or a duration such as 90s, 5m or 1h30m",
    ) == raised.value.faults


@virtual_time
async def test_two_images_at_once_do_not_mix(make_engine: Callable[..., Any]) -> None:
    """One scanner object scans two images at once: what each keeps stays with its own run."""

    async def keep_own(scanner: Scanner[Any], image: Image) -> NoReturn:
        scanner.context.keep(ScannerReport(findings=(Finding(id=image.digest),)))
        while True:
            await scanner.context.wait(1)

    from attrs import evolve

    other = evolve(IMAGE, digest="sha256:" + "c" * 64)
    async with make_engine(one=doing(keep_own)) as engine:
        reports = await asyncio.gather(engine.scan(IMAGE), engine.scan(other))
    assert [IMAGE.digest, other.digest] == [report.vulnerabilities[0].id for report in reports]


@virtual_time
async def test_progress_is_told_in_order(make_engine: Callable[..., Any]) -> None:
    """on_progress hears waiting, scanning, each step and the outcome."""

    async def steps(scanner: Scanner[Any], _image: Image) -> ScannerReport:
        scanner.context.progress(1, 2, "layer")
        return ScannerReport()

    heard: list[Progress] = []
    async with make_engine(one=doing(steps)) as engine:
        await engine.scan("registry.example/app:1", on_progress=heard.append)
        await asyncio.sleep(0)
    assert [("waiting", 0), ("scanning", 0), ("scanning", 1), ("ok", 1)] == [(one.state, one.done) for one in heard]


@virtual_time
async def test_an_error_in_on_progress_is_not_the_scanners(make_engine: Callable[..., Any]) -> None:
    """A function of the caller that raises goes to the loop's handler; the run is not touched."""
    heard: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: heard.append(context["exception"]))

    def fail(_progress: Progress) -> None:
        msg = "caller's"
        raise ValueError(msg)

    async with make_engine(one=Stub) as engine:
        report = await engine.scan("registry.example/app:1", on_progress=fail)
    assert Outcome.OK == report.results[0].outcome
    assert all(isinstance(error, ValueError) for error in heard)


@pytest.mark.parametrize(
    ("health", "expected"),
    [
        (Health(healthy=True, message="up"), (True, "up")),
        (RuntimeError("no"), (False, "it crashed (RuntimeError: no)")),
        (None, (False, "the health can't be used: expected Health, got NoneType")),
        ("hang", (False, "no answer within 10 s")),
    ],
    ids=["up", "crash", "nothing", "hang"],
)
@virtual_time
async def test_health_is_a_record_whatever_happens(
    make_engine: Callable[..., Any], health: object, expected: tuple[bool, str]
) -> None:
    """check_health gives healthy or not and why, also for a check that crashes, hangs or returns nonsense."""

    class Checked(Stub, contract=1):
        async def check_health(self) -> Health:
            if isinstance(health, Exception):
                raise health
            if health == "hang":
                await asyncio.Event().wait()
            return health  # type: ignore[return-value]

    async with make_engine(one=Checked) as engine:
        (record,) = await engine.check_health()
    assert expected == (record.healthy, record.message)


@pytest.mark.parametrize(
    ("database", "expected"),
    [
        (None, (None, True)),
        (DATABASE, (DATABASE, True)),
        ("7", (None, False)),
        (ValueError("no"), (None, False)),
    ],
)
@virtual_time
async def test_health_has_the_database(
    make_engine: Callable[..., Any], database: object, expected: tuple[Database | None, bool]
) -> None:
    """What the scanner would answer from is told with its health; a scanner that can't tell it is not healthy."""

    class Knowing(Stub, contract=1):
        async def check_health(self) -> Health:
            return Health(healthy=True, message="well")

        async def database(self) -> Database | None:
            if isinstance(database, Exception):
                raise database
            return database  # type: ignore[return-value]

    async with make_engine(one=Knowing) as engine:
        (record,) = await engine.check_health()
    assert expected == (record.database, record.healthy)


@virtual_time
async def test_an_engine_that_is_not_open_says_so(make_engine: Callable[..., Any]) -> None:
    """Without any scanner a report is unknown; the engine works only inside `async with`."""
    from portus_scanners import Engine, Settings

    from .conftest import OneImageRegistry

    for engine in (Engine(Settings()), Engine(Settings(), registry=OneImageRegistry())):  # type: ignore[arg-type]
        with pytest.raises(RuntimeError, match="async with"):
            engine.scan("registry.example/app:1")
    async with make_engine() as engine:
        report = await engine.scan("registry.example/app:1")
    assert (Verdict.UNKNOWN, ()) == (report.verdict, report.results)
    with pytest.raises(RuntimeError, match="async with"):
        engine.scan("registry.example/app:1")


class Slow(Scanner[ScannerSettings], contract=1):
    """Hangs, and needs a second to clean up when it is cancelled."""

    async def scan(self, image: Image) -> ScannerReport:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(1)
        raise AssertionError


@pytest.mark.parametrize("ends", ["stop twice", "stop and leave", "cancel and close"])
@virtual_time
async def test_the_grace_is_not_cut_short(make_engine: Callable[..., Any], ends: str) -> None:
    """However often an end is asked for, a scanner has its grace to clean up, and nothing of it is left running."""
    async with make_engine(one=Slow) as engine:
        scan = engine.scan("registry.example/app:1")
        caller = asyncio.create_task(_await(scan))
        await asyncio.sleep(1)
        if ends == "cancel and close":
            caller.cancel()
            await asyncio.sleep(0.1)
        else:
            scan.stop()
            await asyncio.sleep(0.1)
            scan.stop()
            if ends == "stop and leave":
                await scan.aclose()
        await engine.aclose()
        assert ((), set()) == (engine.abandoned, other_tasks() - {caller.get_name()})
        await asyncio.wait({caller})


async def _await(scan: Any) -> None:
    await scan


@virtual_time
async def test_closing_the_engine_under_a_scan_is_an_error_there(make_engine: Callable[..., Any]) -> None:
    """Whoever awaits or iterates a scan whose engine is closed gets a RuntimeError, not an empty answer."""
    async with make_engine(one=Hanging) as engine:
        scan, streamed = engine.scan("registry.example/app:1"), engine.scan("registry.example/app:1")
        tasks = [asyncio.create_task(_await(scan)), asyncio.create_task(_collect(streamed))]
        late = engine.scan("registry.example/app:1")
        await asyncio.sleep(1)
        await engine.aclose()
        await asyncio.wait(tasks)
        assert [RuntimeError, RuntimeError] == [type(task.exception()) for task in tasks]
        with pytest.raises(RuntimeError, match="not open"):
            await late


async def _collect(scan: Any) -> list[Any]:
    return [run async for run in scan]


@virtual_time
async def test_a_request_that_will_not_end_does_not_keep_the_engine_open(make_engine: Callable[..., Any]) -> None:
    """A coroutine given to finish() that swallows its cancellation is abandoned after the grace, and named."""
    release = asyncio.Event()

    async def stay() -> None:
        while not release.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await release.wait()

    async def act(scanner: Scanner[Any], _image: Image) -> ScannerReport:
        await scanner.context.finish(stay())
        return ScannerReport()

    async with make_engine({"one": {"timeout": 10}}, one=doing(act)) as engine:
        await engine.scan("registry.example/app:1")
    assert ("a request to finish",) == engine.abandoned
    release.set()
    await asyncio.sleep(1)


@virtual_time
async def test_an_open_engine_is_not_opened_again(make_engine: Callable[..., Any]) -> None:
    """Entering an engine twice is a RuntimeError; nothing of the first time is lost."""
    async with make_engine(one=Stub) as engine:
        with pytest.raises(RuntimeError, match="open already"):
            await engine.__aenter__()
        assert Verdict.CLEAN == (await engine.scan("registry.example/app:1")).verdict


@pytest.mark.parametrize("steps", range(8))
@virtual_time
async def test_a_slot_is_not_lost_when_its_next_user_is_stopped(make_engine: Callable[..., Any], steps: int) -> None:
    """Stopped while it waits for the slot, or just when that comes, a scan leaves it to the next one."""
    release = asyncio.Event()

    async def hold(_scanner: Scanner[Any], _image: Image) -> ScannerReport:
        await release.wait()
        return ScannerReport()

    async with make_engine({"one": {"concurrency": 1}}, one=doing(hold)) as engine:
        async with engine.scan(IMAGE) as first, engine.scan(IMAGE) as second:
            await asyncio.sleep(1)
            release.set()
            for _ in range(steps):
                await asyncio.sleep(0)
            second.stop()
            outcomes = [(await one).results[0].outcome for one in (first, second)]
        report = await engine.scan(IMAGE, timeout=5)
    assert Outcome.OK == outcomes[0] == report.results[0].outcome
    assert outcomes[1] in {Outcome.OK, Outcome.CANCELLED}
