"""Sets of findings: stored once, by one statement for each table, whatever their number; shared by all images.

Rows go to the database as one parameter, a JSON array, which both databases take apart in the same words.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Any

from attrs import frozen
from portus_scanners import Finding
from sqlalchemy import ColumnElement, FromClause, Select, Text, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from .database import POSTGRESQL, lock_for_adding
from .finding_bodies import (
    RANKS,
    FindingReader,
    FindingRow,
    column_string,
    fingerprint_of,
    lookup_name,
    make_row,
    names_in,
    pack_places,
    put_at,
    unpack_places,
)
from .schema import advisories, advisory_names, finding_sets, findings, set_findings
from .types import ValueList, one_of

_FIRST = itemgetter(0)
_ROWS = {
    "sqlite": "json_each(:rows)",
    "postgresql": "jsonb_array_elements(cast(:rows as jsonb)) as one(value)",
}
_ADD_ADVISORIES = """
insert into advisories (fingerprint, body)
select value->>0, value->>1 from {rows}
where not exists (select 1 from advisories where fingerprint = value->>0)
on conflict (fingerprint) do nothing"""
_ADD_NAMES = """
insert into advisory_names (name, advisory_id)
select value->>1, advisories.id from {rows} join advisories on advisories.fingerprint = value->>0
where true
on conflict (name, advisory_id) do nothing"""
_ADD_FINDINGS = """
insert into findings (fingerprint, advisory_id, severity, package, version, body)
select value->>0, advisories.id, cast(value->>2 as integer), value->>3, value->>4, value->>5
from {rows} join advisories on advisories.fingerprint = value->>1
where not exists (select 1 from findings where findings.fingerprint = value->>0)
on conflict (fingerprint) do nothing"""
_ADD_SET = {
    "sqlite": """
insert into finding_sets (fingerprint, total) values (:fingerprint, :total) returning id""",
    "postgresql": """
