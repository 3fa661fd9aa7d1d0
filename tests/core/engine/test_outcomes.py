"""How a run ends, and what that is called."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from portus_scanners import (
    Finding,
    Image,
    InvalidReportError,
    Outcome,
    RegistryError,
    Scanner,
    ScannerError,
    ScannerReport,
    ScannerSettings,
    ScannerUnavailableError,
    UnsupportedImageError,
    Verdict,
)
from portus_scanners_testing import virtual_time

from .conftest import Stub

FOUND = ScannerReport(findings=(Finding(id="CVE-2016-6304"),))


def raising(error: BaseException) -> type[Scanner[Any]]:
    """Make a scanner that raises."""

    class Raising(Scanner[ScannerSettings], contract=1):
        async def scan(self, image: Image) -> ScannerReport:
            raise error

    return Raising


def doing(action: Callable[[Scanner[Any], Image], Any]) -> type[Scanner[Any]]:
    """Make a scanner from a coroutine function."""

    class Doing(Scanner[ScannerSettings], contract=1):
        async def scan(self, image: Image) -> ScannerReport:
            return await action(self, image)

    return Doing


class Panic(BaseException):
    """What a Rust extension raises."""


class UnspeakableError(Exception):
    """An exception whose text can't be had."""

    def __str__(self) -> str:
        msg = "no text"
        raise RuntimeError(msg)


class ForgetfulError(ScannerUnavailableError):
    """Derived from ours, without calling its base."""

    def __init__(self) -> None:
        Exception.__init__(self)


