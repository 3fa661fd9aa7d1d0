"""How fast images end, how long the rest will take, and how far a listing is."""

from __future__ import annotations

import io

import pytest
from portus_scan.walking.display import (
    REMEMBERED,
    SILENCE,
    LiveWalkDisplay,
    Pace,
    PlainDisplay,
    describe_rate,
    describe_seconds,
)


def test_nothing_is_said_before_the_first_image() -> None:
    """There is no rate yet, and no time left that could be named."""
    assert (0.0, None) == (Pace(0.0).rate(10.0), Pace(0.0).left(5, 10.0))


def test_the_time_left_follows_from_the_rate() -> None:
    """Ten images in five seconds are two a second; twenty more take ten seconds."""
    pace = Pace(100.0)
    for _ in range(10):
        pace.note(105.0)
    assert (2.0, 10.0) == (pace.rate(105.0), pace.left(20, 105.0))


def test_the_rate_is_that_of_the_last_images() -> None:
    """A fast beginning does not promise a fast end."""
    pace = Pace(0.0)
    for number in range(REMEMBERED):
        pace.note(number / 100)
    for number in range(2 * REMEMBERED):
        pace.note(100.0 + number)
    assert 1.0 == pytest.approx(pace.rate(100.0 + 2 * REMEMBERED - 1), rel=0.02)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (99, "99 s"), (100, "2 min"), (3599, "1 h 0 min"), (12000, "3 h 20 min")],
)
def test_times_in_words(seconds: float, words: str) -> None:
    """Seconds, then minutes, then hours."""
    assert words == describe_seconds(seconds)


def test_rates_in_words() -> None:
    """A slow rate is one a minute."""
    assert ("3.2 images/s", "12.0 images/min") == (describe_rate(3.2), describe_rate(0.2))


def test_a_long_listing_says_how_far_it_is_and_where_it_ends(capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing moves, a line each ten seconds in which no image's line came; the bound is in it."""
    now = 0.0
    display = PlainDisplay(clock=lambda: now)
    for page in range(1, 31):
        now = page * SILENCE / 10
        display.note_listing(page, 100_000, 7)
    lines = capsys.readouterr().err.splitlines()
    assert [f"page {page} of 100000 at most, 7 images so far" for page in (10, 20, 30)] == [
        line.partition(": listing repositories and tags: ")[2] for line in lines
    ]


def test_the_last_line_of_a_terminal_says_what_is_waited_for() -> None:
    """The listing as long as there is no image, then the images, and the scanners whose backends are away."""
    display = LiveWalkDisplay(io.StringIO(), shared=False, clock=lambda: 0.0)
    assert "listing repositories and tags" == display.words()
    display.note_listing(12, 100_000, 0)
    assert "listing repositories and tags: page 12 of 100000 at most, 0 images so far" == display.words()
    display.tell(5, complete=False)
    display.note_away(["clair", "trivy"])
    assert "0 of 5 or more images, waiting for clair and trivy" == display.words()
    display.note_away([])
    assert "0 of 5 or more images" == display.words()
