"""What scans share: a set that forgets."""

from __future__ import annotations

import pytest
from portus_scanner_clair import sharing
from portus_scanner_clair.sharing import Recent


def test_what_was_not_used_for_longest_is_forgotten() -> None:
    """A full set makes room; looking for a key uses it."""
    recent = Recent[str](2)
    recent.add("ab")
    assert "a" in recent
    recent.add("c")
    assert (True, False, True, 2) == ("a" in recent, "b" in recent, "c" in recent, len(recent))
    recent.discard("ax")
    assert (False, 1) == ("a" in recent, len(recent))


def test_what_was_added_too_long_ago_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking for a key does not make it last longer; adding it again does."""
    now = 0.0
    monkeypatch.setattr(sharing.time, "monotonic", lambda: now)
    recent = Recent[str](5, lasts=10)
    recent.add("ab")
    now = 9
    recent.add("b")
    assert (True, True) == ("a" in recent, "b" in recent)
    now = 15
    assert (False, True, 1) == ("a" in recent, "b" in recent, len(recent))
