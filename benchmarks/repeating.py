"""Runs, one after another; on stderr, how far they are."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

_PAUSE = 5.0
"""Seconds between two lines."""


def repeat(group: str, runs: int) -> Iterator[int]:
    """Yield the number of each run, and say now and then which one it is.

    Args:
        group: The number of the rows.
        runs: How many.
    """
    told = time.monotonic()
    for run in range(runs):
        if time.monotonic() - told >= _PAUSE:
            told = time.monotonic()
            print(f"rows {group}: run {run + 1} of {runs}", file=sys.stderr, flush=True)
        yield run
