"""Columns without rich: the same text as with it, or none."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from portus_scan import Surface, terminal
from portus_scan.terminal import line_up

WIDTH = 60
CELLS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30).map(str.strip)
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=4)


def in_a_pipe(rows: list[tuple[str, ...]]) -> str:
    """Return the list as it is written to a pipe."""
    return terminal.render_list(("A", "B", "C"), rows, Surface(width=WIDTH))


@settings(max_examples=50, deadline=None)
@given(ROWS)
def test_the_text_is_that_of_rich(rows: list[tuple[str, ...]]) -> None:
    """A list in a pipe is the same text, whether rich has drawn it or not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(terminal, "line_up", lambda *_: None)
        drawn = in_a_pipe(rows)
    assert drawn == in_a_pipe(rows)


@pytest.mark.parametrize("cell", ["x" * 50, "漢字", "e\u0301"], ids=["too long", "wide", "combining"])
def test_what_takes_more_is_left_to_rich(cell: str) -> None:
    """Lines that do not fit and characters of another width give no text."""
    assert line_up([("name", cell)], 50) is None


def test_a_line_that_just_fits_is_lined_up() -> None:
    """A line as long as the width is written as it is, without blanks at its end."""
    assert "a    bb\nccc\n" == line_up([("a", "bb"), ("ccc", "")], 7)
