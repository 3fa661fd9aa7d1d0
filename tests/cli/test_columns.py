"""Lists of several columns: what lines up, what is folded, and how wide a character is."""

from __future__ import annotations

import pytest
from portus_scan import Surface
from portus_scan.layout import columns_of
from portus_scan.terminal import render_list

NAME = "a-name-of-thirty-one-characters"


def test_a_list_in_a_pipe() -> None:
    """A row is one line, however long; there are no blanks at its end, and an empty cell is a dash."""
    text = render_list(("A", "B"), [("x" * 200, ""), ("y", "\x1bz")], Surface())
    assert ["A" + " " * 201 + "B", "x" * 200 + "  -", "y" + " " * 201 + r"\x1bz"] == text.splitlines()


def test_a_list_on_a_narrow_terminal() -> None:
    """Everything fits the width, and the name of a row is never cut."""
    rows = [(NAME, "a description that takes more room than there is", "b" * 30), ("short", "-", "-")]
    lines = render_list(("NAME", "WHAT", "WHERE"), rows, Surface(width=40, terminal=True)).splitlines()
    assert (True, 1) == (all(len(line) <= 40 for line in lines), sum(NAME in line for line in lines))


def test_headings_are_bold_where_there_is_color() -> None:
    """Nothing else is."""
    assert "\x1b[1mA\x1b[0m\nx\n" == render_list(("A",), [("x",)], Surface(terminal=True, color=True))


@pytest.mark.parametrize(
    ("text", "columns"), [("abc", 3), ("\u6f22\u5b57", 4), ("e\u0301", 1), ("\u00e9", 1), ("\uff21", 2), ("", 0)]
)
def test_width_of_characters(text: str, columns: int) -> None:
    """Ideographs and full-width letters take two columns, marks none."""
    assert columns == columns_of(text)


def test_wide_characters_line_up() -> None:
    """A column is as wide as its widest cell is on a screen."""
    assert ["\u6f22\u5b57  b", "aaaa  c"] == render_list(("\u6f22\u5b57", "b"), [("aaaa", "c")], Surface()).splitlines()
