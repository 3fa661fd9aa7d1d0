"""A report made of what is stored, merged and judged under the policy of now: in any format.

Everything here takes long for a large image: `reports.py` says where it is done.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from attrs import evolve, field, frozen
from portus_images import Image, parse_reference
from portus_policy import apply_policy
from portus_scan import FolderReporter, ReportFile, ReportJob, TextReporter, discover_reporters
from portus_scanners import (
    ImageReport,
    PluginError,
    ReportDocument,
    ScannerRun,
    UnresolvedImage,
    make_image_report,
)
from portus_scanners.plugins import load_plugin
from sqlalchemy.ext.asyncio import AsyncConnection

from ..answers import ScannerAnswers, judge_answers
from ..store import load_answers, load_image
from ..summaries import Rules, read_now, without_baseline
from .visibility import mask_names


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
class ReadReport:
    """What is stored of an image or an index, read.

    Attributes:
        order: What was asked for.
        now: The time by the database's clock.
        images: The images that were resolved, each with what its scanners have said.
        missing: The digests of those that were not.
    """

    order: ReportOrder
    now: datetime
    images: tuple[tuple[Image, Mapping[str, ScannerAnswers]], ...]
    missing: tuple[str, ...]


async def read_report(db: AsyncConnection, order: ReportOrder) -> ReadReport:
    """Read what is stored of an image.

    Args:
        db: A transaction that reads.
        order: Which one.

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
    return ReadReport(order=order, now=now, images=tuple(found), missing=tuple(missing))


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
            archive.writestr(file.path, file.content)
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
