"""A fleet has one kind of database: PostgreSQL."""

from __future__ import annotations

import pytest


@pytest.fixture
def dialect() -> str:
    """The kind of the test's database."""
    return "postgresql"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that is asked all the time, and taken again at once."""
    monkeypatch.setattr("portus_scan_server.fleet.life._ASK", 0.01)
    monkeypatch.setattr("portus_scan_server.fleet.life._AGAIN", 0.01)
    monkeypatch.setattr("portus_scan_server.requests.table._UNKNOWN_AGAIN", 0)
