"""Foreign text on a terminal."""

from __future__ import annotations

import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given, strategies as st
from portus_scan.terminal import safe, say

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()))
"""Lone surrogates too."""
HARMFUL = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(ANY_TEXT)
def test_nothing_harmful_comes_through(text: str) -> None:
    """No control, format, surrogate, private or unassigned character, and no line break, is left."""
    assert not HARMFUL & {unicodedata.category(character) for character in safe(text)}


@given(ANY_TEXT)
def test_result_can_be_encoded(text: str) -> None:
    """What is made safe can be written as UTF-8."""
    assert safe(text) == safe(text).encode("utf-8").decode("utf-8")


@given(ANY_TEXT, st.integers(min_value=1, max_value=20))
def test_limit_holds(text: str, limit: int) -> None:
    """The result is never longer than the limit, escapes counted."""
    assert limit >= len(safe(text, limit))


@given(st.text(alphabet=st.characters(categories=("L", "N", "P", "S"), include_characters=" ")))
def test_printable_text_is_unchanged(text: str) -> None:
    """Letters, digits, punctuation and spaces stay as they are."""
    assert text == safe(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("a\nb\r", r"a\nb\r"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\u200b\u2028", r"\u200b\u2028"),
        ("\ud800", r"\ud800"),
        ("\U000e0001", r"\U000e0001"),
    ],
)
def test_harmful_characters_are_shown(text: str, expected: str) -> None:
    """What would act on the terminal is written as an escape that can be read."""
    assert expected == safe(text)


def test_cut_text_says_so() -> None:
    """A text that is too long ends in an ellipsis; one that just fits does not."""
    assert ("abcd", "abc…") == (safe("abcd", 4), safe("abcde", 4))


def test_say_writes_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A hostile message stays one line on stderr, with the program's name before it."""
    say("no\nportus-scan: all is well\x1b[1A")
    assert ("", "portus-scan: no\\nportus-scan: all is well\\x1b[1A\n") == capsys.readouterr()


IGNORED = """
import warnings
from portus_scan.terminal import set_up_logging, tell_the_log
class Exiting:
    def __del__(self): raise SystemExit(0)
set_up_logging(verbose={})
tell_the_log()
Exiting()
warnings.warn("never awaited", RuntimeWarning)
"""


@pytest.mark.parametrize(("verbose", "told"), [(False, False), (True, True)])
def test_what_nobody_can_catch_is_for_the_log(verbose: bool, told: bool) -> None:
    """An exception while an object is deleted, and a warning: no traceback on stderr but with ``-v``."""
    program = [sys.executable, "-c", IGNORED.format(verbose)]
    ended = subprocess.run(program, capture_output=True, text=True, check=True)
    assert [told, told] == [words in ended.stderr for words in ("SystemExit", "never awaited")]
    assert told == bool(ended.stderr)
