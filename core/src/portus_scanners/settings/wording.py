"""Sentences that several messages share."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from ..errors import PluginError

PREFIX = "PORTUS_SECURITY_"
"""What every environment variable of ours begins with."""


def how_to_enable(name: str) -> str:
    """Return the end of a sentence that says how a scanner is enabled."""
    return f"set security: {name}: server: (or enabled: true) in the configuration, or {PREFIX}{name.upper()}_SERVER"


def enabled_but_left_out(section: str, problem: PluginError) -> str:
    """Return the fault of an enabled section whose plugin the environment leaves out."""
    return f"security.{section} is enabled, but {problem.why}: {problem.fix}, or disable the section"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean X?`` for the nearest known word, or nothing."""
    near = get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""
