"""Slots of a walk while backends go away: who waits, who asks, whose failure it is, and when patience ends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest
from attrs import define
from portus_scan.walking.display import PlainDisplay
from portus_scan.walking.outages import ENOUGH, PatientSlots, Room
from portus_scanners import BackendLimit, ImageProgress, Progress
from portus_scanners_testing import virtual_time

CLAIR = BackendLimit(plugin="clair", server="http://clair.example", concurrency=2)
TRIVY = BackendLimit(plugin="trivy", server="", concurrency=2)


class Lines(PlainDisplay):
    """Keeps what is said."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.away: list[tuple[str, ...]] = []

    def say(self, line: str) -> None:
        self.said.append(line)

    def note_away(self, plugins: Iterable[str]) -> None:
        self.away.append(tuple(plugins))


class Backend:
    """One backend as runs find it: there, or away in these spans of time."""

    def __init__(self, *away: tuple[float, float], healthy: bool = False, patience: float = 600.0) -> None:
        self.begun = asyncio.get_running_loop().time()
        self.away = away
        self.healthy = healthy
        self.lines = Lines()
        self.slots = PatientSlots(self.lines, self.check, patience)

    async def check(self, _plugin: str) -> bool:
        return self.healthy

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time() - self.begun

    @property
    def is_away(self) -> bool:
        return any(begin <= self.now < end for begin, end in self.away)


@define(eq=False)
class Run:
    """A run as the engine has it: it asks for a slot, takes its seconds, and tells what it has heard."""

    backend: Backend
    poison: bool = False
    seconds: float = 1.0
    limit: BackendLimit = CLAIR

    async def go(self) -> str:
        """Return how it ended."""
        while True:
            await self.take_slot()
            if why := self.backend.slots.refuse(self.limit):
                self.backend.slots.release(self.limit, self)
                return why
            await asyncio.sleep(self.seconds)
            failed = self.poison or self.backend.is_away
            waits = self.backend.slots.heard(self.limit, self, "no connection" if failed else None)
            self.backend.slots.release(self.limit, self)
            if not waits:
                return "failed" if failed else "ok"

    async def take_slot(self) -> None:
        """Wait for a slot."""
        came = asyncio.Event()
        if not self.backend.slots.acquire(self.limit, self, came.set):
            await came.wait()


async def run_all(runs: Iterable[Run]) -> list[str]:
    """Return how the runs end, all begun at once."""
    return list(await asyncio.gather(*(run.go() for run in runs)))


@pytest.mark.parametrize("seconds", [5, 20, 30, 300])
@virtual_time
async def test_an_outage_loses_nothing(seconds: int) -> None:
    """However long it is within the bound; the cause is said once, the end once."""
    backend = Backend((3.5, 3.5 + seconds))
    assert ["ok"] * 47 == await run_all(Run(backend) for _ in range(47))
    assert 2 == len(backend.lines.said)
    assert "clair is away (no connection): its images wait for it, for 10 min at most" == backend.lines.said[0]
    assert backend.lines.said[1].startswith("clair answers again")
    assert [("clair",), ()] == backend.lines.away


@virtual_time
async def test_it_is_soon_seen_that_a_backend_is_back() -> None:
    """Within 15 seconds; until then, few ask it."""
    backend = Backend((0, 300))
    await run_all(Run(backend) for _ in range(20))
    assert backend.now < 300 + 15 + 20


@virtual_time
async def test_when_patience_ends_nothing_is_asked_any_longer() -> None:
    """What waits and what comes is refused at once, with the cause; one bound for all, not one for each image."""
    backend = Backend((3.5, 1e9), patience=60)
    ends = await run_all(Run(backend) for _ in range(47))
    assert ["ok"] * 6 == [end for end in ends if end == "ok"]
    assert {"ok", "clair was away for 60 s (no connection)"} == set(ends)
    assert backend.now < 3.5 + 60 + 5
    assert ("clair was away for 60 s (no connection)",) == backend.slots.refusals
    assert backend.slots.is_over


@virtual_time
async def test_the_bound_is_for_the_whole_walk() -> None:
    """Outages are added up."""
    backend = Backend((1.5, 40), (60, 1e9), patience=60)
    await run_all(Run(backend) for _ in range(100))
    assert backend.slots.is_over
    assert backend.now < 60 + 60


