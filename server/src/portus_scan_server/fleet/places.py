"""Which requests of a worker have a place: those that only wait for slots of backends have none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar

from attrs import define
from portus_scanners import BackendLimit, Slots

_PATIENCE = 1.0
"""Seconds after which a run waits for a slot: the question whether there is one takes a moment as well."""


@define(eq=False)
class RequestPlace:
    """What the runs of one request do.

    Attributes:
        waiting: How many have waited for a slot for a second.
        active: How many have one.
    """

    waiting: int = 0
    active: int = 0

    @property
    def is_taken(self) -> bool:
        """Whether the request does more than wait."""
        return self.active > 0 or not self.waiting


PLACE: ContextVar[RequestPlace] = ContextVar("PLACE")
"""The place of the request whose task this is."""


@define(eq=False)
class _Wait:
    place: RequestPlace
    timer: asyncio.TimerHandle
    counts: bool = False


class PlacedSlots(Slots):
    """The slots of others, with what they mean for the places of requests.

    Args:
        slots: Where the slots are taken from.
    """

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._waiting: dict[object, _Wait] = {}
        self._active: dict[object, RequestPlace] = {}
        self.on_change: Callable[[], None] = lambda: None
        """Called when a place may be free."""

    def acquire(self, limit: BackendLimit, run: object, on_slot: Callable[[], None]) -> bool:
        """See `Slots.acquire`."""
        place = PLACE.get(None) or RequestPlace()

        def begin() -> None:
            self._stop_waiting(run)
            self._active[run] = place
            place.active += 1

        def enter() -> None:
            begin()
            on_slot()

        if self._slots.acquire(limit, run, enter):
            begin()
            return True
        timer = asyncio.get_running_loop().call_later(_PATIENCE, self._count, run)
        self._waiting[run] = _Wait(place, timer)
        return False

    def give_up(self, limit: BackendLimit, run: object) -> None:
        """See `Slots.give_up`."""
        self._stop_waiting(run)
        self._slots.give_up(limit, run)

    def release(self, limit: BackendLimit, run: object) -> None:
        """See `Slots.release`."""
        if (place := self._active.pop(run, None)) is not None:
            place.active -= 1
            self.on_change()
        self._slots.release(limit, run)

    def _count(self, run: object) -> None:
        wait = self._waiting[run]
        wait.counts = True
        wait.place.waiting += 1
        self.on_change()

    def _stop_waiting(self, run: object) -> None:
        if (wait := self._waiting.pop(run, None)) is not None:
            wait.timer.cancel()
            wait.place.waiting -= wait.counts

    def heard(self, limit: BackendLimit, run: object, error: str | None) -> bool:
        """See `Slots.heard`."""
        return self._slots.heard(limit, run, error)

    def refuse(self, limit: BackendLimit) -> str:
        """See `Slots.refuse`."""
        return self._slots.refuse(limit)
