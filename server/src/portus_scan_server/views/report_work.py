"""A report made of what is stored, merged and judged under the policy of now: whole in a format, or a page of it.

Everything here takes long for a large image: `reports.py` says where it is done.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from attrs import evolve, field, frozen
from portus_images import Image, parse_reference
from portus_policy import apply_policy
from portus_scan import FolderReporter, ReportFile, ReportJob, TextReporter, discover_reporters
from portus_scanners import (
    FixState,
    ImageReport,
    Package,
    PluginError,
    ReportDocument,
    ScannerRun,
    Severity,
    UnresolvedImage,
    Vulnerability,
    make_image_report,
)
from portus_scanners.plugins import load_plugin
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ..answers import ScannerAnswers, judge_answers
from ..store import load_answers, load_image, load_runs, names_in, one_of, tables
from ..summaries import Rules, read_now, without_baseline
from .visibility import mask_names

runs = tables.runs


class FormatError(Exception):
    """The report can't be had in that format; the message says why."""


@frozen(kw_only=True)
class ReportOrder:
    """Which report is made.

    Attributes:
        reference: What the image is called in it.
        images: The image; or the images of an index that can be run, each with its digest.
        index_id: The index; None for an image.
        rules: The rules of now.
        hidden: Names of repositories that no message may have.
    """

    reference: str
    images: tuple[tuple[int, str], ...]
    index_id: int | None
    rules: Rules
    hidden: tuple[str, ...] = ()


@frozen(kw_only=True)
class VulnerabilityChoice:
    """Which vulnerabilities of a report are wanted.

    Attributes:
        min_severity: That severity or above; None for all.
        scanner: Only those that this scanner has found; empty for all.
        search: Only those that have this in an id, an alias, a title, or a package's name; empty for all.
        fixable: Only those with a fix, or without; None for both.
        suppressed: Only those that the policy does not count, or does; None for both.
        new: Only those that the answers before did not have.
        offset: How many are left out before the first.
        limit: How many at most.
    """

    min_severity: Severity | None = None
    scanner: str = ""
    search: str = ""
    fixable: bool | None = None
    suppressed: bool | None = None
    new: bool = False
    offset: int = 0
    limit: int = 500


@frozen(kw_only=True)
class VulnerabilityRow:
    """A merged vulnerability of an image.

    Attributes:
        vulnerability: What is said of it; the rule that suppresses it, who has found it and who has not.
        is_new: Whether the answers before did not have it.
        platforms: Of an index, which of its images have it, as the index names them.
    """

    vulnerability: Vulnerability
    is_new: bool
    platforms: tuple[str, ...] = ()


@frozen(kw_only=True)
class VulnerabilityPage:
    """A part of the vulnerabilities of an image.

    Attributes:
        rows: Some of those that were asked for, in the order of the report: the highest severity first.
        matching: How many were asked for.
        total: How many there are.
        counts: How many of all there are of each severity.
        next_offset: Where the next page begins; None after the last one.
        new_since: When the answer before was last checked; None where there is none to compare with.
        notes: What a reader must know in order to trust the rows.
        missing: Images of an index of which nothing is known yet.
    """

    rows: tuple[VulnerabilityRow, ...] = ()
    matching: int = 0
    total: int = 0
    counts: Mapping[Severity, int] = field(factory=dict)
    next_offset: int | None = None
    new_since: datetime | None = None
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@frozen(kw_only=True)
class ReadReport:
    """What is stored of an image or an index, read.

    Attributes:
        order: What was asked for.
        now: The time by the database's clock.
        images: The images that were resolved, each with what its scanners have said.
        missing: The digests of those that were not.
        before: Ids and aliases, in upper case, that the answers before had, by scanner.
        new_since: When the oldest of these was last checked.
    """

    order: ReportOrder
    now: datetime
    images: tuple[tuple[Image, Mapping[str, ScannerAnswers]], ...]
    missing: tuple[str, ...]
    before: Mapping[str, frozenset[str]] = field(factory=dict)
    new_since: datetime | None = None


