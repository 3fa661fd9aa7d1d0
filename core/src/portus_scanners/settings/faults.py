"""What is wrong with a configuration, in words: each fault is a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import SequenceMatcher, get_close_matches
from typing import Any

from ..errors import PluginError

PREFIX = "PORTUS_SECURITY_"
"""What each of our environment variables begins with."""
_OWN_SECTIONS = {"security": 0.85, "registries": 0.85, "gate": 0.75, "severity": 0.75, "suppressions": 0.8}
_OF_THE_SERVICE = "access admission events answers harbor schedule scans notifications"
_OWN_SECTIONS |= dict.fromkeys(_OF_THE_SERVICE.split(), 0.85)
"""Each with the likeness from which another key is taken for a slip of the pen; no key of Portus' own is that like."""


def how_to_enable(name: str) -> str:
    """Return the end of a sentence that says how a scanner is enabled."""
    return f"set security: {name}: server: (or enabled: true) in the configuration, or {PREFIX}{name.upper()}_SERVER"


def enabled_but_left_out(section: str, problem: PluginError) -> str:
    """Return the fault of an enabled section whose plugin the environment leaves out."""
    return f"security.{section} is enabled, but {problem.why}: {problem.fix}, or disable the section"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean X?`` for the nearest known word, or nothing."""
    return next((f"; did you mean {near}?" for near in get_close_matches(word, list(known), n=1)), "")


def misspelt_sections(document: Mapping[str, Any], scanners: Collection[str] = ()) -> Iterator[str]:
    """Yield a fault for each top-level key that is nearly one of ours, or a scanner; Portus' own are ignored."""
    for key in (one for one in map(str, document) if one not in _OWN_SECTIONS):
        if near := _nearest(key):
            yield f"{key}: unknown key; did you mean {near}?"
        elif any(abs(len(key) - len(one)) <= 1 for one in get_close_matches(key, scanners, 1, 0.75)):
            yield f"{key}: the section of a scanner goes into the section security: write security: {{{key}: ...}}"


def _nearest(key: str) -> str | None:
    likeness = {name: SequenceMatcher(None, key.lower(), name).ratio() for name in _OWN_SECTIONS}
    near = {name: ratio for name, ratio in likeness.items() if ratio >= _OWN_SECTIONS[name]}
    return max(near, key=near.__getitem__, default=None)
