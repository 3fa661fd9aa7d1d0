"""The merged counts and the verdict of each image under the rules of now: what lists show.

`summary.py` makes one, pure; `renewal.py` writes them, and finds those that are no longer true.
"""

from .renewal import (
    SummaryRenewal,
    any_image,
    extend_summary,
    is_current,
    names_of,
    pointers,
    put_index_summary,
    put_summary,
    read_now,
)
from .summary import Rules, Summary, summarize, without_baseline

__all__ = [
    "Rules",
    "Summary",
    "SummaryRenewal",
    "any_image",
    "extend_summary",
    "is_current",
    "names_of",
    "pointers",
    "put_index_summary",
    "put_summary",
    "read_now",
    "summarize",
    "without_baseline",
]