async def read_report(db: AsyncConnection, order: ReportOrder, *, compare: bool = False) -> ReadReport:
    """Read what is stored of an image.

    Args:
        db: A transaction that reads.
        order: Which one.
        compare: Whether the answers before are read as well.

    Raises:
        StoreDamagedError: Findings are missing.
    """
    now = await read_now(db)
    found: list[tuple[Image, Mapping[str, ScannerAnswers]]] = []
    missing = []
    for image_id, digest in order.images:
        image = await load_image(db, image_id, parse_reference(order.reference), index_id=order.index_id)
        if image is None:
            missing.append(digest)
        else:
            found.append((image, await load_answers(db, image_id, order.rules.enabled)))
    stored = ReadReport(order=order, now=now, images=tuple(found), missing=tuple(missing))
    if not compare:
        return stored
    wanted = {"ids": [image_id for image_id, _ in order.images], "scanners": order.rules.enabled}
    before = await load_runs(db, (await db.execute(_answers_before(), wanted)).scalars())
    names: dict[str, set[str]] = {}
    for one in before.values():
        told = one.run.report.findings if one.run.report is not None else ()
        names.setdefault(one.run.scanner, set()).update(*map(names_in, told))
    return evolve(
        stored,
        before={name: frozenset(said) for name, said in names.items()},
        new_since=min((one.checked_at for one in before.values()), default=None),
    )


@cache
def _answers_before() -> Select[Any]:
    """Return the query for the newest run of each image and scanner that was the answer before this one."""
    latest, answer = tables.latest, runs.alias()
    older = (runs.c.image_id == latest.c.image_id) & (runs.c.scanner == latest.c.scanner)
    joined = latest.join(answer, answer.c.id == latest.c.answer_id).join(runs, older)
    was_answer = runs.c.outcome == "ok", runs.c.id < answer.c.id, runs.c.set_id.is_distinct_from(answer.c.set_id)
    wanted = one_of(latest.c.image_id, "ids"), one_of(latest.c.scanner, "scanners")
    query = select(func.max(runs.c.id)).select_from(joined).where(*wanted, *was_answer)
    return query.group_by(latest.c.image_id, latest.c.scanner)


def make_document(stored: ReadReport) -> ReportDocument:
    """Return the document of a report: what the command would write of the same answers; pure."""
    order = stored.order
    reports = [_report(image, answers, stored) for image, answers in stored.images]
    message = "it was not scanned yet"
    errors = [UnresolvedImage(reference=order.reference, step="scan", message=message) for _ in stored.missing]
    document = ReportDocument(reports=tuple(reports), errors=tuple(errors[:1]), created=stored.now)
    return apply_policy(document, without_baseline(order.rules.policy), now=stored.now)


def _report(image: Image, answers: Mapping[str, ScannerAnswers], stored: ReadReport) -> ImageReport:
    rules = stored.order.rules
    judged = judge_answers(rules.enabled, answers, now=stored.now, max_age=rules.max_age)
    return make_image_report(image, [_masked(run, stored.order.hidden) for run in judged.runs])


def _masked(run: ScannerRun, hidden: Sequence[str]) -> ScannerRun:
    """Return a run whose messages have no hidden name."""
    if run.error is not None:
        run = evolve(run, error=mask_names(run.error, hidden))
    if run.report is not None and run.report.notes:
        run = evolve(run, report=evolve(run.report, notes=tuple(mask_names(one, hidden) for one in run.report.notes)))
    return run


@frozen
class RenderedReport:
    """A report in a format.

    Attributes:
        content: All of it.
        is_archive: Whether the format is a folder of files, of which this is a ZIP archive.
    """

    content: bytes = field(repr=False)
    is_archive: bool = False


