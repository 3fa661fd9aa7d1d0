"""Which requests of a worker have a place: those that only wait for slots of backends have none."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

from attrs import define
from portus_scanners import BackendLimit, Slots


@define(eq=False)
class RequestPlace:
    """What the runs of one request do.

    Attributes:
        waiting: How many wait for a slot.
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


class PlacedSlots(Slots):
    """The slots of others, with what they mean for the places of requests.

    Args:
        slots: Where the slots are taken from.
    """

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._waiting: dict[object, RequestPlace] = {}
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
        self._waiting[run] = place
        place.waiting += 1
        self.on_change()
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

    def _stop_waiting(self, run: object) -> None:
        if (place := self._waiting.pop(run, None)) is not None:
            place.waiting -= 1

    def heard(self, limit: BackendLimit, run: object, error: str | None) -> bool:
        """See `Slots.heard`."""
        return self._slots.heard(limit, run, error)

    def refuse(self, limit: BackendLimit) -> str:
        """See `Slots.refuse`."""
        return self._slots.refuse(limit)
