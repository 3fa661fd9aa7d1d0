"""The runner as a process of its own: what it does from its orders to its end. Run as ``python -m`` by `Supervisor`.

It reads its orders from stdin, then a line each time that somebody has asked for something. The line
``stop``, and SIGTERM, let what runs end, for a time; the end of stdin means that its parent is gone: everything is
ended and given back at once.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from portus_images import PortusError, Registry
from portus_scanners import Engine
from portus_scanners.engine import LocalSlots
from sqlalchemy import select

from .addresses import open_registry
from .answers import Freshness
from .chores import Chore, again_and_again
from .fleet import FleetSlots, PlacedSlots, SharedChore, Turns, WorkerLife, alive, drop_dead_jobs, sweep
from .harbor import HarborDesk, HarborRegistry
from .logs import begin_log
from .pipes import receive
from .requests import fits
from .rescans import ask_for_due
from .runner import Runner
from .scanner_states import ScannerStates
from .store import POSTGRESQL, Store, remove_old
from .summaries import SummaryRenewal
from .supervisor import STOP, Orders

logger = logging.getLogger("portus_scan_server.runner")

_PLAN = 60.0
"""Seconds between two looks at what scanners would answer from, and at what is due."""
_SWEEP = 15.0
_RENEW = 1.0
"""Seconds between two batches of summaries."""
_LOOK_FOR_HARBOR = 1.0
_REMOVE = 3600.0
"""Seconds between two looks for what is too old."""


async def work(
    orders: Orders, lines: asyncio.StreamReader, signals: Sequence[signal.Signals] = (signal.SIGTERM,)
) -> None:
    """Run requests until a line or a signal says to stop, or the lines end, as they do with the second signal.

    Args:
        orders: What is to be done.
        lines: What the parent says.
        signals: What says to stop.

    Raises:
        SettingsError: The database's address is wrong.
        StoreUnavailableError: The database could not be used at the begin.
    """
    settings, rules, news = orders.settings, orders.rules, orders.news
    freshness = Freshness(age=timedelta(seconds=orders.age), max_age=rules.max_age)
    async with (
        Store.open(orders.database) as store,
        alive(store, orders.owner) as life,
        _open_registry(orders, store) as registry,
        _open_slots(life, store) as slots,
        Engine(settings, registry=registry, slots=slots) as engine,
    ):
        states = ScannerStates(store, engine, settings)
        await states.ask()
        turns = Turns(life if store.dialect == POSTGRESQL else None)
        plan = partial(_ask_for_due, store, states, freshness, orders)
        remove = partial(remove_old, store, timedelta(seconds=orders.keep))
        shared = [
            SharedChore("sweep", partial(_sweep, store), _SWEEP),
            SharedChore("plan", turns.take("plan", plan), _PLAN, needs_newest=True),
            SharedChore("retention", turns.take("retention", remove), _REMOVE),
        ]
        runner = Runner(
            store,
            engine,
            registry,
            rules,
            owner=orders.owner,
            made_with=states.made_with,
            concurrency=orders.concurrency,
            news=news,
            chores=shared,
        )
        logger.info("it claims requests, and scans %d images at once", orders.concurrency)
        slots.on_change = runner.wake
        life.follow(runner)

        def end() -> None:
            if runner.stopped.is_set():  # the second one ends everything at once
                lines.feed_eof()
            logger.info("it is stopped: what runs %s", "is given back" if runner.stopped.is_set() else "may end")
            runner.stop()

        for number in signals:
            asyncio.get_running_loop().add_signal_handler(number, end)
        chores: list[tuple[Chore, float]] = [
            (partial(_look, states, runner), _PLAN),
            (partial(_stop_if_late, store, runner), _SWEEP),
            (
                turns.take("renewal", SummaryRenewal(store, rules, news.put_failing if news else None).renew_some),
                _RENEW,
            ),
            *_chores_of_harbor(orders, store, registry, turns),
        ]
        await _run_to_the_end(runner, lines, chores, orders.drain)


def _open_registry(orders: Orders, store: Store) -> Registry:
    registries = orders.settings.registries
    return open_registry(registries) if orders.harbor is None else HarborRegistry(registries, orders.harbor, store)


def _chores_of_harbor(orders: Orders, store: Store, registry: Registry, turns: Turns) -> Iterator[tuple[Chore, float]]:
    if orders.harbor is not None and isinstance(registry, HarborRegistry):
        desk = HarborDesk(store, registry, orders.harbor, orders.rules, orders.database)
        yield turns.take("Harbor's new scans", desk.try_new), _LOOK_FOR_HARBOR
        yield turns.take("Harbor's reports", desk.end_some), _LOOK_FOR_HARBOR
        yield registry.close_ended, _PLAN


@asynccontextmanager
async def _open_slots(life: WorkerLife, store: Store) -> AsyncIterator[PlacedSlots]:
    """Yield the slots of backends: of all processes on one PostgreSQL; on SQLite there is this one."""
    if store.dialect == POSTGRESQL:
        async with FleetSlots.open(life) as slots:
            yield PlacedSlots(slots)
    else:
        yield PlacedSlots(LocalSlots())


async def _look(states: ScannerStates, runner: Runner) -> None:
    """Look what this process' scanners would answer from."""
    await states.ask()
    runner.takes_rescans = not states.older


