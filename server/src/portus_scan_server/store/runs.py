"""Runs in and out: a repeated run with the same result is one row, and a failed one never replaces an answer."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from attrs import frozen
from portus_scanners import Database, EndOfLife, Finding, Outcome, ScannerReport, ScannerRun
from sqlalchemy import ColumnElement, FromClause, Row, Select, and_, bindparam, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ..answers import MadeWith, ScannerAnswers, StoredRun, says_something
from .catalogue import put_row
from .database import StoreDamagedError
from .finding_bodies import column_string
from .schema import finding_sets, latest, runs
from .sets import PreparedFindings, findings_of, load_sets, prepare_findings, put_set
from .types import database_now, one_of

_SAME = ("complete", "notes", "end_of_life")
"""What a report says besides its findings that makes another result of it; versions and times do not."""


@frozen
class PreparedRun:
    """A run that is ready to be stored. Making one is pure and takes most of the time; storing it little.

    Attributes:
        run: The run.
        made_with: What it was made with.
        findings: Its findings; None without a report.
        body: Everything else of it.
    """

    run: ScannerRun
    made_with: MadeWith
    findings: PreparedFindings | None
    body: str


def prepare_run(run: ScannerRun, made_with: MadeWith) -> PreparedRun:
    """Return what is stored of a run; may be called in a thread."""
    return PreparedRun(
        run=run,
        made_with=made_with,
        findings=None if run.report is None else prepare_findings(run.report.findings),
        body=_encode(run),
    )


async def store_run(db: AsyncConnection, image_id: int, prepared: PreparedRun) -> int:
    """Store a run of one image and return its row, in a transaction that writes.

    A result that the answer, or else the newest try, has already, is not stored again: that row was checked now.
    """
    run = prepared.run
    set_id = None if prepared.findings is None else await put_set(db, prepared.findings)
    values = {
        "outcome": run.outcome.value,
        "set_id": set_id,
        "body": prepared.body,
        "places": prepared.findings.places if prepared.findings else None,
        **_columns_of(prepared.made_with),
    }
    pointers = (await db.execute(_pointers(), {"image_id": image_id, "scanner": run.scanner})).one_or_none()
    known = [] if pointers is None else [one for one in (pointers.answer_id, pointers.try_id) if one is not None]
    run_id = await _repeat(db, known, values)
    if run_id is None:
        row = {"image_id": image_id, "scanner": run.scanner, **values}
        run_id = int((await db.execute(insert(runs).values(row).returning(runs.c.id))).scalar_one())
    moved: dict[str, int] = {"try_id": run_id}
    if says_something(run):
        moved["said_id"] = run_id
    if run.outcome is Outcome.OK:
        moved["answer_id"] = run_id
    if pointers is None or any(getattr(pointers, name) != one for name, one in moved.items()):
        await put_row(db, latest, {"image_id": image_id, "scanner": run.scanner}, moved)
    return run_id


async def repeat_runs(db: AsyncConnection, image_id: int, prepared: Sequence[PreparedRun]) -> bool:
    """Mark runs as checked now whose results are those of before: the same rows, and everything else stays.

    Returns:
        False, with nothing written, where the newest run of one of these scanners has not ended `ok` with the same.
    """
    stored = {row.scanner: row for row in await db.execute(_answering(), {"of_image": image_id})}
    again = []
    for one in prepared:
        row, found = stored.get(one.run.scanner), one.findings
        if row is None or found is None or one.run.outcome is not Outcome.OK:
            return False
        if (row.fingerprint, row.places) != (found.fingerprint, found.places):
            return False
        if _essence(row.body) != _essence(one.body):
            return False
        again.append({"row_id": row.id, "body": one.body, **_columns_of(one.made_with)})
    await db.execute(_repeating(), again)
    return True


@cache
def _answering() -> Any:
    """Return the query of the runs of an image that are all that counts of their scanner."""
    newest = and_(latest.c.answer_id == runs.c.id, latest.c.said_id == runs.c.id, latest.c.try_id == runs.c.id)
    joined = runs.join(latest, newest).outerjoin(finding_sets, finding_sets.c.id == runs.c.set_id)
    query = select(latest.c.scanner, runs.c.id, runs.c.body, runs.c.places, finding_sets.c.fingerprint)
    return query.select_from(joined).where(latest.c.image_id == bindparam("of_image")).with_for_update(of=latest)


@cache
def _repeating() -> Any:
    values = {"checked_at": database_now(), "times": runs.c.times + 1}
    return update(runs).where(runs.c.id == bindparam("row_id")).values(values)


async def _repeat(db: AsyncConnection, known: Sequence[int], values: Mapping[str, Any]) -> int | None:
    """Mark a row with the same result as checked now; return it, or None where there is none."""
    for row in await db.execute(select(runs).where(runs.c.id.in_(set(known))).order_by(runs.c.id.desc())):
        said = {name: getattr(row, name) for name in ("outcome", "set_id", "places")}
        if said != {name: values[name] for name in said} or _essence(row.body) != _essence(values["body"]):
            continue
        same = all(getattr(row, name) == values[name] for name in _COMPARED)
        if row.outcome != Outcome.OK.value and not same:
            continue  # tries are counted for each version of what they were made with
        again = {**values, "checked_at": database_now(), "times": runs.c.times + 1}
        await db.execute(update(runs).where(runs.c.id == row.id).values(again))
        return int(row.id)
    return None


_COMPARED = ("plugin_version", "scanner_version", "settings", "database_identity")


def _essence(body: str) -> tuple[object, ...]:
    report = json.loads(body).get("report") or {}
    return tuple(report.get(name) for name in _SAME)


def _pointers() -> Select[Any]:
    here = (latest.c.image_id == bindparam("image_id")) & (latest.c.scanner == bindparam("scanner"))
    return select(latest.c.answer_id, latest.c.said_id, latest.c.try_id).where(here)


async def load_answers(
    db: AsyncConnection, image_id: int, scanners: Collection[str] | None = None
) -> dict[str, ScannerAnswers]:
    """Return the runs of one image that count, with their findings, by scanner.

    Args:
        db: A connection.
        image_id: The image.
        scanners: Only of these; of all that were ever asked when left out.

    Raises:
        StoreDamagedError: Findings of one of them are missing.
    """
    rows = (await db.execute(_of_image(scanners is None), {"of_image": image_id, "scanners": scanners or ()})).all()
    stored = await _read_all(db, rows)
    return {
        row.scanner: ScannerAnswers(
            scanner=row.scanner,
            answer=stored.get(row.answer_id),
            said=stored.get(row.said_id),
            last=stored.get(row.try_id),
        )
        for row in rows
    }


def named_runs(*pointers: ColumnElement[Any]) -> FromClause:
    """Return `latest` joined to the runs that these columns of it name, all three by default, and to their sets."""
    named = or_(*(runs.c.id == one for one in pointers or (latest.c.answer_id, latest.c.said_id, latest.c.try_id)))
    joined = latest.join(runs, and_(runs.c.image_id == latest.c.image_id, runs.c.scanner == latest.c.scanner, named))
    return joined.outerjoin(finding_sets, finding_sets.c.id == runs.c.set_id)


@cache
def _of_image(of_all: bool) -> Select[Any]:
    """Return the query of the runs of an image that count, of all scanners or of some."""
    columns = latest.c.answer_id, latest.c.said_id, latest.c.try_id, finding_sets.c.total
    query = select(runs, *columns).select_from(named_runs()).where(latest.c.image_id == bindparam("of_image"))
    return query if of_all else query.where(one_of(latest.c.scanner, "scanners"))


async def load_runs(db: AsyncConnection, wanted: Iterable[int]) -> dict[int, StoredRun]:
    """Return runs with their findings, by their rows.

    Raises:
        StoreDamagedError: Findings of one are missing.
    """
    ids, joined = set(wanted), runs.outerjoin(finding_sets, finding_sets.c.id == runs.c.set_id)
    if not ids:
        return {}
    query = select(runs, finding_sets.c.total).select_from(joined).where(runs.c.id.in_(ids))
    return await _read_all(db, (await db.execute(query)).all())


async def _read_all(db: AsyncConnection, rows: Sequence[Row[Any]]) -> dict[int, StoredRun]:
    sets = await load_sets(db, sorted({row.set_id for row in rows if row.set_id is not None}))
    return {row.id: _read(row, sets) for row in rows}


def _read(row: Row[Any], sets: Mapping[int, Sequence[Finding]]) -> StoredRun:
    findings: tuple[Finding, ...] = ()
    if row.set_id is not None:
        members = sets[row.set_id]
        if len(members) != row.total:
            lost = row.total - len(members)
            raise StoreDamagedError(f"run {row.id} of {row.scanner}: {lost} of {row.total} stored findings are missing")
        findings = findings_of(members, row.places)
    return StoredRun(
        id=row.id,
        run=_decode(row.scanner, row.outcome, row.body, findings),
        made_with=read_made_with(row),
        times=row.times,
        first_at=row.first_at,
        checked_at=row.checked_at,
        set_id=row.set_id,
        total=len(findings),
    )


def read_made_with(row: Any) -> MadeWith:
    """Return what a row of `runs` or `scanners` says that answers are made with."""
    return MadeWith(
        plugin_version=row.plugin_version,
        scanner_version=row.scanner_version,
        settings=row.settings,
        database=row.database_identity,
        database_updated=row.database_updated,
    )


def _columns_of(made_with: MadeWith) -> dict[str, Any]:
    identity = made_with.database
    return {
        "plugin_version": column_string(made_with.plugin_version),
        "scanner_version": column_string(made_with.scanner_version),
        "settings": made_with.settings,
        "database_identity": None if identity is None else column_string(identity),
        "database_updated": made_with.database_updated,
    }


def _encode(run: ScannerRun) -> str:
    """Return everything of a run but its findings, as ASCII."""
    value: dict[str, Any] = {
        "plugin": run.plugin,
        "error": run.error,
        "started": _iso(run.started),
        "waited": run.waited,
        "elapsed": run.elapsed,
        "attempts": run.attempts,
    }
    if (report := run.report) is not None:
        database, ended = report.database, report.end_of_life
        value["report"] = {
            "complete": report.complete,
            "notes": report.notes,
            "scanner_version": report.scanner_version,
            "database": None if database is None else [database.identity, _iso(database.updated)],
            "end_of_life": None if ended is None else [ended.source, ended.distribution],
        }
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _decode(scanner: str, outcome: str, body: str, findings: tuple[Finding, ...]) -> ScannerRun:
    value = json.loads(body)
    report = value.pop("report", None)
    started = _moment(value.pop("started"))
    if report is not None:
        data, ended = report.pop("database"), report.pop("end_of_life")
        database = None if data is None else Database(identity=data[0], updated=_moment(data[1]))
        end_of_life = None if ended is None else EndOfLife(source=ended[0], distribution=ended[1])
        report = ScannerReport(findings=findings, database=database, end_of_life=end_of_life, **report)
    return ScannerRun(scanner=scanner, outcome=Outcome(outcome), started=started, report=report, **value)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
