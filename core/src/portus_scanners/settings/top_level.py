"""The top-level sections that are ours: others of a file belong to Portus, and are passed over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any

_OWN_SECTIONS = {"security": 0.85, "registries": 0.85, "gate": 0.75, "severity": 0.75, "suppressions": 0.8}
"""Each with the likeness from which another key is taken for a slip; none of Portus' own keys is as like."""


def misspelt_sections(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each top-level key that is nearly one of ours."""
    for key in document:
        if key not in _OWN_SECTIONS and (near := _nearest(str(key))):
            yield f"{key}: unknown key; did you mean {near}?"


def _nearest(key: str) -> str | None:
    likeness = {name: SequenceMatcher(None, key.lower(), name).ratio() for name in _OWN_SECTIONS}
    near = [name for name, limit in _OWN_SECTIONS.items() if likeness[name] >= limit]
    return max(near, key=lambda name: likeness[name], default=None)