@virtual_time
async def test_an_image_that_a_backend_never_answers_for_stops_no_other() -> None:
    """It fails when others have been answered for meanwhile; nobody waits."""
    backend = Backend()
    runs = [Run(backend, poison=not number % 10, seconds=1 + number % 7 / 10) for number in range(50)]
    assert ["failed" if run.poison else "ok" for run in runs] == await run_all(runs)
    assert backend.now < 60


@virtual_time
async def test_what_looks_like_an_outage_while_the_backend_works_costs_no_patience() -> None:
    """Slow scans, and images among them that it never answers for: no slow one is lost, and nobody is told lies."""
    backend = Backend(patience=60)
    runs = [Run(backend, poison=not number % 7, seconds=150 if number % 7 else 4) for number in range(97)]
    ends = await run_all(runs)
    assert ["ok"] * 83 == [end for end, run in zip(ends, runs, strict=True) if not run.poison]
    assert ((), []) == (backend.slots.refusals, backend.lines.said)


@virtual_time
async def test_images_alone_that_a_healthy_backend_never_answers_for() -> None:
    """There is no other image to tell: the backend's own word ends the waiting, long before the bound."""
    backend = Backend(healthy=True)
    assert ["failed", "failed"] == await run_all(Run(backend, poison=True) for _ in range(2))
    assert ENOUGH < backend.now < 300


@virtual_time
async def test_a_backend_that_calls_itself_healthy_is_waited_for_half_a_minute() -> None:
    """What is in front of it may be away, and its health be asked elsewhere."""
    backend = Backend((1.5, 31.5), healthy=True)
    assert ["ok"] * 20 == await run_all(Run(backend) for _ in range(20))


@virtual_time
async def test_a_try_that_hears_nothing_holds_nobody_back() -> None:
    """An image that is not supported tells nothing; the next try begins at once, or a moment later beside it."""
    backend = Backend((0, 10))
    first, silent = Run(backend), Run(backend)
    one = asyncio.create_task(first.go())
    await asyncio.sleep(1.5)
    await silent.take_slot()
    backend.slots.release(CLAIR, silent)
    hanging = Run(backend, seconds=500)
    other = asyncio.create_task(hanging.go())
    assert "ok" == await one
    assert backend.now < 30
    other.cancel()


@virtual_time
async def test_who_gives_up_is_not_asked_to_try() -> None:
    """Ctrl-C ends a run that waits; nothing is left behind for it."""
    backend = Backend((0, 1e9))
    going = asyncio.create_task(Run(backend).go())
    await asyncio.sleep(1.1)
    waiting = Run(backend)
    called: list[int] = []
    assert not backend.slots.acquire(CLAIR, waiting, lambda: called.append(1))
    backend.slots.give_up(CLAIR, waiting)
    await asyncio.sleep(100)
    going.cancel()
    assert [] == called


@virtual_time
async def test_another_scanner_goes_on() -> None:
    """The slots of a backend that is there are given as ever."""
    backend = Backend((0, 100))
    trivy = Backend()
    waiting = [asyncio.create_task(Run(backend).go()) for _ in range(4)]
    trivy.slots = backend.slots
    assert ["ok"] * 30 == await run_all(Run(trivy, limit=TRIVY) for _ in range(30))
    assert trivy.now < 20
    assert ["ok"] * 4 == await asyncio.gather(*waiting)


def tell(room: Room, position: int, scanner: str, state: str) -> None:
    """Tell the state of an image's scanner, as the engine does."""
    room.note(ImageProgress(position=position, target="any", progress=Progress(scanner=scanner, state=state)))


@virtual_time
async def test_images_that_only_wait_for_a_backend_leave_room_for_others() -> None:
    """One counts again as soon as something is done for it; without an outage all count."""
    backend = Backend((0, 1e9))
    room = Room(2, {"clair": "clair", "trivy": "trivy"}, backend.slots)
    for position in range(2):
        await room.wait()
        room.enter()
        tell(room, position, "clair", "waiting")
        tell(room, position, "trivy", "ok")
    entering = asyncio.create_task(room.wait())
    await asyncio.sleep(1)
    assert not entering.done()
    going = asyncio.create_task(Run(backend).go())  # it finds out that Clair is away
    await asyncio.sleep(2)
    tell(room, 1, "trivy", "ok")
    await entering
    room.enter()
    tell(room, 2, "trivy", "scanning")
    await room.wait()
    room.enter()
    tell(room, 3, "trivy", "scanning")
    full = asyncio.create_task(room.wait())
    await asyncio.sleep(1)
    assert not full.done()
    room.leave(2)
    await full
    going.cancel()
