"""Slots that come from the caller: what a run asks of them, and limits that two engines share."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
from portus_scanners import (
    BackendLimit,
    Engine,
    Image,
    Outcome,
    Scanner,
    ScannerReport,
    ScannerUnavailableError,
    Settings,
    Slots,
)
from portus_scanners_testing import virtual_time

from .conftest import IMAGE, InstalledPlugin, OneImageRegistry, section
from .test_outcomes import doing


class OneAtATime(Slots):
    """Gives one slot to whoever asks first, whatever the limit says, and logs what it is asked."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.limits: list[BackendLimit] = []
        self._holder: object = None
        self._waiting: deque[tuple[object, Callable[[], None]]] = deque()

    def acquire(self, limit: BackendLimit, run: object, on_slot: Callable[[], None]) -> bool:
        self.log.append("acquire")
        self.limits.append(limit)
        if self._holder is None:
            self._holder = run
            return True
        self._waiting.append((run, on_slot))
        return False

    def give_up(self, limit: BackendLimit, run: object) -> None:
        self.log.append("give up")
        self._waiting = deque(one for one in self._waiting if one[0] is not run)

    def release(self, limit: BackendLimit, run: object) -> None:
        self.log.append("release")
        assert self._holder is run
        self._holder, on_slot = self._waiting.popleft() if self._waiting else (None, None)
        if on_slot is not None:  # as it would come from another process: some time later
            asyncio.get_running_loop().call_later(1, on_slot)


async def slow(_scanner: Scanner[Any], _image: Image) -> ScannerReport:
    """Take ten seconds."""
    await asyncio.sleep(10)
    return ScannerReport()


def make_engine(slots: Slots, **values: object) -> Engine:
    """Return an engine with one slow scanner, which takes its slots from an object."""
    registry: Any = OneImageRegistry()
    settings = Settings(scanners={"one": section("one", values)})
    return Engine(settings, registry=registry, plugins=[InstalledPlugin.of("one", doing(slow))], slots=slots)


@virtual_time
async def test_engines_that_share_their_slots_share_the_limit() -> None:
    """Two engines, each with a limit of four: one image at a time, the second a second after the first."""
    slots = OneAtATime()
    async with make_engine(slots) as one, make_engine(slots) as other:
        reports = await asyncio.gather(one.scan(IMAGE), other.scan(IMAGE))
    assert [(Outcome.OK, 0.0), (Outcome.OK, 11.0)] == [
        (report.results[0].outcome, report.results[0].waited) for report in reports
    ]
    assert ["acquire", "acquire", "release", "release"] == slots.log


@virtual_time
async def test_the_limit_names_the_backend() -> None:
    """Plugin, server and setting, for an object that counts somewhere else."""
    slots = OneAtATime()
    async with make_engine(slots, server="http://one/", concurrency=3) as engine:
        await engine.scan(IMAGE)
    assert [BackendLimit(plugin="one", server="http://one", concurrency=3)] == slots.limits


@virtual_time
async def test_a_run_that_waits_no_longer_gives_up() -> None:
    """Stopped or too late, it leaves the queue; a slot that comes all the same is given back, and nothing is lost."""
    slots = OneAtATime()
    async with make_engine(slots) as engine, engine.scan(IMAGE) as first:
        await asyncio.sleep(1)
        late = await engine.scan(IMAGE, timeout=2)
        async with engine.scan(IMAGE) as third:
            await first
            await asyncio.sleep(0.5)  # its slot is on its way
            third.stop()
            stopped = await third
        await asyncio.sleep(1)
        last = await engine.scan(IMAGE)
    outcomes = [one.results[0].outcome for one in (late, stopped, last)]
    assert [Outcome.TIMED_OUT, Outcome.CANCELLED, Outcome.OK] == outcomes
    expected = ["acquire", "acquire", "give up", "acquire", "release", "give up", "release", "acquire", "release"]
    assert expected == slots.log


