"""Backends that go away while a registry is walked: their images wait for them instead of failing one by one.

A run that finds its backend unavailable in all its attempts gives its slot back and waits. While the backend is away,
the waiting runs get slots one after another, with pauses between them, until one gets a report. What is seen between
two failures of one run decides whose they are:

1. Another image got a report: the backend is there, and does not answer for this image.
2. Nobody got one: the backend is away. It is waited for, up to one bound for the walk.
3. Nobody got one, but the backend says that it is healthy: as 2, yet not for long.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from attrs import define, field
from portus_scanners import BackendLimit, ImageProgress, Slots

from .display import describe_seconds

if TYPE_CHECKING:
    from .display import PlainDisplay

FIRST_PAUSE = 1.0
"""Seconds before a backend that is away is asked again; each further pause is twice as long."""
LONGEST_PAUSE = 15.0
LONG = 60.0
"""Seconds without an error after which a backend is taken to be at work on a run: without an answer it fails sooner."""
ENOUGH = 6
"""Points with which a failure counts as the image's own."""
_ANSWERED, _HEALTHY = 2, 1
"""Points for a report of another image, and for a backend that calls itself healthy."""
MOST_HELD = 500
"""Images that may wait for a backend with what the other scanners have found in them."""
_BUSY = {"scanning", "retrying"}

CheckHealth = Callable[[str], Awaitable[bool]]


@define(eq=False)
class _Backend:
    """What is known of one backend, and who waits for a slot of it, the oldest first."""

    name: str
    taken: int = 0
    holders: dict[object, _Trial] = field(factory=dict)
    """The runs that have slots."""
    waiting: OrderedDict[object, Callable[[], None]] = field(factory=OrderedDict)
    answered: float = float("-inf")
    """When it gave the last report."""
    since: float | None = None
    """When it went away; None: it is there."""
    said: bool = False
    """Whether the user knows: a single failure may be that of an image."""
    cause: str = ""
    healthy: bool = False
    """Whether it has said so since it went away."""
    waited: float = 0.0
    """Seconds of the outages that are over."""
    pause: float = FIRST_PAUSE
    refusal: str = ""
    """Why it is asked nothing more."""
    bound: asyncio.TimerHandle | None = None
    """While it is away: when the patience ends."""
    next_try: asyncio.TimerHandle | None = None


@define(eq=False)
class _Trial:
    """One run that had a slot, and what speaks against its image."""

    since: float
    """When it got its first slot, or failed the last time."""
    slot: float = 0.0
    """When it got the slot of now."""
    failed: bool = False
    heard: bool = False
    """Whether it has heard of the backend with the slot of now."""
    points: int = 0


