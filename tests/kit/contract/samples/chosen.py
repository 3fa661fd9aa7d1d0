"""A plugin of pytest: makes the tests that the file `wanted` names; all of them are thousands, and take seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

_WANTED = set(Path(__file__).with_name("wanted").read_text().split())
_CLASSES = {one.partition("::")[0] for one in _WANTED}


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector, name, obj):
    """Make nothing of a class, or of a test, that nobody has asked for."""
    if isinstance(collector, pytest.Class):
        either = {collector.name, f"{collector.name}::{name}"}
        is_wanted = not name.startswith("test_") or not either.isdisjoint(_WANTED)
    else:
        is_wanted = not isinstance(obj, type) or name in _CLASSES
    return None if is_wanted else []
