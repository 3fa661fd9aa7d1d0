"""What the end of a scan has brought that was not there before: new vulnerabilities, a gate that no longer passes.

What an image is compared with is its own last complete answers; without any, those of the image that one of its tags
named before, of the same platform: its line. What has no such answer is silent, and so is what only scanners have found
that had none, or had it from another version of their plugin. Nothing here says that something has gone away.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen
from portus_scanners import Severity, Vulnerability
from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.ext.asyncio import AsyncConnection

from ..answers import MadeWith
from ..store import POSTGRESQL, column_string, names_in, tables
from ..summaries import Summary

_PASS = "pass"  # noqa: S105 (a gate's)
_BATCH = 500
"""How many names are asked about in one statement."""


@frozen(kw_only=True)
class RepositoryNews:
    """Vulnerabilities of an image that are new to its line.

    Attributes:
        repository_id: The repository.
        repository: ``host/team/app``.
        since: When the line's last complete answer was checked.
        vulnerabilities: Those that may be new to the repository.
    """

    repository_id: int
    repository: str
    since: datetime
    vulnerabilities: tuple[Vulnerability, ...]


@frozen(kw_only=True)
class ImageNews:
    """What the end of a scan has brought.

    Attributes:
        digest: The image.
        names: Its references.
        repositories: Its new vulnerabilities, for each repository that has it.
        failing: Whether the gate let it, or its line, pass before, and no longer does.
        violations: Why it does not pass.
    """

    digest: str
    names: tuple[str, ...]
    repositories: tuple[RepositoryNews, ...]
    failing: bool
    violations: tuple[str, ...]


async def compare(
    db: AsyncConnection,
    image_id: int,
    summary: Summary,
    names: Sequence[str],
    made_with: Mapping[str, MadeWith],
    severity: Severity,
) -> ImageNews:
    """Compare an image with what is stored of it, or of its line, before its scan is written.

    Args:
        db: A connection.
        image_id: The image.
        summary: What it has now.
        names: Its references.
        made_with: What its scanners' runs are made with now.
        severity: The lowest severity that counts.
    """
    versions = {name: column_string(one.plugin_version) for name, one in made_with.items()}
    own = await _answers(db, image_id, versions)
    digest = str(await db.scalar(select(tables.images.c.digest).where(tables.images.c.id == image_id)))
    gates, found = [await _gate(db, image_id)], []
    for row in await _repositories(db, image_id):
        line, before = image_id, own
        if not own:
            line = await db.scalar(_previous(image_id, row.id)) or 0
            before = await _answers(db, line, versions)
            gates.append(await _gate(db, line))
        comparable = {one.scanner: one.checked_at for one in before if one.plugin_version == versions[one.scanner]}
        if new := await _find_new(db, line, versions, summary.counted, comparable, severity):
            since = max(comparable.values())
            repository = f"{row.host}/{row.name}"
            found.append(
                RepositoryNews(repository_id=row.id, repository=repository, since=since, vulnerabilities=tuple(new))
            )
    passed = gates[0] == _PASS if gates[0] is not None else _PASS in gates
    return ImageNews(
        digest=digest,
        names=tuple(names),
        repositories=tuple(found),
        failing=passed and summary.gate is False,
        violations=summary.violations,
    )


async def _answers(db: AsyncConnection, image_id: int, scanners: Collection[str]) -> Sequence[Any]:
    """Return of the last complete answer of each scanner the plugin's version, and when it was checked."""
    latest, runs = tables.latest, tables.runs
    query = select(latest.c.scanner, runs.c.plugin_version, runs.c.checked_at)
    query = query.select_from(latest.join(runs, runs.c.id == latest.c.answer_id))
    return (await db.execute(query.where(latest.c.image_id == image_id, latest.c.scanner.in_(scanners)))).all()


async def _find_new(
    db: AsyncConnection,
    image_id: int,
    scanners: Collection[str],
    counted: Iterable[Vulnerability],
    comparable: Collection[str],
    severity: Severity,
) -> list[Vulnerability]:
    """Return the vulnerabilities that comparable scanners have found, and no scanner's stored answer, by any name."""
    found = [one for one in counted if one.severity >= severity and not set(one.scanners).isdisjoint(comparable)]
    query = _had(db.dialect.name).where(tables.latest.c.image_id == image_id, tables.latest.c.scanner.in_(scanners))
    had = await names_found(db, query, tables.advisory_names.c.name, set().union(*map(names_in, found)))
    return [one for one in found if not names_in(one) & had]


