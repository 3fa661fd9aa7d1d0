"""What the rows of the fleet are measured on: a database with many images that wait, and processes that work on it.

Each image that was scanned stands for many: the others are rows that name the same findings, made in SQL, with a digest
and a run of their own.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

from attrs import field, frozen
from portus_images import Reference
from portus_scan_server.requests import Reason, ask
from portus_scan_server.store import Store, put_image, put_repository, put_tag, tables, upgrade
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from .start import command, plain_environ

CONCURRENCY = 4
"""Images at once in each worker."""
_POLL = 0.05
_LONG_POLL = 0.25
_GRACE = 20.0
"""Seconds that a worker has to end which runs nothing."""
SOURCE = "source"
"""What tags of images begin with that are not slow."""
_COPIED = {
    "runs": [one.name for one in tables.runs.c if one.name not in {"id", "image_id"}],
    "summaries": [one.name for one in tables.summaries.c if one.name != "image_id"],
}
_WORLD = """
create temp table world as
select n, 'sha256:f' || lpad(to_hex(n), 63, '0') as digest, base.id as base from generate_series(1, :images) n
join (select id, row_number() over (order by id) - 1 as place from images where id = any(:bases)) base
    on base.place = n % cardinality(:bases)"""
_IMAGES = """
insert into images (digest, media_type, body)
select world.digest, base.media_type, replace(base.body, base.digest, world.digest)
from world join images base on base.id = world.base"""
_COPIES = "from world join images copy on copy.digest = world.digest join {table} of_base on of_base.image_id = base"
_REPOSITORIES = f"""
insert into image_repositories (image_id, repository_id) select copy.id, of_base.repository_id
{_COPIES.format(table="image_repositories")}"""
_TAGS = f"""
insert into tags (image_id, repository_id, name) select copy.id, of_base.repository_id, 'n' || n
{_COPIES.format(table="image_repositories")}"""
_LATEST = """
insert into latest (image_id, scanner, answer_id, said_id, try_id)
select image_id, scanner, runs.id, runs.id, runs.id
from runs join images on images.id = image_id join world on world.digest = images.digest"""
_WAITING = """
insert into requests (image_id, reason, priority)
select images.id, 'rescan', 0 from images join world on world.digest = images.digest"""
_UNKNOWN = """
with made as (
    insert into images (digest) select :of || ':' || lpad(to_hex(n), 64, '0') from generate_series(1, :images) n
    returning id)
insert into requests (image_id, reason, priority) select id, 'rescan', 0 from made"""


@frozen
class End:
    """A request that has ended: who ran it, and when by the database's clock."""

    owner: str
    at: datetime