async def _ask_for_due(store: Store, states: ScannerStates, freshness: Freshness, orders: Orders) -> None:
    untagged, watched = timedelta(seconds=orders.untagged), orders.settings.registries
    asking = orders.harbor.registrations.values() if orders.harbor is not None else ()
    shut = [one.host for one in asking if one.host not in watched or not watched[one.host].name]
    newest = {name: made_with for name, made_with in states.made_with().items() if name not in states.older}
    await ask_for_due(store, newest, freshness, untagged=untagged, shut=shut)


async def _sweep(store: Store) -> None:
    """Take back what owners had that are gone, and drop their jobs; on SQLite there is no other owner."""
    if store.dialect == POSTGRESQL:
        async with store.writing() as db:
            lost = await sweep(db)
        if lost:
            logger.warning("%d requests are queued again, each to run alone: who ran them is gone", lost)
        await drop_dead_jobs(store)


async def _stop_if_late(store: Store, runner: Runner) -> None:
    """Claim nothing any longer where the database's schema is a later one that does not go with this program."""
    async with store.reading() as db:
        is_late = not await db.scalar(select(fits()))
    if is_late and not runner.stopped.is_set():
        logger.error("the database has a later schema, which does not go with this program: install the newer version")
        runner.stop()


async def _run_to_the_end(
    runner: Runner, lines: asyncio.StreamReader, chores: Iterable[tuple[Chore, float]], drain: float
) -> None:
    """Run requests and chores until there is an end; then what still runs is given back, and the chores are left."""
    others = [asyncio.create_task(again_and_again(chore, seconds, logger)) for chore, seconds in chores]
    running, listening = asyncio.create_task(runner.run()), asyncio.create_task(_listen(lines, runner))
    try:
        await _until_the_end(running, listening, runner, drain)
    finally:
        for task in (running, listening, *others):
            task.cancel()
        await asyncio.wait({running, listening, *others})
    if not running.cancelled():
        running.result()


async def _until_the_end(
    running: asyncio.Task[None], listening: asyncio.Task[None], runner: Runner, drain: float
) -> None:
    """Return when the runner has ended, its time for that is over, or its parent is gone."""
    stopped = asyncio.create_task(runner.stopped.wait())
    await asyncio.wait({running, listening, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if not listening.done():
        await asyncio.wait({running, listening}, timeout=drain, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()


async def _listen(lines: asyncio.StreamReader, runner: Runner) -> None:
    """Do what the lines say; return when they end."""
    while line := await lines.readline():
        if line == STOP:
            runner.stop()
        else:
            runner.wake()


async def _main() -> None:
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    orders: Orders = await receive(lines)
    begin_log(orders.log)
    await work(orders, lines)


def main() -> None:
    """Run as the child of a service; the exit code is 0 where it was told to stop, 1 after an error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which says what is to be done
    try:
        asyncio.run(_main())
    except PortusError as error:
        logger.error("the runner ends: %s", error)  # noqa: TRY400 (it says no more)
        sys.exit(1)


if __name__ == "__main__":
    main()
