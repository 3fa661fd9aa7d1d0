"""Limits of a backend over all processes: numbered advisory locks of PostgreSQL, on the connection that says who lives.

A lock of a session is re-entrant, so each process knows its own numbers and asks for others only. A number that a run
gives back goes to the run of this process that has waited longest, for some seconds; then all may try for it. With the
connection all numbers are lost, and the worker's scans end.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

from attrs import define, field, frozen
from portus_scanners import BackendLimit, Slots
from sqlalchemy.exc import SQLAlchemyError

from ..store import StoreUnavailableError, lock_key
from .life import WorkerLife

_AGAIN = 0.1
"""Seconds between two questions for a slot while all are taken; longer each time, up to ten times as long."""
_TURN = 5.0
"""Seconds after which a process lets others try for a number, though runs of its own wait."""
_TAKE = """
with recursive tried (place, got) as (
    select 1, pg_try_advisory_lock((cast(:keys as bigint[]))[1])
    union all
    select place + 1, pg_try_advisory_lock((cast(:keys as bigint[]))[place + 1])
    from tried where not got and place < cardinality(cast(:keys as bigint[])))
select place from tried where got"""


@frozen
class _Number:
    """A slot that this process has, and when it took it from the others."""

    key: int
    since: float


@define(eq=False)
class _Backend:
    keys: tuple[int, ...]
    waiting: dict[object, Callable[[], None]] = field(factory=dict)
    held: dict[object, _Number] = field(factory=dict)
    leaving: set[int] = field(factory=set)
    is_asking: bool = False


class FleetSlots(Slots):
    """Slots that all processes on one PostgreSQL share. Made by `open`.

    Args:
        life: Has the connection; tells when it is lost.
    """

    def __init__(self, life: WorkerLife) -> None:
        self._life = life
        self._backends: dict[BackendLimit, _Backend] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._connections = 0

    @classmethod
    @asynccontextmanager
    async def open(cls, life: WorkerLife) -> AsyncIterator[FleetSlots]:
        """Yield slots that are good as long as the block runs and the life does."""
        slots = cls(life)
        life.follow(slots)
        try:
            yield slots
        finally:
            for task in slots._tasks:
                task.cancel()
            await asyncio.gather(*slots._tasks, return_exceptions=True)

    def pause(self) -> None:
        """All numbers are lost with the connection."""
        self._connections += 1
        for backend in self._backends.values():
            backend.held.clear()
            backend.leaving.clear()

    def resume(self) -> None:
        """Nothing is to be done: those who wait ask again."""

    def acquire(self, limit: BackendLimit, run: object, on_slot: Callable[[], None]) -> bool:
        """See `Slots.acquire`. The database is asked, so that no slot is there at once."""
        backend = self._backends.get(limit)
        if backend is None:
            backend = self._backends[limit] = _Backend(tuple(slot_key(limit, n) for n in range(limit.concurrency)))
        backend.waiting[run] = on_slot
        if not backend.is_asking:
            backend.is_asking = True
            self._spawn(self._take(backend))
        return False

    def give_up(self, limit: BackendLimit, run: object) -> None:
        """See `Slots.give_up`."""
        self._backends[limit].waiting.pop(run, None)

    def release(self, limit: BackendLimit, run: object) -> None:
        """Hand the number to the oldest run that waits here, or give it to all."""
        backend, loop = self._backends[limit], asyncio.get_running_loop()
        number = backend.held.pop(run, None)
        if number is None:  # lost with the connection
            return
        if backend.waiting and loop.time() < number.since + _TURN:
            loop.call_soon(self._give(backend, number))  # soon: by then the run that ends has told everybody
        else:
            backend.leaving.add(number.key)
            self._spawn(self._unlock(backend, number.key))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @staticmethod
    def _give(backend: _Backend, number: _Number) -> Callable[[], None]:
        """Note whose a number is from now on, and return what tells the run."""
        run = next(iter(backend.waiting))
        backend.held[run] = number
        return backend.waiting.pop(run)

    async def _take(self, backend: _Backend) -> None:
        """Take numbers as long as somebody waits for one."""
        pause = _AGAIN
        try:
            while backend.waiting:
                connection = self._connections
                key = await self._try(backend)
                if key is not None and connection == self._connections:
                    pause = _AGAIN
                    number = _Number(key, asyncio.get_running_loop().time())
                    if backend.waiting:
                        self._give(backend, number)()
                    else:
                        await self._unlock(backend, key)
                else:
                    await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 (jitter)
                    pause = min(2 * pause, 10 * _AGAIN)
        finally:
            backend.is_asking = False

    async def _try(self, backend: _Backend) -> int | None:
        """Take a number that this process does not have; None where there is none, or the connection is lost."""
        own = {number.key for number in backend.held.values()} | backend.leaving
        keys = [key for key in backend.keys if key not in own]
        random.shuffle(keys)
        if not keys:
            return None
        try:
            found = (await self._life.execute(_TAKE, {"keys": keys})).scalar_one_or_none()
        except (StoreUnavailableError, SQLAlchemyError):
            return None  # the life says so, and ends what runs
        return None if found is None else keys[found - 1]

    async def _unlock(self, backend: _Backend, key: int) -> None:
        """Give a number to all; statements go one after the other, so it is not taken anew before."""
        try:
            await self._life.execute("select pg_advisory_unlock(:key)", {"key": key})
        except (StoreUnavailableError, SQLAlchemyError):
            return  # it is gone with the connection
        finally:
            backend.leaving.discard(key)


def slot_key(limit: BackendLimit, number: int) -> int:
    """Return the number of the lock that is a slot, for all who name the backend alike."""
    return lock_key("slot", f"{limit.plugin}\0{limit.server}\0{number}")
