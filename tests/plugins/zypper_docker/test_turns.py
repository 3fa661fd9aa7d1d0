"""Requests never overlap at the server, from however many processes of a user."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from portus_scanner_zypper_docker import ZypperDockerScanner
from portus_scanner_zypper_docker.server_turn import take_turn
from portus_scanners import Engine, ImageReport, Outcome, Progress
from portus_scanners_testing import StandInContext, open_engine
from standins.zypper_docker import StandInZypperDocker, scanned

from .conftest import ID, image_of

Make = Callable[..., ZypperDockerScanner]


async def scan(engine: Engine, shown: asyncio.Event) -> ImageReport:
    """Scan the image, and tell when it waits for another process."""

    def look(told: Progress) -> None:
        if told.what.startswith("waiting for another process"):
            shown.set()

    return await engine.scan(image_of(), on_progress=look)


async def test_engines_take_turns(server: StandInZypperDocker) -> None:
    """An engine's slots count in its own process; the lock file counts for all of them, and the wait is shown."""
    shown, release = asyncio.Event(), asyncio.Event()
    server.script(ID, scanned(release=release))
    values = {"server": server.url}
    async with open_engine(ZypperDockerScanner, values) as one, open_engine(ZypperDockerScanner, values) as other:
        scans = [asyncio.ensure_future(scan(engine, shown)) for engine in (one, other)]
        await shown.wait()
        release.set()
        reports = await asyncio.gather(*scans)
    assert [Outcome.OK] * 2 == [report.results[0].outcome for report in reports]
    assert (1, 2) == (server.most_in_flight, len(server.asked))


async def test_the_wait_counts_to_the_deadline(server: StandInZypperDocker) -> None:
    """A run that has not come to its turn by then is pending, and has asked nothing."""
    values = {"server": server.url, "timeout": "1"}
    async with take_turn(StandInContext(), server.url), open_engine(ZypperDockerScanner, values) as engine:
        (run,) = (await engine.scan(image_of())).results
    assert (Outcome.PENDING, []) == (run.outcome, server.requests)


async def test_a_request_after_the_deadline_keeps_the_others_out(
    server: StandInZypperDocker, strike: Callable[[], None]
) -> None:
    """The server scans on for a client that has hung up."""
    release = asyncio.Event()
    server.script(ID, scanned(release=release))
    async with open_engine(ZypperDockerScanner, {"server": server.url}) as engine:
        scanning = asyncio.ensure_future(engine.scan(image_of()))
        while not server.asked:  # noqa: ASYNC110 (the server tells nobody)
            await asyncio.sleep(0.01)
        strike()
        (run,) = (await scanning).results
        async with take_turn(StandInContext(), server.url, wait=False) as turn:
            assert (Outcome.TIMED_OUT, False) == (run.outcome, turn.taken)
        release.set()
    async with take_turn(StandInContext(), server.url, wait=False) as turn:
        assert turn.taken


async def test_no_lock_file_is_a_note(server: StandInZypperDocker, scanner: Make, runtime: Path) -> None:
    """No failure: a report that other processes may have spoilt says so."""
    (runtime / "portus-scanners").write_text("")
    (runtime.parent / "cache").write_text("")
    server.script(ID, scanned())
    report = await scanner().scan(image_of())
    assert (True, True) == (report.complete, "there is no lock file (" in report.notes[-1])


async def test_health_does_not_disturb_a_scan(server: StandInZypperDocker, scanner: Make) -> None:
    """While another process has its turn, only the server's own page is asked for."""
    async with take_turn(StandInContext(), server.url):
        health = await scanner().check_health()
    assert (True, []) == (health.healthy, server.asked)
    assert "scans for another process" in health.message
