"""How requests come to a process on PostgreSQL: by the jobs of procrastinate, each with the id of a request.

Procrastinate wakes a process, gives it no more jobs than it has places, does what comes again and again, and ends in
good order. It decides nothing: a job leads to the claim, which fails where the request is taken, done or not due, and
then the job has done nothing. It has no lock, no queueing lock and no retry, which can hold a request up for ever.

A job ends when the process has room for another one. So one whose request waits for a backend's slot ends early, the
scan goes on without it, and when that has its place again, the next job that could end waits instead.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import define, field
from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.worker import Worker
from psycopg import AsyncConnection

from ..chores import do_once, doing_again_and_again
from ..store import CONNECT_TIMEOUT, JOBS, ON_CONNECT, Store, words_of_driver
from .feeder import ALONE, CHORES, DEAD, LATER, NOW, PLANS, RESCANS, SCAN, feed, wake_on_requests

if TYPE_CHECKING:
    from .claimer import Claimer, SharedChore

logger = logging.getLogger("portus_scan_server.fleet")
for _name in ("procrastinate", "psycopg.pool"):  # they say what a server or a row says; what matters is said here
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)

_LOOK = 1.0
"""Seconds between two looks for a job where nothing is notified: a notification during a look is lost, and nobody tells
a worker of procrastinate that it may take from more queues than before."""
_AGAIN = 1.0
"""Seconds until it begins again after it has lost its database."""
_LISTEN_AGAIN = 5.0
_ANSWER = 3.0
"""Seconds that it waits for a connection."""
_CONNECTIONS = 4
_DRAIN = 120.0
"""Seconds that jobs have to end, where the scans do not end before."""
_HEARTBEAT = 10.0
_NEVER = 86_400.0
_SET_BACK = 5.0
"""Seconds by which a machine's clock may be set back, as it is to keep it right."""
_MINUTE, _HOUR = 60, 3600
_PLACES, _LAST, _CHORES = "places", "last place", "chores"
"""The workers of procrastinate in a process: for all places but the last, for that, and beside these."""


@define(eq=False)
class _Settled:
    """A job whose request was begun."""

    worker: str
    may_end: asyncio.Future[None] = field(factory=lambda: asyncio.get_running_loop().create_future())


