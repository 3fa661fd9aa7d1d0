"""Which requests have a job: those that are due and most urgent, a thousand at most, so that the jobs stay few.

A job is a hint, and the feeder makes it fit the table again and again: it adds what is missing and takes away what is
stale. Nothing depends on what becomes of one: a request whose job is gone, and that is still queued, gets another.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ..requests import fits
from ..store import JOBS, POSTGRESQL, Store, lock_key

AHEAD = 1_000
"""How many jobs for requests there are at most that nobody has taken."""
URGENT = 7
"""The priority from which a request may have the last place."""
SCAN = "scan"
"""The task of such a job; its argument is `request_id`."""
NOW, LATER, RESCANS, ALONE = "portus-now", "portus-later", "portus-rescans", "portus-alone"
"""Its queues: what may have the last place; all else that somebody waits for; what nobody does; what killed a process.
Channels of notifications belong to a database, not to a schema, so the names are ours."""
CHORES, PLANS = "portus-chores", "portus-plans"
"""The queues of chores, and of those that need the newest data."""
DEAD = 60
"""Seconds after which a worker of procrastinate is dead that has not been heard of, and its jobs are dropped."""
_SILENT = 30
"""Seconds after which nobody waits any longer for a job that such a worker holds."""
_CHANNEL = "portus_scan_requests"
"""What a trigger of the table `requests` notifies."""
_ONE_AT_A_TIME = lock_key("turn", "feeder")

_LIVES = f"""exists (select 1 from {JOBS}.procrastinate_workers w
    where w.id = worker_id and w.last_heartbeat > now() - interval '1 second' * :dead)"""  # noqa: S608
# A job of a request that is to run alone may be held for long, by a worker that runs others yet, so it counts; with the
# claim it is gone.
_FEED = text(f"""
with best as (
    select true as is_due, id, priority, case when alone then '{ALONE}' when priority >= :urgent then '{NOW}'
        when priority > 0 then '{LATER}' else '{RESCANS}' end as queue
    from requests where state = 'queued' and due_at <= now() order by requests.priority desc, id limit :ahead
), jobs as (
    select id as job_id, priority, queue_name as queue, (args ->> 'request_id')::bigint as id
    from {JOBS}.procrastinate_jobs where task_name = '{SCAN}'
    and (status = 'todo' or status = 'doing' and queue_name = '{ALONE}' and {_LIVES})
), differing as materialized (
    select * from best full join jobs using (id, priority, queue) where is_due is null or job_id is null
), stale as (
    delete from {JOBS}.procrastinate_jobs jobs using differing where jobs.id = job_id and status = 'todo'
)
insert into {JOBS}.procrastinate_jobs (queue_name, task_name, priority, args)
select queue, '{SCAN}', priority, jsonb_build_object('request_id', id) from differing where is_due
order by priority desc, id""")  # noqa: S608 (all of it is ours)
_DROP = text(f"""
delete from {JOBS}.procrastinate_jobs where status <> 'todo' and not {_LIVES}
    or status = 'todo' and task_name <> '{SCAN}' and id < (select max(id) from {JOBS}.procrastinate_jobs newer
        where newer.task_name = procrastinate_jobs.task_name and newer.status = 'todo')""")  # noqa: S608


async def feed(store: Store) -> None:
    """Make the jobs fit the requests that are due, unless another process is at it, which is told of the same requests.

    Args:
        store: The database, PostgreSQL.

    Raises:
        StoreUnavailableError: The database can't be used.
    """
    async with store.writing() as db:
        mine = select(text("pg_try_advisory_xact_lock(:key)"), fits())
        if all((await db.execute(mine, {"key": _ONE_AT_A_TIME})).one()):
            async with _seeing_jobs(db):
                await db.execute(_FEED, {"urgent": URGENT, "ahead": AHEAD, "dead": _SILENT})


async def drop_dead_jobs(store: Store) -> None:
    """Drop the jobs that workers had when they died, and of each chore those that were never done but the last.

    Args:
        store: The database, PostgreSQL.

    Raises:
        StoreUnavailableError: The database can't be used.
    """
    async with store.writing() as db, _seeing_jobs(db):
        await db.execute(_DROP, {"dead": DEAD})


@asynccontextmanager
async def _seeing_jobs(db: AsyncConnection) -> AsyncIterator[None]:
    """Let the triggers of procrastinate's tables find each other until the end of the transaction."""
    await db.execute(text(f"select set_config('search_path', current_setting('search_path') || ', {JOBS}', true)"))
    yield


async def wake_on_requests(store: Store, wake: Callable[[], None]) -> None:
    """Call *wake* at once, then each time that requests were added, for ever; on SQLite there is nothing to do.

    Raises:
        StoreUnavailableError: The database can't be used, or the connection is lost.
    """
    if store.dialect == POSTGRESQL:
        async for _ in store.listen(_CHANNEL):
            wake()