class PatientSlots(Slots):
    """The slots of a walk: none are given, but for tries, while a backend is away.

    Args:
        display: Told of each outage: its beginning with the cause, and its end.
        check_health: Says whether all instances of a plugin call themselves healthy.
        patience: Seconds that a backend is waited for in the whole walk; then its runs are refused.
    """

    def __init__(self, display: PlainDisplay, check_health: CheckHealth, patience: float) -> None:
        self._display = display
        self._check_health = check_health
        self._patience = patience
        self._backends: dict[tuple[str, str], _Backend] = {}
        self._trials: WeakKeyDictionary[object, _Trial] = WeakKeyDictionary()
        self._checks: dict[str, asyncio.Task[None]] = {}

    @property
    def away(self) -> Iterator[str]:
        """The names of the plugins whose backend is waited for now."""
        return (plugin for (plugin, _), one in self._backends.items() if one.since is not None)

    @property
    def refusals(self) -> tuple[str, ...]:
        """Why backends are asked nothing more."""
        return tuple(one.refusal for one in self._backends.values() if one.refusal)

    @property
    def is_over(self) -> bool:
        """Whether no backend is asked anything any longer."""
        return bool(self._backends) and all(one.refusal for one in self._backends.values())

    def acquire(self, limit: BackendLimit, run: object, on_slot: Callable[[], None]) -> bool:
        """See `Slots.acquire`."""
        backend = self._find(limit)
        if backend.since is None and backend.taken < limit.concurrency:
            self._take(backend, run)
            return True
        backend.waiting[run] = on_slot
        if backend.since is None:
            self._put_first(backend, [run])
        self._plan_try(limit)
        return False

    def give_up(self, limit: BackendLimit, run: object) -> None:
        """See `Slots.give_up`."""
        self._find(limit).waiting.pop(run, None)

    def release(self, limit: BackendLimit, run: object) -> None:
        """See `Slots.release`."""
        backend = self._find(limit)
        backend.taken -= 1
        backend.holders.pop(run, None)
        if backend.since is None:
            self._serve(limit)
            return
        if not self._trials[run].heard:  # unsupported, say: this try has told nothing
            self._cancel_try(backend)
            backend.pause = 0.0
        self._plan_try(limit)

    def refuse(self, limit: BackendLimit) -> str:
        """See `Slots.refuse`."""
        return self._find(limit).refusal

    def heard(self, limit: BackendLimit, run: object, error: str | None) -> bool:
        """Decide whose failure it is; see `Slots.heard`."""
        backend, now = self._find(limit), asyncio.get_running_loop().time()
        if error is None:
            backend.answered = now
            if backend.since is not None:
                if backend.said:
                    backend.waited += max(self._trials[run].slot - backend.since, 0.0)  # then it was at work
                self._end_outage(limit)
            return False
        trial = self._trials[run]
        trial.heard = True
        answered = backend.answered > trial.since
        trial.failed, trial.since = True, now
        trial.points += _ANSWERED if answered else _HEALTHY if backend.healthy else 0
        if trial.points >= ENOUGH and not backend.refusal:
            return False
        if not (answered or backend.refusal):
            self._note_outage(limit, error)
        return True

    def _find(self, limit: BackendLimit) -> _Backend:
        key = limit.plugin, limit.server
        if key not in self._backends:
            twice = any(plugin == limit.plugin for plugin, _ in self._backends)
            self._backends[key] = _Backend(f"{limit.plugin} ({limit.server})" if twice else limit.plugin)
        return self._backends[key]

    def _take(self, backend: _Backend, run: object) -> None:
        backend.taken += 1
        now = asyncio.get_running_loop().time()
        trial = self._trials.setdefault(run, _Trial(now))
        trial.slot, trial.heard = now, False
        backend.holders[run] = trial

    def _put_first(self, backend: _Backend, runs: Iterable[object]) -> None:
        """Let those that have failed go first, while there are others whose answers show whose failure it is."""
        for run in runs:
            if run in self._trials and self._trials[run].failed:
                backend.waiting.move_to_end(run, last=False)

    def _serve(self, limit: BackendLimit) -> None:
        """Give the free slots to the oldest waiting runs."""
        backend = self._find(limit)
        while backend.waiting and backend.taken < limit.concurrency:
            self._serve_one(backend)

    def _serve_one(self, backend: _Backend) -> None:
        run = next(iter(backend.waiting))
        self._take(backend, run)
        asyncio.get_running_loop().call_soon(backend.waiting.pop(run))

    def _note_outage(self, limit: BackendLimit, cause: str) -> None:
        """Begin an outage with its first failure, and say so with the second."""
        backend, loop = self._find(limit), asyncio.get_running_loop()
        left = max(self._patience - backend.waited, 0.0)
        if backend.since is None:
            backend.since, backend.cause, backend.healthy, backend.pause = loop.time(), cause, False, FIRST_PAUSE
            backend.bound = loop.call_later(left, self._lose_patience, limit)
            self._display.note_away(self.away)
        elif not backend.said:
            backend.said = True
            wait = f"its images wait for it, for {describe_seconds(left)} at most"
            self._display.say(f"{backend.name} is away ({cause}): {wait}")

    def _end_outage(self, limit: BackendLimit) -> None:
        backend = self._find(limit)
        if backend.said and not backend.refusal:
            self._display.say(f"{backend.name} answers again; waited for it for {describe_seconds(backend.waited)}")
        backend.since, backend.said = None, False
        if backend.bound is not None:
            backend.bound.cancel()
        self._cancel_try(backend)
        self._display.note_away(self.away)
        self._put_first(backend, list(backend.waiting))
        self._serve(limit)

    def _lose_patience(self, limit: BackendLimit) -> None:
        backend, loop = self._find(limit), asyncio.get_running_loop()
        if any(not one.heard and loop.time() - one.slot >= LONG for one in backend.holders.values()):
            backend.bound = loop.call_later(LONGEST_PAUSE, self._lose_patience, limit)  # it may well be at work
            return
        was_away = f"{backend.name} was away for {describe_seconds(self._patience)}"
        backend.refusal = f"{was_away} ({backend.cause})"
        advice = "when it is back, --resume scans what is missing"
        self._display.say(f"{was_away}, which is the bound (--max-wait): it is asked nothing more; {advice}")
        self._end_outage(limit)

    def _plan_try(self, limit: BackendLimit) -> None:
        backend = self._find(limit)
        if backend.since is not None and backend.waiting and backend.next_try is None:
            backend.next_try = asyncio.get_running_loop().call_later(backend.pause, self._try, limit)
            backend.pause = min(max(2 * backend.pause, FIRST_PAUSE), LONGEST_PAUSE)

    def _cancel_try(self, backend: _Backend) -> None:
        if backend.next_try is not None:
            backend.next_try.cancel()
        backend.next_try = None

    def _try(self, limit: BackendLimit) -> None:
        """Let the run that has waited longest ask the backend; the next one even if this one hears nothing."""
        backend = self._find(limit)
        backend.next_try = None
        if not backend.waiting or backend.taken >= limit.concurrency:
            return  # `acquire` and `release` plan the next one
        self._serve_one(backend)
        if limit.plugin not in self._checks or self._checks[limit.plugin].done():
            self._checks[limit.plugin] = asyncio.create_task(self._check(limit))
        self._plan_try(limit)

    async def _check(self, limit: BackendLimit) -> None:
        healthy = await self._check_health(limit.plugin)
        self._find(limit).healthy = healthy