def render(document: ReportDocument, name: str) -> RenderedReport:
    """Return a document in a format.

    Args:
        document: The document.
        name: An installed format.

    Raises:
        FormatError: There is no such format, or it can't be loaded, or has failed.
    """
    reporter, job = _load(name), ReportJob(document=document)
    try:
        if isinstance(reporter, FolderReporter):
            return RenderedReport(_zip(reporter.render(job)), is_archive=True)
        return RenderedReport("".join(reporter.render(job)).encode("utf-8", "backslashreplace"))
    except Exception as error:  # a format may be anybody's code
        raise FormatError("the format has failed on this report") from error


def _zip(files: Iterable[ReportFile]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            with archive.open(file.path, "w") as packed_file:
                packed_file.writelines(file.pieces())
    return packed.getvalue()


def _load(name: str) -> TextReporter | FolderReporter:
    plugin = next((one for one in discover_reporters() if one.name == name), None)
    if plugin is None:
        raise FormatError("there is no such format")
    loaded = load_plugin(plugin).result
    if isinstance(loaded, PluginError):
        raise FormatError("the format can't be loaded")
    reporter = loaded()
    assert isinstance(reporter, TextReporter | FolderReporter)  # noqa: S101 (loading has looked at it)
    return reporter


def choose(document: ReportDocument, stored: ReadReport, choice: VulnerabilityChoice) -> VulnerabilityPage:
    """Return the vulnerabilities of a document that are asked for; pure."""
    rows = _rows(document, stored)
    wanted = [row for row in rows if _is_wanted(row, choice)]
    end = choice.offset + choice.limit
    counts = dict.fromkeys(Severity, 0)
    for row in rows:
        counts[row.vulnerability.severity] += 1
    return VulnerabilityPage(
        rows=tuple(wanted[choice.offset : end]),
        matching=len(wanted),
        total=len(rows),
        counts=counts,
        next_offset=end if end < len(wanted) else None,
        new_since=stored.new_since,
        notes=tuple(dict.fromkeys(note for report in document.reports for note in report.notes)),
        missing=stored.missing,
    )


def _rows(document: ReportDocument, stored: ReadReport) -> list[VulnerabilityRow]:
    """Return each vulnerability of all reports once, the highest severity first."""
    found: dict[tuple[str, Package], VulnerabilityRow] = {}
    for report in document.reports:
        platform = str(report.image.index_platform or report.image.platform or "")
        platforms = (platform,) if stored.order.index_id is not None else ()
        for one in report.vulnerabilities:
            known = found.get((one.id, one.package))
            row = known or VulnerabilityRow(vulnerability=one, is_new=_is_new(one, stored))
            found[one.id, one.package] = evolve(row, platforms=(*row.platforms, *platforms))
    return sorted(found.values(), key=lambda row: row.vulnerability.severity, reverse=True)


def _is_new(one: Vulnerability, stored: ReadReport) -> bool:
    """Return whether a scanner that has answered before did not tell of it then, nor did another one."""
    if not any(name in stored.before for name in one.scanners):
        return False
    names = names_in(one)
    return not any(names & said for said in stored.before.values())


def _is_wanted(row: VulnerabilityRow, choice: VulnerabilityChoice) -> bool:
    one = row.vulnerability
    conditions: Sequence[Callable[[], bool]] = (
        lambda: choice.min_severity is None or one.severity >= choice.min_severity,
        lambda: not choice.scanner or choice.scanner in one.scanners,
        lambda: choice.fixable is None or choice.fixable == (bool(one.fixed_by) or FixState.FIXED in one.fix_states),
        lambda: choice.suppressed is None or choice.suppressed == (one.suppressed is not None),
        lambda: not choice.new or row.is_new,
        lambda: not choice.search or _has(one, choice.search.lower()),
    )
    return all(condition() for condition in conditions)


def _has(one: Vulnerability, part: str) -> bool:
    packages = (one.package, *one.packages)
    said = (one.id, *one.aliases, one.title, *(package.name for package in packages))
    return any(part in text.lower() for text in said)
