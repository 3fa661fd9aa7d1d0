"""Each behaviour ends a scan as its name says."""

from __future__ import annotations

import asyncio

import pytest
from portus_scanner_dummy import BEHAVIOURS
from portus_scanners import (
    InvalidReportError,
    ScannerError,
    ScannerReport,
    ScannerUnavailableError,
    UnsupportedImageError,
)
from portus_scanners_testing import StillWorkingError

NOTE = "dummy: these findings are scripted, nothing was scanned"
PORTUS_IDS = ["CVE-2016-6304", "CVE-2016-7052", "CVE-2016-2178"]


async def begin(scan):
    """Return the scan's task after it has had every chance to end."""
    task = asyncio.ensure_future(scan)
    for _ in range(10):
        await asyncio.sleep(0)
    return task


async def cancel(task):
    """Cancel a task once and let it act on that."""
    task.cancel()
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("behaviour", "complete", "notes"),
    [("report", True, (NOTE,)), ("incomplete", False, (NOTE, "dummy: scripted to be incomplete"))],
)
async def test_reports_the_findings(scanner, image, behaviour, complete, notes):
    """`report` and `incomplete` return the findings and differ in what they say of themselves."""
    report = await scanner(behaviour=behaviour).scan(image)

    assert PORTUS_IDS == [finding.id for finding in report.findings]
    assert complete is report.complete
    assert notes == report.notes


async def test_message_of_a_report_is_a_note(scanner, image):
    """The message of an entry that ends with a report stands among its notes."""
    report = await scanner(behaviour="incomplete", message="half of it").scan(image)

    assert (NOTE, "half of it") == report.notes


async def test_empty_is_a_complete_report_without_findings(scanner, image):
    """`empty` finds nothing, whatever the script lists, and still says that nothing was scanned."""
    report = await scanner(behaviour="empty", count=3).scan(image)

    assert ScannerReport(notes=(NOTE,), scanner_version="dummy") == report


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        ("unsupported", UnsupportedImageError),
        ("unavailable", ScannerUnavailableError),
        ("unavailable_once", ScannerUnavailableError),
        ("failed", ScannerError),
        ("invalid", InvalidReportError),
        ("crash", RuntimeError),
        ("exit", SystemExit),
    ],
)
async def test_raises_the_error(scanner, image, behaviour, error):
    """A behaviour that is an error raises exactly that one, with the message of the script."""
    with pytest.raises(error, match="as the script says") as caught:
        await scanner(behaviour=behaviour, message="as the script says").scan(image)

    assert error is type(caught.value)


async def test_error_without_a_message_says_that_it_is_scripted(scanner, image):
    """A scripted error can't be taken for a real one."""
    with pytest.raises(ScannerError, match=r"^dummy: scripted to end as 'failed'$"):
        await scanner(behaviour="failed").scan(image)


async def test_unavailable_once_answers_the_second_time(scanner, image, image_of):
    """The first scan of each image is refused, later ones are answered."""
    dummy = scanner(behaviour="unavailable_once")

    for one in (image, image_of("alpine")):
        with pytest.raises(ScannerUnavailableError):
            await dummy.scan(one)
        assert 3 == len((await dummy.scan(one)).findings)


async def test_nothing_returns_none(scanner, image):
    """`nothing` breaks the contract: it returns None."""
    assert await scanner(behaviour="nothing").scan(image) is None


async def test_pending_waits_again_and_again(scanner, image, context):
    """`pending` says each time that the backend is still working, and never ends by itself."""
    with pytest.raises(StillWorkingError):
        await scanner(behaviour="pending").scan(image)

    assert [("wait", 1.0)] * 4 == context.calls


async def test_hang_ends_when_it_is_cancelled(scanner, image):
    """`hang` says nothing and ends at the first cancellation."""
    task = await begin(scanner(behaviour="hang").scan(image))
    assert not task.done()

    await cancel(task)

    assert task.cancelled()


async def test_stubborn_swallows_one_cancellation(scanner, image):
    """`stubborn` goes on after the first cancellation and ends at the second, so that a test can clean up."""
    task = await begin(scanner(behaviour="stubborn").scan(image))

    await cancel(task)
    assert not task.done()

    await cancel(task)
    assert task.cancelled()


async def test_keep_comes_before_the_hanging(scanner, image, context):
    """What was found so far is handed over as incomplete before the scan begins to wait without end."""
    with pytest.raises(StillWorkingError):
        await scanner(behaviour="pending", keep=True).scan(image)

    (_, kept), *rest = context.calls
    assert PORTUS_IDS == [finding.id for finding in kept.findings]
    assert not kept.complete
    assert {"wait"} == {call[0] for call in rest}


async def test_delay_is_spread_over_the_steps(scanner, image, context, monkeypatch):
    """The delay is divided among the steps, and each is reported after its share."""
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr("portus_scanner_dummy.scanner.sleep", sleep)

    await scanner(delay=6, steps=3).scan(image)
    await scanner(delay=4).scan(image)

    assert [2.0, 2.0, 2.0, 4.0] == slept
    assert [("progress", done, 3, "step") for done in (1, 2, 3)] == context.calls


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
async def test_every_behaviour_is_known_to_the_scanner(scanner, image, behaviour):
    """No word that the settings allow is taken for another: only three of them end with findings."""
    task = await begin(scanner(behaviour=behaviour).scan(image)) if behaviour != "exit" else None
    if task is None or not task.done():
        assert behaviour in {"exit", "hang", "stubborn"}
        for _ in range(2 if task else 0):
            await cancel(task)
        return
    found = task.exception() is None and task.result() is not None and bool(task.result().findings)

    assert found is (behaviour in {"report", "incomplete"})


async def test_health(scanner):
    """The dummy is always well and says that it is one."""
    health = await scanner(behaviour="unavailable").check_health()

    assert health.healthy
    assert "scripted" in health.message
