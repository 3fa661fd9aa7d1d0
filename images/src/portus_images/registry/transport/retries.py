"""What is sent again, and after how long."""

from __future__ import annotations

import random

from ..answers import Answer
from .failures import Failure

PAUSES = (0.5, 2.0)
"""Seconds before a second and a third try; up to half of each is taken off at random."""
LONGEST_WAIT = 30.0
"""Seconds of a ``Retry-After`` that are waited; who asks for more gets an error at once."""
_TOO_MANY = 429
_SERVER_FAULTS = range(500, 600)


def find_pause(outcome: Answer | Failure, tries: int) -> float | None:
    """Return the seconds to wait before a request is sent again; None where that will not be.

    Args:
        outcome: What came of it.
        tries: How often it was sent.
    """
    if tries > len(PAUSES) or not _may_pass(outcome):
        return None
    own = PAUSES[tries - 1] * random.uniform(0.5, 1.0)  # noqa: S311 (jitter)
    wanted = outcome.retry_after if isinstance(outcome, Answer) else None
    if wanted is None:
        return own
    return max(own, wanted) if wanted <= LONGEST_WAIT else None


def _may_pass(outcome: Answer | Failure) -> bool:
    if isinstance(outcome, Failure):
        return outcome.may_repeat
    return outcome.status == _TOO_MANY or outcome.status in _SERVER_FAULTS