insert into finding_sets (fingerprint, total, finding_ids)
select :fingerprint, cast(:total as integer), coalesce(array_agg(findings.id), '{{}}')
from {rows} join findings on findings.fingerprint = value->>0
on conflict (fingerprint) do nothing
returning id""",
}
_ADD_MEMBERS = """
insert into set_findings (set_id, finding_id)
select :set_id, findings.id from {rows} join findings on findings.fingerprint = value->>0"""


@frozen
class PreparedFindings:
    """The findings of one report, ready to be stored: pure, and most of the work.

    Attributes:
        fingerprint: The hash of their set.
        rows: The members of the set, in its order.
        places: What `pack_places` returned.
    """

    fingerprint: str
    rows: tuple[FindingRow, ...]
    places: bytes | None


def prepare_findings(told: Sequence[Finding]) -> PreparedFindings:
    """Return what is stored of a report's findings.

    The order of a set is that of a report's findings without their places, so that the members of a report which names
    no places need none; members that say the same but for their places are one.

    Args:
        told: The findings of the report, in its order.
    """
    rows = [make_row(one) for one in told]
    members = sorted(
        {row.fingerprint: row for row in rows}.values(), key=lambda row: _set_order(row.finding, row.fingerprint)
    )
    numbers = {row.fingerprint: number for number, row in enumerate(members)}
    places = pack_places(told, [numbers[row.fingerprint] for row in rows])
    whole = fingerprint_of("".join(sorted(numbers)))
    return PreparedFindings(whole, tuple(members), places)


def _set_order(one: Finding, fingerprint: str) -> tuple[Any, ...]:
    return -RANKS[one.severity], one.id, one.package.name, one.package.version, one.package.namespace, fingerprint


async def put_set(db: AsyncConnection, prepared: PreparedFindings) -> int:
    """Return the id of the set with these members; what is not there yet is added. In a transaction that writes."""
    await lock_for_adding(db)  # also for a set that is there: nobody removes it before a run has it
    known = select(finding_sets.c.id).where(finding_sets.c.fingerprint == prepared.fingerprint)
    if (found := await db.scalar(known)) is not None:
        return int(found)
    by_advisory = {row.advisory: row for row in prepared.rows}
    ordered = [by_advisory[key] for key in sorted(by_advisory)]  # always in one order: no two writers wait in a ring
    await _run(db, _ADD_ADVISORIES, [(row.advisory, row.advisory_body) for row in ordered])
    await _run(db, _ADD_NAMES, [(row.advisory, name) for row in ordered for name in sorted(names_in(row.finding))])
    members = sorted(prepared.rows, key=lambda row: row.fingerprint)
    await _run(db, _ADD_FINDINGS, [_finding_columns(row) for row in members])
    keys = [(row.fingerprint,) for row in members]
    whole = {"fingerprint": prepared.fingerprint, "total": len(keys)}
    statement = _ADD_SET[db.dialect.name]
    made = await _run(db, statement, keys if db.dialect.name == POSTGRESQL else None, whole)
    if made is None:  # another writer was first
        return int((await db.execute(known)).scalar_one())
    if db.dialect.name != POSTGRESQL:
        await _run(db, _ADD_MEMBERS, keys, {"set_id": made})
    return made


def _finding_columns(row: FindingRow) -> tuple[object, ...]:
    package = row.finding.package
    names = column_string(package.name), column_string(package.version)
    return row.fingerprint, row.advisory, RANKS[row.finding.severity], *names, row.body


async def _run(
    db: AsyncConnection, statement: str, rows: Sequence[object] | None, values: Mapping[str, object] | None = None
) -> int | None:
    """Run a statement with rows as its one large parameter; return the id that it returns, if it does."""
    parameters = dict(values or {})
    if rows is not None:
        parameters["rows"] = json.dumps(rows, separators=(",", ":"))
    result = await db.execute(_statement(statement, db.dialect.name), parameters)
    return result.scalar() if result.returns_rows else None


def _statement(words: str, dialect: str) -> Any:
    return text(words.replace("{rows}", _ROWS[dialect]).replace("{{}}", "{}"))


async def load_sets(db: AsyncConnection, wanted: Sequence[int]) -> dict[int, list[Finding]]:
    """Return the findings of each set, in its order, without their places."""
    if not wanted:
        return {}
    found: dict[int, list[tuple[tuple[Any, ...], Finding]]] = {one: [] for one in wanted}
    reader = FindingReader()
    for set_id, fingerprint, body, advisory_body in await db.execute(_members(db.dialect.name), {"wanted": wanted}):
        finding = reader.read(advisory_body, body)
        found[set_id].append((_set_order(finding, fingerprint), finding))
    return {one: [finding for _, finding in sorted(members, key=_FIRST)] for one, members in found.items()}


@cache
def _members(dialect: str) -> Select[Any]:
    """Return the query for the members of some sets."""
    columns = findings.c.fingerprint, findings.c.body, advisories.c.body.label("advisory_body")
    if dialect == POSTGRESQL:
        inside = select(finding_sets.c.id.label("set_id"), func.unnest(finding_sets.c.finding_ids).label("finding_id"))
        links: FromClause = inside.where(one_of(finding_sets.c.id, "wanted")).subquery()
        query = select(links.c.set_id, *columns)
    else:
        links = set_findings
        query = select(links.c.set_id, *columns).where(one_of(links.c.set_id, "wanted"))
    joined = links.join(findings, findings.c.id == links.c.finding_id)
    return query.select_from(joined.join(advisories, advisories.c.id == findings.c.advisory_id))


def findings_of(members: Sequence[Finding], places: bytes | None) -> tuple[Finding, ...]:
    """Return the findings of a report, in its order, of those of its set."""
    if places is None:
        return tuple(members)
    return tuple([put_at(members[number], layer, path) for number, layer, path in unpack_places(places)])


@cache
def _advisories_named() -> Select[Any]:
    """Return the query for the ids of advisories with an id or alias."""
    return select(advisory_names.c.advisory_id).where(advisory_names.c.name == bindparam("name", type_=Text))


@cache
def _findings_named() -> Select[Any]:
    return select(findings.c.id).where(findings.c.advisory_id.in_(_advisories_named())).order_by(findings.c.id)


async def ids_named(db: AsyncConnection, name: str) -> list[int]:
    """Return the findings of an id or alias, whatever set they are in; the name in upper or lower case."""
    return list((await db.execute(_findings_named(), {"name": lookup_name(name)})).scalars())


async def sets_having(db: AsyncConnection, ids: Collection[int], most: int) -> list[int]:
    """Return the ids of sets with one of these findings, at most so many."""
    return list((await db.execute(_sets_having(db.dialect.name), {"ids": ids, "most": most})).scalars())


@cache
def _sets_having(dialect: str) -> Select[Any]:
    found = select(finding_sets.c.id).where(_overlap())
    if dialect != POSTGRESQL:
        found = select(set_findings.c.set_id.label("id")).where(one_of(set_findings.c.finding_id, "ids")).distinct()
    return found.limit(bindparam("most"))


def _overlap() -> ColumnElement[bool]:
    return finding_sets.c.finding_ids.op("&&")(bindparam("ids", type_=ValueList(findings.c.id.type)))


def has_one_of(set_id: ColumnElement[Any], dialect: str) -> ColumnElement[bool]:
    """Return the condition that a set has one of the findings `ids`: for one set after the other, where many do."""
    if dialect == POSTGRESQL:
        return select(finding_sets.c.id).where(_overlap(), finding_sets.c.id == set_id).exists()
    here = (set_findings.c.set_id == set_id) & one_of(set_findings.c.finding_id, "ids")
    return select(set_findings.c.set_id).where(here).exists()


async def findings_named(db: AsyncConnection, name: str, set_ids: Collection[int]) -> dict[int, list[Finding]]:
    """Return for each of these sets its findings of this id or alias, without places; sets without one are left out.

    Args:
        db: A connection.
        name: The id or alias, in upper or lower case.
        set_ids: The sets.
    """
    known: dict[int, Finding] = {}
    found: dict[int, list[Finding]] = {}
    reader, wanted = FindingReader(), {"name": lookup_name(name), "sets": set_ids}
    for row in await db.execute(_named_in_sets(db.dialect.name), wanted):
        if row.id not in known:
            known[row.id] = reader.read(row.advisory_body, row.body)
        found.setdefault(row.set_id, []).append(known[row.id])
    return found


@cache
def _named_in_sets(dialect: str) -> Select[Any]:
    columns = findings.c.id, findings.c.body, advisories.c.body.label("advisory_body")
    told = findings.join(advisories, advisories.c.id == findings.c.advisory_id)
    if dialect == POSTGRESQL:
        set_id = finding_sets.c.id
        joined = told.join(finding_sets, findings.c.id == func.any(finding_sets.c.finding_ids))
    else:
        set_id = set_findings.c.set_id
        joined = told.join(set_findings, set_findings.c.finding_id == findings.c.id)
    query = select(set_id.label("set_id"), *columns).select_from(joined)
    named = findings.c.advisory_id.in_(_advisories_named())
    return query.where(named, one_of(set_id, "sets")).order_by(findings.c.id)
