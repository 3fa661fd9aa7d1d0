"""May this image be used: pass, fail with the rules that do not hold, or unknown. Unknown is never a pass."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from enum import Enum

from attrs import frozen
from portus_scanners import Verdict
from sqlalchemy.ext.asyncio import AsyncConnection

from ..access import Viewer
from ..answers import AnswerDoubt
from ..summaries import Rules
from .security import Security, SecurityState
from .visibility import find_image, load_security

_OF_WHAT_IS_KNOWN = ("fail_on:", "end_of_life:", "max_database_age:")
"""The rules of the gate that fail by what is known; the others by what is not."""


class Answer(Enum):
    """What a program may do with an image."""

    PASS = "pass"  # noqa: S105 (not a password)
    FAIL = "fail"
    UNKNOWN = "unknown"


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


async def load_verdict(db: AsyncConnection, viewer: Viewer, rules: Rules, digest: str) -> ImageVerdict | None:
    """Return the verdict of a digest; None where there is none that this viewer may see."""
    row = await find_image(db, viewer, digest)
    if row is None:
        return None
    security = (await load_security(db, [row.id], rules))[row.id]
    answer = judge(security)
    return ImageVerdict(digest=digest, answer=answer, reasons=tuple(_reasons(security, answer)), security=security)


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