async def _gate(db: AsyncConnection, image_id: int) -> str | None:
    """Return what the gate said of an image; None where it was not asked."""
    known = tables.summaries
    return await db.scalar(select(known.c.gate).where(known.c.image_id == image_id))


async def _repositories(db: AsyncConnection, image_id: int) -> Sequence[Any]:
    has, repositories, registries = tables.image_repositories, tables.repositories, tables.registries
    joined = has.join(repositories, repositories.c.id == has.c.repository_id)
    joined = joined.join(registries, registries.c.id == repositories.c.registry_id)
    query = select(repositories.c.id, registries.c.host, repositories.c.name).select_from(joined)
    return (await db.execute(query.where(has.c.image_id == image_id).order_by(repositories.c.id))).all()


def _previous(image_id: int, repository_id: int) -> Select[Any]:
    """Return the query for the image that a tag of this one named last before, of its platform, with an answer."""
    tags, history, latest = tables.tags, tables.tag_history, tables.latest
    now, then = tables.index_images.alias("now"), tables.index_images.alias("then")
    of_index = select(now.c.index_id).where(now.c.image_id == image_id)
    mine = and_(
        tags.c.repository_id == repository_id,
        tags.c.gone_at.is_(None),
        or_(tags.c.image_id == image_id, tags.c.image_id.in_(of_index)),
    )
    platforms = select(now.c.platform).where(now.c.image_id == image_id)
    member = and_(then.c.index_id == history.c.image_id, then.c.runnable, then.c.platform.in_(platforms))
    before = func.coalesce(then.c.image_id, history.c.image_id)
    answered = and_(latest.c.image_id == before, latest.c.answer_id.is_not(None))
    joined = tags.join(history, history.c.tag_id == tags.c.id).outerjoin(then, member).join(latest, answered)
    query = select(before).select_from(joined).where(mine, before != image_id)
    return query.order_by(history.c.to_at.desc(), history.c.id.desc()).limit(1)


async def names_had(
    db: AsyncConnection, repository_id: int, image_id: int, names: Collection[str], since: datetime
) -> set[str]:
    """Return those of some names that another image of a repository had at a time, and has still."""
    has = tables.image_repositories
    others = select(has.c.image_id).where(has.c.repository_id == repository_id, has.c.image_id != image_id)
    query = _had(db.dialect.name).where(tables.latest.c.image_id.in_(others), tables.runs.c.first_at <= since)
    return await names_found(db, query, tables.advisory_names.c.name, names)


async def names_found(
    db: AsyncConnection, query: Select[Any], column: ColumnElement[str], names: Collection[str]
) -> set[str]:
    """Return those of some names, however many, that a query of a column of names finds."""
    wanted = sorted(names)
    found: set[str] = set()
    for begin in range(0, len(wanted), _BATCH):
        found |= set((await db.execute(query.where(column.in_(wanted[begin : begin + _BATCH])))).scalars())
    return found


def _had(dialect: str) -> Select[Any]:
    """Return the query for the names of what the stored answers say."""
    latest, runs, findings = tables.latest, tables.runs, tables.findings
    said = and_(
        or_(runs.c.id == latest.c.answer_id, runs.c.id == latest.c.said_id), runs.c.image_id == latest.c.image_id
    )
    joined = latest.join(runs, said)
    if dialect == POSTGRESQL:
        sets = tables.finding_sets
        joined = joined.join(sets, sets.c.id == runs.c.set_id)
        joined = joined.join(findings, sets.c.finding_ids.contains(array([findings.c.id])))
    else:
        members = tables.set_findings
        joined = joined.join(members, members.c.set_id == runs.c.set_id)
        joined = joined.join(findings, findings.c.id == members.c.finding_id)
    joined = joined.join(tables.advisory_names, tables.advisory_names.c.advisory_id == findings.c.advisory_id)
    return select(tables.advisory_names.c.name).distinct().select_from(joined)
