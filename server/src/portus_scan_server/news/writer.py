"""News written with what they tell of, in one transaction: at the end of a scan, and where a summary is renewed.

A repository is told of a vulnerability once, whatever it is called: each of its names leads to the one row. The id of
that news is made of the repository and the vulnerability, so that it is the same even where the row was removed since.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b

from attrs import frozen
from portus_scanners import Severity, Vulnerability
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ..answers import MadeWith
from ..store import column_string, database_now, lookup_name, names_in, tables
from ..summaries import Summary
from .comparison import ImageNews, RepositoryNews, compare, names_found, names_had
from .messages import NewsMessage, ToldVulnerability, tell_failing, tell_vulnerabilities
from .news_settings import NotificationSettings
from .outbox import put_message

news, news_names = tables.news, tables.news_names


@frozen(kw_only=True)
class NewsWriter:
    """Writes news of images.

    Attributes:
        severity: The lowest severity of a new vulnerability that is told.
        channels: The names of everybody who is told.
    """

    severity: Severity = Severity.HIGH
    channels: tuple[str, ...]

    @classmethod
    def of(cls, settings: NotificationSettings) -> NewsWriter | None:
        """Return what writes news for a configuration; None where it names nobody."""
        return cls(severity=settings.severity, channels=settings.channels) if settings.channels else None

    async def compare(
        self,
        db: AsyncConnection,
        image_id: int,
        summary: Summary,
        names: Sequence[str],
        made_with: Mapping[str, MadeWith],
    ) -> ImageNews:
        """Return what a scan has brought that is not written yet; see `compare`."""
        return await compare(db, image_id, summary, names, made_with, self.severity)

    async def put(self, db: AsyncConnection, image_id: int, found: ImageNews) -> None:
        """Write what is news of an image, in the transaction that ends its scan."""
        for one in found.repositories:
            if new := await _not_told(db, image_id, one):
                told = [ToldVulnerability(news_id=_news_id(one.repository, each), vulnerability=each) for each in new]
                message = tell_vulnerabilities(one.repository, found.digest, found.names, told)
                await _put_told(db, one.repository_id, message, told)
                await put_message(db, message, self.channels)
        if found.failing:
            await self.put_failing(db, found.digest, found.names, found.violations)

    async def put_failing(
        self, db: AsyncConnection, digest: str, names: Sequence[str], violations: Sequence[str]
    ) -> None:
        """Write that the gate let an image pass before, and does no longer."""
        message = tell_failing(digest, names, violations)
        row = {"uid": message.id, "kind": message.kind, "about": digest, "message": message.id}
        await db.execute(insert(news).values(**row, over_at=database_now()))
        await put_message(db, message, self.channels)


async def _not_told(db: AsyncConnection, image_id: int, found: RepositoryNews) -> list[Vulnerability]:
    """Return the vulnerabilities that the repository did not have, and was not told of under any of their names."""
    # of two images of a repository whose scans end at once, the second has to see what the first has told
    mine = tables.repositories.c.id == found.repository_id
    await db.execute(select(tables.repositories.c.id).where(mine).with_for_update(key_share=True))
    names = {one.id: names_in(one) for one in found.vulnerabilities}
    every = set().union(*names.values())
    known = await names_had(db, found.repository_id, image_id, every, found.since)
    known |= await _names_told(db, found.repository_id, every)
    new = []
    for one in found.vulnerabilities:  # of one vulnerability in two packages, that of the higher severity: it is first
        if not names[one.id] & known:
            new.append(one)
            known |= names[one.id]
    return new


async def _names_told(db: AsyncConnection, repository_id: int, names: Collection[str]) -> set[str]:
    query = select(news_names.c.name).where(news_names.c.repository_id == repository_id)
    return await names_found(db, query, news_names.c.name, names)


async def _put_told(
    db: AsyncConnection, repository_id: int, message: NewsMessage, told: Sequence[ToldVulnerability]
) -> None:
    """Write the row of each vulnerability, and what it is called."""
    same = {"kind": message.kind, "repository_id": repository_id, "message": message.id}
    for one in told:
        about = column_string(one.vulnerability.id)
        row = insert(news).values(uid=one.news_id, about=about, over_at=database_now(), **same).returning(news.c.id)
        news_id = (await db.execute(row)).scalar_one()
        names = sorted(names_in(one.vulnerability))
        rows = [{"repository_id": repository_id, "name": name, "news_id": news_id} for name in names]
        await db.execute(insert(news_names), rows)


def _news_id(repository: str, one: Vulnerability) -> str:
    """Return the id of the news that a repository has a vulnerability: always the same."""
    said = f"{repository}\0{lookup_name(one.id)}".encode()
    return f"news_{blake2b(said, digest_size=16).hexdigest()}"