@pytest.mark.parametrize(
    ("error", "outcome", "text"),
    [
        (UnsupportedImageError("no such distribution"), Outcome.UNSUPPORTED, "no such distribution"),
        (ScannerUnavailableError("is down", retry=False), Outcome.FAILED, "is down"),
        (InvalidReportError("nonsense", faults=["$.a: expected a text"]), Outcome.FAILED, "nonsense: $.a: expected"),
        (ScannerError("layer 2 of 3"), Outcome.FAILED, "layer 2 of 3"),
        (RegistryError("no token", registry="r", step="token"), Outcome.FAILED, "no token"),
        (KeyError("x"), Outcome.FAILED, "it crashed (KeyError: 'x')"),
        (TimeoutError(), Outcome.FAILED, "it crashed (TimeoutError)"),
        (SystemExit(3), Outcome.FAILED, "it crashed (SystemExit: 3)"),
        (KeyboardInterrupt(), Outcome.FAILED, "it crashed (KeyboardInterrupt)"),
        (Panic("panicked"), Outcome.FAILED, "it crashed (Panic: panicked)"),
        (asyncio.CancelledError(), Outcome.FAILED, "it cancelled itself"),
        (UnspeakableError(), Outcome.FAILED, "it crashed (UnspeakableError)"),
        (ForgetfulError(), Outcome.FAILED, "ForgetfulError"),
        (ScannerError(""), Outcome.FAILED, "ScannerError"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
@virtual_time
async def test_an_error_ends_its_own_run_only(
    make_engine: Callable[..., Any], error: BaseException, outcome: Outcome, text: str
) -> None:
    """Whatever a scanner raises ends its run with the right outcome, and the other scanner's result stands."""
    async with make_engine(bad=raising(error), good=doing(lambda *_: _value(FOUND))) as engine:
        report = await engine.scan("registry.example/app:1")
    bad, good = report.results
    assert outcome == bad.outcome
    assert text in (bad.error or "")
    assert Outcome.OK == good.outcome
    assert Verdict.VULNERABLE == report.verdict


@pytest.mark.parametrize("value", [None, [], {"findings": []}, 0, ScannerReport], ids=repr)
@virtual_time
async def test_a_return_that_is_no_report_has_failed(make_engine: Callable[..., Any], value: object) -> None:
    """A scanner that returns anything but a ScannerReport has failed; the image is not clean."""
    async with make_engine(odd=doing(lambda *_: _value(value))) as engine:
        report = await engine.scan("registry.example/app:1")
    assert Outcome.FAILED == report.results[0].outcome
    assert Verdict.UNKNOWN == report.verdict


@virtual_time
async def test_an_incomplete_report_is_incomplete(make_engine: Callable[..., Any]) -> None:
    """A report that says it is not complete ends incomplete, its notes as the reason, and is not clean."""
    half = ScannerReport(complete=False, notes=("two of three layers",))
    async with make_engine(half=doing(lambda *_: _value(half))) as engine:
        report = await engine.scan("registry.example/app:1")
    assert (Outcome.INCOMPLETE, "two of three layers") == (report.results[0].outcome, report.results[0].error)
    assert Verdict.UNKNOWN == report.verdict


@virtual_time
async def test_a_backend_that_is_working_at_the_deadline_is_pending(make_engine: Callable[..., Any]) -> None:
    """Having said that its backend is working makes a run pending at the deadline; what it kept is incomplete."""

    async def poll(scanner: Scanner[Any], _image: Image) -> NoReturn:
        scanner.context.keep(FOUND)
        while True:
            await scanner.context.wait(1)

    async with make_engine(slow=doing(poll)) as engine:
        report = await engine.scan("registry.example/app:1")
    (run,) = report.results
    assert Outcome.PENDING == run.outcome
    assert run.report is not None
    assert (False, FOUND.findings) == (run.report.complete, run.report.findings)
    assert 900.0 == pytest.approx(run.elapsed)
    assert "900 s" in (run.error or "")


@virtual_time
async def test_silence_until_the_deadline_is_timed_out(make_engine: Callable[..., Any]) -> None:
    """A run that was never heard of is timed_out after its own timeout, and says how far it was."""

    async def hang(scanner: Scanner[Any], _image: Image) -> NoReturn:
        scanner.context.progress(3, 30, "layer")
        await asyncio.Event().wait()
        raise AssertionError

    async with make_engine({"silent": {"timeout": 20}}, silent=doing(hang)) as engine:
        report = await engine.scan("registry.example/app:1")
    assert Outcome.TIMED_OUT == report.results[0].outcome
    assert "no result within 20 s, at layer 3 of 30" == report.results[0].error


@virtual_time
async def test_an_empty_report_after_cancellation_is_not_clean(make_engine: Callable[..., Any]) -> None:
    """A scanner that answers its cancellation with an empty report is timed_out, not ok."""

    async def lie(_scanner: Scanner[Any], _image: Image) -> ScannerReport:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return ScannerReport()
        raise AssertionError

    async with make_engine(liar=doing(lie)) as engine:
        report = await engine.scan("registry.example/app:1")
    assert Outcome.TIMED_OUT == report.results[0].outcome
    assert Verdict.UNKNOWN == report.verdict


@virtual_time
async def test_a_scanner_that_swallows_its_cancellation_is_abandoned_and_named(
    make_engine: Callable[..., Any],
) -> None:
    """After the grace a run that will not end is left behind: the report comes, and the engine names it."""
    release = asyncio.Event()

    async def stay(_scanner: Scanner[Any], _image: Image) -> ScannerReport:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        return ScannerReport()

    async with make_engine(stubborn=doing(stay), good=Stub) as engine:
        report = await engine.scan("registry.example/app:1", timeout=10)
        assert ("stubborn on registry.example/team/app:1",) == engine.abandoned
        release.set()
    assert [Outcome.TIMED_OUT, Outcome.OK] == [run.outcome for run in report.results]


@virtual_time
async def test_a_scanner_that_ends_at_once_is_not_abandoned_without_any_grace(make_engine: Callable[..., Any]) -> None:
    """A grace of zero seconds still is the time to be cancelled in."""

    async def hang(_scanner: Scanner[Any], _image: Image) -> NoReturn:
        await asyncio.Event().wait()
        raise AssertionError

    async with make_engine(grace=0.0, honest=doing(hang)) as engine:
        report = await engine.scan("registry.example/app:1", timeout=10)
        assert () == engine.abandoned
    assert Outcome.TIMED_OUT == report.results[0].outcome


@virtual_time
async def test_an_unavailable_backend_is_tried_three_times(make_engine: Callable[..., Any]) -> None:
    """ScannerUnavailableError is tried again twice, with pauses; the third error is the result."""
    calls: list[float] = []

    async def down(_scanner: Scanner[Any], _image: Image) -> ScannerReport:
        calls.append(asyncio.get_running_loop().time())
        raise ScannerUnavailableError("connection refused")

    async with make_engine(down=doing(down)) as engine:
        report = await engine.scan("registry.example/app:1")
    assert (Outcome.FAILED, "connection refused") == (report.results[0].outcome, report.results[0].error)
    assert 3 == report.results[0].attempts == len(calls)
    assert 0.5 <= calls[1] - calls[0] <= 1.0
    assert 2.0 <= calls[2] - calls[1] <= 4.0


@virtual_time
async def test_an_outage_that_does_not_say_whether_to_retry_is_tried_again(make_engine: Callable[..., Any]) -> None:
    """An error of a plugin's own class may have forgotten its base's initializer."""

    class AwayError(ScannerUnavailableError):
        def __init__(self) -> None:
            Exception.__init__(self, "away")

    async def down(_scanner: Scanner[Any], _image: Image) -> ScannerReport:
        raise AwayError

    async with make_engine(down=doing(down)) as engine:
        run = (await engine.scan("registry.example/app:1")).results[0]
    assert (Outcome.FAILED, 3) == (run.outcome, run.attempts)


@virtual_time
async def test_a_run_that_is_stopped_before_its_next_attempt_gives_its_slot_back(
    make_engine: Callable[..., Any],
) -> None:
    """There is no next attempt, and the one slot of the backend is free for another image at once."""
    calls: list[float] = []

    async def down(_scanner: Scanner[Any], _image: Image) -> ScannerReport:
        calls.append(asyncio.get_running_loop().time())
        raise ScannerUnavailableError("connection refused", retry=len(calls) == 1)

    async with make_engine({"down": {"concurrency": 1}}, down=doing(down)) as engine:
        async with engine.scan("registry.example/app:1") as scan:
            await asyncio.sleep(0.1)  # the first attempt has failed, the pause takes half a second or more
            scan.stop()
            stopped = (await scan).results[0]
        await asyncio.sleep(10)
        assert 1 == len(calls)
        other = (await engine.scan("registry.example/app:1")).results[0]
    assert (Outcome.CANCELLED, 1) == (stopped.outcome, stopped.attempts)
    assert (Outcome.FAILED, 0.0) == (other.outcome, other.waited)


@virtual_time
async def test_a_backend_that_comes_back_is_ok(make_engine: Callable[..., Any]) -> None:
    """A scan that succeeds at its second attempt is ok."""
    answers = iter([ScannerUnavailableError("restarting"), FOUND])

    async def flicker(_scanner: Scanner[Any], _image: Image) -> ScannerReport:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with make_engine(flicker=doing(flicker)) as engine:
        report = await engine.scan("registry.example/app:1")
    assert (Outcome.OK, 2) == (report.results[0].outcome, report.results[0].attempts)


@virtual_time
async def test_unavailable_and_then_silent_has_failed(make_engine: Callable[..., Any]) -> None:
    """When the last known state is unavailable, the deadline means failed, with that error."""
    calls: list[int] = []

    async def fail_then_hang(_scanner: Scanner[Any], _image: Image) -> ScannerReport:
        calls.append(1)
        if len(calls) == 1:
            raise ScannerUnavailableError("connection refused")
        await asyncio.Event().wait()
        raise AssertionError

    async with make_engine(down=doing(fail_then_hang)) as engine:
        report = await engine.scan("registry.example/app:1")
    assert Outcome.FAILED == report.results[0].outcome
    assert "connection refused (tried for 900 s)" == report.results[0].error


@virtual_time
async def test_no_attempt_is_begun_that_the_deadline_would_end(make_engine: Callable[..., Any]) -> None:
    """Where the pause would outlast the deadline, the error is the result at once."""
    async with make_engine({"down": {"timeout": 0.1}}, down=raising(ScannerUnavailableError("refused"))) as engine:
        report = await engine.scan("registry.example/app:1")
    assert (Outcome.FAILED, 1) == (report.results[0].outcome, report.results[0].attempts)


@virtual_time
async def test_what_is_no_image_is_unsupported_for_everybody(make_engine: Callable[..., Any]) -> None:
    """A Helm chart ends unsupported for each scanner, with the registry's reason, and no scanner is asked."""
    from attrs import evolve

    from .conftest import IMAGE

    async with make_engine(one=raising(AssertionError()), two=raising(AssertionError())) as engine:
        report = await engine.scan(evolve(IMAGE, unsupported="a Helm chart"))
    assert [(Outcome.UNSUPPORTED, "a Helm chart")] * 2 == [(run.outcome, run.error) for run in report.results]


@virtual_time
async def test_sys_exit_in_a_request_to_finish_does_not_end_the_program(make_engine: Callable[..., Any]) -> None:
    """A SystemExit inside finish() is a failed run as well."""

    async def leave() -> None:
        sys.exit(1)

    async def act(scanner: Scanner[Any], _image: Image) -> None:
        await scanner.context.finish(leave())

    async with make_engine(leaving=doing(act)) as engine:
        report = await engine.scan("registry.example/app:1")
    assert Outcome.FAILED == report.results[0].outcome


async def _value(value: object) -> object:
    return value


@pytest.mark.parametrize(("error", "logged"), [(KeyError("x"), True), (ScannerError("the backend is full"), False)])
async def test_only_a_crash_is_logged_with_its_traceback(
    make_engine: Callable[..., Any], caplog: pytest.LogCaptureFixture, error: Exception, *, logged: bool
) -> None:
    """An error that is not of ours is a fault of the plugin's: its author finds the place in the log."""
    async with make_engine(one=raising(error)) as engine:
        await engine.scan("registry.example/team/app:1")
    assert logged == ("in scan" in caplog.text)


async def test_a_finding_that_can_t_be_read_is_named_by_its_number(make_engine: Callable[..., Any]) -> None:
    """The message says which finding of the report it is, counted from 1."""

    async def scan(_scanner: Scanner[Any], _image: Image) -> ScannerReport:
        report = ScannerReport(findings=FOUND.findings)
        object.__setattr__(report, "findings", (FOUND.findings[0], "not a finding"))
        return report

    async with make_engine(one=doing(scan)) as engine:
        (run,) = (await engine.scan("registry.example/team/app:1")).results
    assert (Outcome.FAILED, True) == (run.outcome, "finding 2 of the report" in str(run.error))
