"""What is known of the place where text goes."""

from __future__ import annotations

import io

import pytest
from portus_scan import Surface
from portus_scan.terminal import surface_of


class Terminal(io.StringIO):
    """A stream that says that it is a terminal, and does not say how wide it is."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "terminal", "color"),
    [
        ({}, True, False),
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "dumb"}, True, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True, True),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True, True),
        ({"TERM": "xterm"}, False, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
    ],
)  # fmt: skip
def test_colour(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], terminal: bool, color: bool) -> None:
    """Colour is for terminals that know it; NO_COLOR goes before FORCE_COLOR, and neither counts when it is empty."""
    for name in ("TERM", "NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert color is surface_of(Terminal() if terminal else io.StringIO()).color


@pytest.mark.parametrize(
    ("columns", "terminal", "width"),
    [("", True, 80), ("", False, 160), ("132", True, 132), ("100", False, 100), ("7", True, 40), ("x", True, 80)],
)
def test_width(monkeypatch: pytest.MonkeyPatch, columns: str, terminal: bool, width: int) -> None:
    """COLUMNS goes before what the terminal says; a terminal that says nothing has 80, a pipe 160, nobody below 40."""
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("NO_COLOR", "1")
    expected = Surface(width=width, terminal=terminal)
    assert expected == surface_of(Terminal() if terminal else io.StringIO())


def test_no_stream_is_no_terminal() -> None:
    """A process without stdout has a place all the same."""
    assert not surface_of(None).terminal