class Room:
    """How many images are under way in a walk; those that only wait for a backend do not count, so that others go on.

    Args:
        concurrency: How many at once.
        plugins: The plugin of each scanner.
        slots: Says which backends are away.
    """

    def __init__(self, concurrency: int, plugins: Mapping[str, str], slots: PatientSlots) -> None:
        self._concurrency = concurrency
        self._plugins = plugins
        self._slots = slots
        self._under_way: dict[int, dict[str, str]] = {}  # by position: the state of each scanner
        self._begun = 0
        self._changed = asyncio.Event()

    async def wait(self) -> None:
        """Wait until one more image may begin."""
        while not self._has_place():
            self._changed.clear()
            await self._changed.wait()

    def enter(self) -> None:
        """Count the image that is given to the engine now."""
        self._under_way[self._begun] = {}
        self._begun += 1

    def note(self, told: ImageProgress) -> None:
        """Note the state of an image's scanner."""
        if told.progress is not None and told.position in self._under_way:
            self._under_way[told.position][told.progress.scanner] = told.progress.state
            self._changed.set()

    def leave(self, position: int) -> None:
        """Count an image no longer."""
        self._under_way.pop(position, None)
        self._changed.set()

    def _has_place(self) -> bool:
        away = set(self._slots.away)
        if not away or len(self._under_way) < self._concurrency:
            return len(self._under_way) < self._concurrency
        busy = sum(not self._only_waits(states, away) for states in self._under_way.values())
        return busy < self._concurrency and len(self._under_way) < self._concurrency + MOST_HELD

    def _only_waits(self, states: Mapping[str, str], away: Collection[str]) -> bool:
        """Return whether nothing is done for an image now; one without a state waits for the scan of the same image."""
        return not any(
            state in _BUSY or (state == "waiting" and self._plugins[name] not in away) for name, state in states.items()
        )
