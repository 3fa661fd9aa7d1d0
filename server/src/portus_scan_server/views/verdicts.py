"""May this image be used: pass, fail with the rules that do not hold, or unknown. Unknown is never a pass."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, TypeAlias

from attrs import frozen
from portus_images import Platform
from portus_scanners import Verdict
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ..access import Viewer
from ..answers import AnswerDoubt
from ..store import tables
from ..summaries import Rules
from .security import Security, SecurityState
from .visibility import find_image, load_security, seen_repositories

registries, repositories, images = tables.registries, tables.repositories, tables.images
held, index_images = tables.image_repositories, tables.index_images

_OF_WHAT_IS_KNOWN = ("fail_on:", "end_of_life:", "max_database_age:")
"""The rules of the gate that fail by what is known; the others by what is not."""


class Answer(Enum):
    """What a program may do with an image."""

    PASS = "pass"  # noqa: S105 (not a password)
    FAIL = "fail"
    UNKNOWN = "unknown"


_WORST_FIRST = (Answer.FAIL, Answer.UNKNOWN, Answer.PASS)


@frozen(kw_only=True)
class ImageVerdict:
    """Whether an image passes the policy, as far as is known.

    Attributes:
        digest: The image.
        answer: Pass, fail or unknown.
        reasons: The rules that do not hold, and what is not known, a sentence each; of a pass, what is not known and
            the policy's gate allows.
        security: What is known of the image.
    """

    digest: str
    answer: Answer
    reasons: tuple[str, ...]
    security: Security

    @property
    def checked_at(self) -> datetime | None:
        """When the oldest answer behind it was checked."""
        return self.security.checked_at


ImagePlaceKey: TypeAlias = tuple[str, str, str]
"""A registry, a repository in it, and a digest."""


@frozen(kw_only=True)
class PlaceVerdict:
    """Whether what a repository has under a digest may run, as far as is known.

    Attributes:
        image_id: Its row.
        answer: Pass, fail or unknown.
        reasons: Why, a sentence each.
        admission_at: When a cluster last asked for it, as far as that is kept; None for never.
    """

    image_id: int
    answer: Answer
    reasons: tuple[str, ...]
    admission_at: datetime | None


async def load_verdict(db: AsyncConnection, viewer: Viewer, rules: Rules, digest: str) -> ImageVerdict | None:
    """Return the verdict of a digest; None where there is none that this viewer may see."""
    row = await find_image(db, viewer, digest)
    if row is None:
        return None
    security = (await load_security(db, [row.id], rules))[row.id]
    answer = judge(security)
    return ImageVerdict(digest=digest, answer=answer, reasons=tuple(_reasons(security, answer)), security=security)


async def load_place_verdicts(
    db: AsyncConnection, rules: Rules, places: Collection[ImagePlaceKey], platforms: Collection[Platform] = ()
) -> dict[ImagePlaceKey, PlaceVerdict]:
    """Return what may be done with digests of repositories, whoever may see them; none for what is not known there.

    An index is as its worst image that can be run; one of which nothing is known makes it unknown.

    Args:
        db: A transaction that reads.
        rules: The rules of now.
        places: Registry, repository and digest of each.
        platforms: Which images of an index count; those whose platform is not known always do. Empty for all.
    """
    columns = registries.c.host, repositories.c.name, images.c.digest
    joined = images.join(held, held.c.image_id == images.c.id).join(
        seen_repositories(), repositories.c.id == held.c.repository_id
    )
    query = select(*columns, images.c.id, images.c.is_index, images.c.admission_at).select_from(joined)
    query = query.where(images.c.digest.in_({digest for _, _, digest in places}))
    rows = {row[:3]: row for row in await db.execute(query) if row[:3] in places}
    counted: dict[int, list[int]] = {row.id: [] if row.is_index else [row.id] for row in rows.values()}
    inside = select(index_images).where(index_images.c.index_id.in_(counted), index_images.c.runnable)
    for row in await db.execute(inside.order_by(index_images.c.position)):
        if not platforms or any(_fits(row.platform, one) for one in platforms):
            counted[row.index_id].append(row.image_id)
    known = await load_security(db, {one for ids in counted.values() for one in ids}, rules)
    return {place: _place_verdict(row, [known[one] for one in counted[row.id]]) for place, row in rows.items()}


def _place_verdict(row: Any, securities: Sequence[Security]) -> PlaceVerdict:
    """Return the worst of what is known; of nothing, unknown."""
    judged = sorted(((judge(one), one) for one in securities), key=lambda pair: _WORST_FIRST.index(pair[0]))
    answer, worst = judged[0] if judged else (Answer.UNKNOWN, None)
    said = ["none of its images is for the platforms that count"] if worst is None else _reasons(worst, answer)
    return PlaceVerdict(image_id=row.id, answer=answer, reasons=tuple(said), admission_at=row.admission_at)


def _fits(platform: str, wanted: Platform) -> bool:
    """Return whether an image of an index may be run on a platform; of one that does not say, nobody knows."""
    try:
        found = Platform.parse(platform)
    except ValueError:
        return True
    if "unknown" in (found.os, found.architecture):
        return True
    same = (found.os, found.architecture) == (wanted.os, wanted.architecture)
    variants = not wanted.variant or not found.variant or found.variant == wanted.variant
    return same and variants and (not wanted.os_version or found.os_version == wanted.os_version)


def judge(security: Security) -> Answer:
    """Return what a program may do with an image of which this is known.

    What fails by what is known fails, whatever is not known beside it. Where a scanner has no answer, or none of now,
    everything else is unknown. What a scanner has said that it can't see (unsupported, incomplete) is unknown as well,
    unless the gate's policy allows it. Without a gate, anything that was found fails.
    """
    if not security.is_current:
        return Answer.UNKNOWN
    has_failed = security.gate is False and any(one.startswith(_OF_WHAT_IS_KNOWN) for one in security.violations)
    if has_failed or (security.gate is None and security.total):
        return Answer.FAIL
    if any(_is_silent(why) for why in security.doubts.values()):
        return Answer.UNKNOWN
    if security.gate is None:
        return Answer.PASS if security.verdict is Verdict.CLEAN and not _doubts(security) else Answer.UNKNOWN
    return Answer.PASS if security.gate else Answer.UNKNOWN


def _is_silent(why: Collection[AnswerDoubt]) -> bool:
    """Return whether a scanner has said nothing that counts now."""
    said = {AnswerDoubt.UNSUPPORTED, AnswerDoubt.INCOMPLETE}
    if AnswerDoubt.NO_ANSWER in why and not said.intersection(why):
        return True
    return AnswerDoubt.NOT_SCANNED in why or AnswerDoubt.OUTDATED in why


def _doubts(security: Security) -> list[str]:
    return [
        f"{doubt.value}: {scanner}"
        for scanner, why in security.doubts.items()
        for doubt in why
        if doubt is not AnswerDoubt.LAST_FAILED
    ]


def _reasons(security: Security, answer: Answer) -> Iterator[str]:
    yield from security.violations
    if security.gate is None and security.is_current and security.total:
        yield f"vulnerabilities: {security.words}"
    if not security.is_current:
        known = security.state is SecurityState.OUTDATED
        yield (
            "outdated: what is known is not of now" if known else f"{security.state.value}: nothing is known of it yet"
        )
    allowed = " (the policy's gate allows it)" if answer is Answer.PASS else ""
    yield from (f"{doubt}{allowed}" for doubt in _doubts(security))