class Patient(OneAtATime):
    """Lets a run that finds its backend unavailable wait a hundred seconds for its next slot; may refuse it then."""

    def __init__(self, *, refusal: str = "") -> None:
        super().__init__()
        self.refusal = refusal

    def acquire(self, limit: BackendLimit, run: object, on_slot: Callable[[], None]) -> bool:
        if not self.log:
            return super().acquire(limit, run, on_slot)
        self.log.append("acquire again")
        self._holder = run
        asyncio.get_running_loop().call_later(100, on_slot)
        return False

    def heard(self, limit: BackendLimit, run: object, error: str | None) -> bool:
        self.log.append(f"heard {error}")
        return error is not None

    def refuse(self, limit: BackendLimit) -> str:
        return self.refusal if "acquire again" in self.log else ""


def away_until(seconds: float) -> Callable[[Scanner[Any], Image], Any]:
    """Return a scan of one second that finds its backend unavailable up to a moment, the first scan being at 0."""
    begun: list[float] = []

    async def scan(_scanner: Scanner[Any], _image: Image) -> ScannerReport:
        begun.append(asyncio.get_running_loop().time())
        await asyncio.sleep(1)
        if begun[-1] - begun[0] < seconds:
            raise ScannerUnavailableError("no connection")
        return ScannerReport()

    return scan


@pytest.mark.parametrize("timeout", [60, 2, 0.5])
@virtual_time
async def test_slots_may_let_a_run_wait_for_its_backend(timeout: float) -> None:
    """Its time begins anew with the next slot, whether its attempts or its time had come to an end."""
    slots, registry = Patient(), OneImageRegistry()
    settings = Settings(scanners={"one": section("one", {"timeout": timeout})})
    plugins = [InstalledPlugin.of("one", doing(away_until(20)))]
    async with Engine(settings, registry=registry, plugins=plugins, slots=slots) as engine:  # type: ignore[arg-type]
        run = (await engine.scan(IMAGE)).results[0]
    if timeout < 1:  # no attempt has ended: nothing was heard of the backend
        assert (Outcome.TIMED_OUT, ["acquire", "release"]) == (run.outcome, slots.log)
        return
    expected = ["acquire", "heard no connection", "release", "acquire again", "heard None", "release"]
    assert (Outcome.OK, 1.0, expected) == (run.outcome, run.elapsed, slots.log)
    assert run.waited > 100


@virtual_time
async def test_slots_may_refuse_a_backend() -> None:
    """The run fails with their reason, and the backend is not asked again."""
    slots, registry = Patient(refusal="it was away for long"), OneImageRegistry()
    plugins = [InstalledPlugin.of("one", doing(away_until(1e9)))]
    settings = Settings(scanners={"one": section("one", {})})
    async with Engine(settings, registry=registry, plugins=plugins, slots=slots) as engine:  # type: ignore[arg-type]
        run = (await engine.scan(IMAGE)).results[0]
    assert (Outcome.FAILED, "it was away for long", 3) == (run.outcome, run.error, run.attempts)
    assert ["acquire", "heard no connection", "release", "acquire again", "release"] == slots.log


@virtual_time
async def test_a_run_that_waits_for_its_backend_can_be_stopped() -> None:
    """It leaves the queue at once."""
    slots, registry = Patient(), OneImageRegistry()
    plugins = [InstalledPlugin.of("one", doing(away_until(1e9)))]
    settings = Settings(scanners={"one": section("one", {})})
    async with (
        Engine(settings, registry=registry, plugins=plugins, slots=slots) as engine,  # type: ignore[arg-type]
        engine.scan(IMAGE) as scan,
    ):
        await asyncio.sleep(30)
        scan.stop()
        run = (await scan).results[0]
        await asyncio.sleep(200)  # the slot comes, and is given back
    assert (Outcome.CANCELLED, ["give up", "release"]) == (run.outcome, slots.log[-2:])