class Jobs:
    """Has the requests begun that come with jobs.

    Args:
        claimer: Begins them.
        store: The database, PostgreSQL.
        poll: Seconds between two looks for requests without a job, where nobody has notified one.
        chores: What is done meanwhile, for all processes together.
    """

    def __init__(self, claimer: Claimer, store: Store, poll: float, chores: Sequence[SharedChore]) -> None:
        self._claimer = claimer
        self._store = store
        self._poll = poll
        self._chores = {one.name: one for one in chores}
        self._doing: set[str] = set()
        self._workers: list[Any] = []  # those of procrastinate, which say no types
        self._settled: list[_Settled] = []
        self._waiting = 0  # jobs that wait until nothing else runs
        self._change = asyncio.Event()
        self._asked = asyncio.Event()

    async def run(self) -> None:
        """See `Source.run`."""
        stopped = self._claimer.stopped
        feeding = (self._feed, self._poll, self._asked)
        listening = (partial(wake_on_requests, self._store, self._asked.set), _LISTEN_AGAIN, None)
        async with doing_again_and_again([feeding, listening], logger):
            while not stopped.is_set():
                try:
                    await self._work()
                except ConnectorException as error:
                    cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
                    logger.warning("jobs are taken again in a moment: %s", words_of_driver(cause))
                except Exception:  # procrastinate is not ours: what it raises must not end the scans
                    logger.exception("jobs are taken again in a moment, after a fault")
                with suppress(TimeoutError):
                    async with asyncio.timeout(_AGAIN):
                        await stopped.wait()

    def changed(self) -> None:
        """See `Source.changed`: say what each worker may take now, and let jobs end for which there is room."""
        for worker in self._workers:
            if worker.worker_name != _CHORES and self._claimer.stopped.is_set():
                worker.stop()
            worker.queues = self._queues(worker)
        self._let_go()
        self._change.set()

    def _queues(self, worker: Any) -> list[str]:
        """Return the queues that a worker may take from now."""
        claimer = self._claimer
        newest = claimer.takes_rescans
        if worker.worker_name == _CHORES:
            return [CHORES, PLANS] if newest else [CHORES]
        if claimer.paused or claimer.is_alone or self._waiting:
            return []
        if worker.worker_name == _LAST:
            return [NOW]
        without_jobs = claimer.taken - len(self._settled)  # of a worker before this one, or those that had no place
        if without_jobs > 0 and claimer.taken >= max(claimer.concurrency - 1, 1):
            return []
        return [NOW, LATER, ALONE, RESCANS] if newest else [NOW, LATER, ALONE]

    def _let_go(self) -> None:
        """End jobs as long as fewer requests have a place than jobs, that of the last place first."""
        claimer, settled = self._claimer, self._settled
        while claimer.taken < len(settled) and len(claimer.running) - len(settled) < claimer.concurrency:
            one = next((one for one in settled if one.worker == _LAST), settled[0])
            settled.remove(one)
            one.may_end.set_result(None)

    async def _work(self) -> None:
        """Take jobs until the claimer is stopped and its jobs have ended, or something fails.

        Raises:
            ConnectorException: The database can't be used.
        """
        url = self._store.url
        settings = dict(url.get_dialect()().create_connect_args(url)[1], connect_timeout=CONNECT_TIMEOUT)
        connector = PsycopgConnector(
            kwargs=settings, configure=_configure, min_size=1, max_size=_CONNECTIONS, timeout=_ANSWER
        )
        scans, shared = App(connector=connector), App(connector=connector, periodic_defaults={"max_delay": _NEVER})
        scans.task(name=SCAN, pass_context=True)(self._carry)
        for one in self._chores.values():
            queue = PLANS if one.needs_newest else CHORES
            task = shared.task(name=one.name, queue=queue)(partial(self._do, one.name))
            shared.periodic(cron=_cron(one.seconds))(task)
        async with scans.open_async():
            last = self._claimer.concurrency > 1
            self._workers = [_worker(scans, _PLACES, [NOW, LATER, ALONE, RESCANS], self._claimer.concurrency - last)]
            if last:
                self._workers.append(_worker(scans, _LAST, [NOW], 1))
            if self._chores:
                self._workers.append(_worker(shared, _CHORES, [CHORES, PLANS], len(self._chores)))
            await self._run_workers()

    async def _run_workers(self) -> None:
        tasks = [asyncio.create_task(worker.run()) for worker in self._workers]
        places = tasks[: 2 if self._claimer.concurrency > 1 else 1]
        clock = time.time()
        try:
            await asyncio.sleep(0)  # each forgets when it begins that it was stopped
            while not any(one.done() for one in tasks) and time.time() > clock - _SET_BACK:
                # what is periodic goes by this machine's clock: set back, it would wait until the time is reached again
                clock = time.time()
                self.changed()
                await asyncio.wait(tasks, timeout=_LOOK, return_when=asyncio.FIRST_COMPLETED)
            if self._claimer.stopped.is_set():
                await asyncio.wait(places)
        finally:
            workers, self._workers = self._workers, []
            for worker in workers:
                worker.stop()
            for job in self._settled:  # nothing is taken any longer, so nobody has to keep a place
                job.may_end.set_result(None)
            self._settled.clear()
            self._change.set()
            await asyncio.wait(tasks)
        for task in tasks:
            task.result()

    async def _carry(self, context: JobContext, *, request_id: int) -> None:
        """Begin a request, and return when there is room for another one."""
        begin = partial(self._begin, context, request_id)
        await do_once(begin, logger)

    async def _begin(self, context: JobContext, request_id: int) -> None:
        if context.job.priority < int(not self._claimer.takes_rescans):
            return  # a re-scan: the feeder brings it again, until a process with newer data gets it
        if context.job.queue == ALONE:
            await self._begin_alone(request_id)  # and the job ends: nothing is taken meanwhile in any case
        elif await self._claimer.begin(request_id=request_id) and self._workers:
            settled = _Settled(context.worker_name or "")
            self._settled.append(settled)
            self.changed()
            try:
                await settled.may_end
            finally:
                with suppress(ValueError):  # unless it was cancelled it is not there any longer
                    self._settled.remove(settled)

    async def _begin_alone(self, request_id: int) -> None:
        """Take nothing else until nothing runs here, then begin a request that has to run alone."""
        claimer = self._claimer
        self._waiting += 1
        self.changed()
        try:
            while self._workers and claimer.running and not claimer.paused and not claimer.stopped.is_set():
                self._change.clear()
                await self._change.wait()
            if self._workers:
                await claimer.begin(request_id=request_id)
        finally:
            self._waiting -= 1

    async def _do(self, name: str, timestamp: int) -> None:
        """Do a chore; what it is asked while it is at it is left out, since a session's lock would be had twice."""
        del timestamp  # by the clock of some machine
        if name not in self._doing:
            self._doing.add(name)
            try:
                await do_once(self._chores[name].chore, logger)
            finally:
                self._doing.discard(name)

    async def _feed(self) -> None:
        await self._claimer.settle()
        await feed(self._store)


def _worker(app: App, name: str, queues: list[str], concurrency: int) -> Any:
    return Worker(
        app,
        queues=queues,
        name=name,
        concurrency=concurrency,
        fetch_job_polling_interval=_LOOK,
        abort_job_polling_interval=_NEVER,
        shutdown_graceful_timeout=0 if name == _CHORES else _DRAIN,
        listen_notify=name != _CHORES,
        delete_jobs="always",
        install_signal_handlers=False,
        update_heartbeat_interval=_HEARTBEAT,
        stalled_worker_timeout=DEAD,
    )


def _cron(seconds: float) -> str:
    """Return the times of a chore, as croniter has them: the sixth field is the second."""
    if seconds < _MINUTE:
        return f"* * * * * */{seconds:.0f}"
    if seconds < _HOUR:
        return f"*/{seconds / _MINUTE:.0f} * * * *"
    return f"0 */{seconds / _HOUR:.0f} * * *"


async def _configure(connection: AsyncConnection[Any]) -> None:
    """Set on a new connection what is set on all others of this program, and where procrastinate's tables are."""
    for statement in (*ON_CONNECT, f"set search_path = {JOBS}"):
        await connection.execute(statement.encode())
    await connection.commit()