@frozen(kw_only=True)
class Fleet:
    """A database and what workers on it are told.

    Attributes:
        store: The database.
        address: Its address.
        folder: Where the configuration and the workers' log are.
    """

    store: Store
    address: str = field(repr=False)
    folder: Path

    @classmethod
    @asynccontextmanager
    async def open(cls, address: str, folder: Path, configuration: str) -> AsyncIterator[Fleet]:
        """Make the tables of an empty database, and write a configuration (YAML) for its workers into a new folder."""
        await asyncio.to_thread(_prepare, address, folder, configuration)
        async with Store.open(address) as store:
            yield cls(store=store, address=address, folder=folder)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """Run a worker as long as the block does; yield its process once it has said that it lives."""
        environ = plain_environ() | {"PORTUS_SCAN_DATABASE": self.address}
        words = ("worker", "--config", str(self.folder / "config.yml"), "--concurrency", str(CONCURRENCY))
        before = await self._living()
        with (self.folder / "log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                command(), *words, env=environ, stdin=asyncio.subprocess.DEVNULL, stderr=log, start_new_session=True
            )
        try:
            while await self._living() == before:
                if process.returncode is not None:
                    raise RuntimeError((self.folder / "log").read_text())
                await asyncio.sleep(_POLL)
            yield process
            with suppress(ProcessLookupError):
                process.terminate()
            async with asyncio.timeout(_GRACE):
                await process.wait()
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    @asynccontextmanager
    async def looping(self, owner: str) -> AsyncIterator[Callable[[], None]]:
        """Start a loop without a queue in a process; yield what lets it begin, once it has its connection."""
        pipe = asyncio.subprocess.PIPE
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        words = (sys.executable, "-m", f"{__package__}.plain_loop", self.address, owner)
        process = await asyncio.create_subprocess_exec(
            *words, env=environ, stdin=pipe, stdout=pipe, start_new_session=True
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            await process.stdout.readline()
            yield process.stdin.close
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _living(self) -> int:
        async with self.store.reading() as db:
            return int(await db.scalar(select(func.count()).select_from(tables.workers)) or 0)

    async def push(self, references: Sequence[str], digests: Sequence[str], tag: str = SOURCE) -> list[int]:
        """Note images as a push does, ask for each, and return them; the dummy sees them under *tag* and a number."""
        images = []
        async with self.store.writing() as db:
            for number, (one, digest) in enumerate(zip(references, digests, strict=True)):
                reference = Reference.parse(one)
                repository_id = await put_repository(db, reference.registry, reference.repository)
                images.append(await put_image(db, digest))
                await put_tag(db, repository_id, f"{tag}-{number}", images[-1])
                await ask(db, images[-1], Reason.PUSH, source=(repository_id, f"{tag}-{number}"))
        return images

    async def ask(self, images: Sequence[int], reason: Reason = Reason.PUSH) -> list[int]:
        """Ask for images where they were seen last, and return the requests."""
        tags = tables.tags.c
        async with self.store.writing() as db:
            asked = []
            for one in images:
                tag = (await db.execute(select(tags.repository_id, tags.name).where(tags.image_id == one))).first()
                asked.append(await ask(db, one, reason, source=None if tag is None else (tag[0], tag[1])))
        return asked

    async def newest_request(self) -> int:
        """Return the last request; what is asked for later has a higher number."""
        async with self.store.reading() as db:
            return int(await db.scalar(select(func.max(tables.requests.c.id))) or 0)

    async def until_ended(self, after: int, number: int) -> list[End]:
        """Wait until so many requests that came after one have ended, and return them in the order of their ends.

        Raises:
            RuntimeError: One has ended otherwise than the others.
        """
        rows = tables.requests.c
        ended = rows.state.in_(("done", "failed")), rows.id > after  # by an index: the server's CPU is measured
        while True:
            async with self.store.reading() as db:
                if int(await db.scalar(select(func.count()).where(*ended)) or 0) >= number:
                    break
            await asyncio.sleep(_LONG_POLL)
        query = select(rows.owner, rows.ended_at, rows.state).where(*ended)
        async with self.store.reading() as db:
            found = (await db.execute(query.order_by(rows.ended_at))).all()
        if len(states := {row.state for row in found}) != 1:
            raise RuntimeError(f"requests have ended in several ways: {states}")
        return [End(row.owner, row.ended_at) for row in found]

    async def check(self) -> None:
        """Check that every scan has found something.

        Raises:
            RuntimeError: One has not, or has ended otherwise.
        """
        runs, sets = tables.runs.c, tables.finding_sets.c
        query = select(runs.outcome, sets.total).join_from(tables.runs, tables.finding_sets, isouter=True)
        query = query.where((runs.outcome != "ok") | (func.coalesce(sets.total, 0) == 0))
        async with self.store.reading() as db:
            if (other := (await db.execute(query)).first()) is not None:
                raise RuntimeError(f"a scan has ended as {other.outcome} with {other.total} findings")

    async def until_started(self, request_id: int) -> float:
        """Wait until a request was claimed, and return the seconds since it was asked for, by the database's clock."""
        rows = tables.requests.c
        while True:
            async with self.store.reading() as db:
                row = (await db.execute(select(rows.asked_at, rows.claimed_at).where(rows.id == request_id))).one()
            if row.claimed_at is not None:
                taken: timedelta = row.claimed_at - row.asked_at
                return taken.total_seconds()
            await asyncio.sleep(_POLL)

    async def fill(self, bases: Sequence[int], images: int) -> None:
        """Let images that were scanned stand for so many more, none of which is due."""
        async with self.store.writing() as db:
            await _execute(db, _WORLD, images=images, bases=list(bases))
            for statement in (_IMAGES, "analyze world", "analyze images", _REPOSITORIES, _TAGS):
                await _execute(db, statement)
            for table, columns in _COPIED.items():
                names, copied = ", ".join(columns), ", ".join(f"of_base.{one}" for one in columns)
                rows = f"insert into {table} (image_id, {names}) select copy.id, {copied} "
                await _execute(db, rows + _COPIES.format(table=table))
            await _execute(db, _LATEST)
            await _execute(db, _WAITING)
        async with self.store.session() as session:
            await session.execute(text("analyze"))

    async def ask_for_unknown(self, images: int, of: str) -> None:
        """Ask for images that no repository has: a claim and an end each, and nothing else."""
        async with self.store.writing() as db:
            await _execute(db, _UNKNOWN, images=images, of=of)

    async def size(self) -> int:
        """Return the bytes of the database, without what PostgreSQL keeps for itself in an empty one."""
        query = text("select sum(pg_total_relation_size(relid)) from pg_stat_user_tables where schemaname = 'public'")
        async with self.store.reading() as db:
            return int(await db.scalar(query))


def _prepare(address: str, folder: Path, configuration: str) -> None:
    folder.mkdir()
    (folder / "config.yml").write_text(configuration)
    upgrade(address)


async def _execute(db: AsyncConnection, statement: str, **values: object) -> None:
    await db.execute(text(statement), values)
