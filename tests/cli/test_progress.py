"""The live display."""

from __future__ import annotations

import io

import pytest
from portus_scan import Surface
from portus_scan.commands.image import make_display
from portus_scan.progress import LiveDisplay, describe, elapsed_words
from portus_scan.scanning import SilentDisplay
from portus_scanners import Progress


class Picture:
    """A live display on a terminal that is a text."""

    def __init__(self, total: int = 1, height: int = 25) -> None:
        self._page = io.StringIO()
        size = (Surface(width=60, terminal=True), height)
        self.display = LiveDisplay(total, self._page, size=lambda: size, auto_refresh=False)
        self.display.start()

    def drawn(self) -> str:
        """Return what was drawn since the last call."""
        text = self._page.getvalue()
        self._page.seek(0)
        self._page.truncate()
        return text


@pytest.fixture
def picture() -> Picture:
    """A display for one image, stopped at the end."""
    return Picture()


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (Progress(scanner="a", state="waiting"), "waiting"),
        (Progress(scanner="a", state="scanning"), "scanning"),
        (Progress(scanner="a", state="scanning", done=3, total=30, what="layer"), "layer 3/30"),
        (Progress(scanner="a", state="scanning", done=3, what="layer"), "layer 3"),
        (Progress(scanner="a", state="scanning", what="indexing"), "indexing"),
        (Progress(scanner="a", state="retrying", done=3, total=30, what="layer"), "retrying"),
        (Progress(scanner="a", state="ok", done=30, total=30, what="layer"), "done"),
        (Progress(scanner="a", state="timed_out"), "timed out"),
        (Progress(scanner="a", state="scanning", done=1, total=2, what="\x1b[2J"), r"\x1b[2J 1/2"),
    ],
)
def test_words(progress: Progress, words: str) -> None:
    """Each state has its words; what a plugin counts is made safe."""
    assert words == describe(progress)


def test_row_of_an_image(picture: Picture) -> None:
    """An image is being resolved until a scanner is heard of; then each scanner has a row."""
    picture.display.begin(0, "app:1")
    first = picture.drawn()
    picture.display.update(0, Progress(scanner="clair", state="waiting"))
    second = picture.drawn()
    picture.display.stop()
    assert (True, True, False) == ("resolving" in first, "clair: waiting" in second, "resolving" in second)


def test_new_state_is_drawn_at_once(picture: Picture) -> None:
    """A new state is drawn at once, a count with the next picture."""
    picture.display.begin(0, "app:1")
    picture.display.update(0, Progress(scanner="clair", state="scanning"))
    picture.drawn()
    picture.display.update(0, Progress(scanner="clair", state="scanning", done=3, total=30, what="layer"))
    between = picture.drawn()
    picture.display.update(0, Progress(scanner="zypper", state="ok"))
    after = picture.drawn()
    picture.display.stop()
    assert ("", True, True) == (between, "clair: layer 3/30" in after, "zypper: done" in after)


def test_images_are_counted() -> None:
    """With several images it says how many are done; the same reference twice is two images."""
    picture = Picture(total=2)
    picture.display.begin(0, "app:1")
    picture.display.begin(1, "app:1")
    twice = picture.drawn()
    picture.display.end(0)
    after = picture.drawn()
    picture.display.stop()
    assert (3, True) == (twice.count("app:1"), "1 of 2 images done" in after)  # one in the first picture, two after


def test_late_news_of_an_ended_image(picture: Picture) -> None:
    """News of an image that has ended are passed over."""
    picture.display.begin(0, "app:1")
    picture.display.end(0)
    picture.drawn()
    picture.display.update(0, Progress(scanner="clair", state="ok"))
    assert "" == picture.drawn()
    picture.display.stop()


def test_line_that_stays(picture: Picture) -> None:
    """A line for the user is written above the table, made safe."""
    picture.display.say("stopping\n[bold]now")
    drawn = picture.drawn()
    picture.display.stop()
    assert r"portus-scan: stopping\n[bold]now" in drawn


def test_the_last_picture_is_taken_away(picture: Picture) -> None:
    """Each picture begins where the last one began; nothing of it stays at the end."""
    picture.drawn()
    picture.display.begin(0, "app:1")
    picture.drawn()
    picture.display.begin(1, "app:2")
    second = picture.drawn()
    picture.display.stop()
    assert ("\x1b[3F\x1b[J", 6) == (second[:7], second.count("\n"))
    assert "\x1b[6F\x1b[J\x1b[?25h" == picture.drawn()


def test_a_picture_has_no_more_lines_than_the_terminal() -> None:
    """What has scrolled away could not be taken away: the rest is a mark."""
    picture = Picture(height=5)
    picture.display.begin(0, "app:1")
    picture.display.begin(1, "app:2")
    drawn = picture.drawn()
    picture.display.stop()
    assert ["app:1", "  0 s", "  resolving", "..."] == drawn.rpartition("\x1b[J")[2].splitlines()


def test_cursor_comes_back(picture: Picture) -> None:
    """The cursor is hidden while the table is drawn, and shown again at the end."""
    picture.display.begin(0, "app:1")
    hidden = picture.drawn()
    picture.display.stop()
    assert (True, True) == ("\x1b[?25l" in hidden, "\x1b[?25h" in picture.drawn())


@pytest.mark.parametrize(
    ("verbose", "watched", "kind"),
    [(False, True, LiveDisplay), (True, True, SilentDisplay), (False, False, SilentDisplay)],
)
def test_live_only_where_somebody_watches(verbose: bool, watched: bool, kind: type) -> None:
    """Without a terminal, or with the log on it, nothing is drawn."""
    assert isinstance(make_display(1, verbose=verbose, watch=lambda: watched), kind)


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_terminal_that_can_only_print(monkeypatch: pytest.MonkeyPatch, term: str) -> None:
    """A terminal that can't move its cursor gets no live display."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stderr", Terminal())
    monkeypatch.setenv("TERM", term)
    assert isinstance(make_display(1, verbose=False), SilentDisplay)


def test_silent_display_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    """The display for nobody draws nothing, and still says a line."""
    display = SilentDisplay()
    display.start()
    display.begin(0, "app:1")
    display.update(0, Progress(scanner="clair", state="ok"))
    display.end(0)
    display.abandon()
    display.stop()
    display.say("stopping")
    assert ("", "portus-scan: stopping\n") == capsys.readouterr()


@pytest.mark.parametrize(("seconds", "words"), [(0.9, "0 s"), (59, "59 s"), (185, "3 min 5 s"), (3840, "1 h 4 min")])
def test_elapsed(seconds: float, words: str) -> None:
    """A time that goes on has two units at most."""
    assert words == elapsed_words(seconds)


def test_elapsed_time_is_shown() -> None:
    """An image shows for how long it has been scanned, and the last line the whole command."""
    now = 100.0
    page = io.StringIO()
    display = LiveDisplay(2, page, auto_refresh=False, clock=lambda: now)
    display.start()
    now = 160.0
    display.begin(0, "app:1")
    now = 225.0
    display.refresh()
    display.stop()
    assert (True, True) == ("  1 min 5 s" in page.getvalue(), "0 of 2 images done, 2 min 5 s" in page.getvalue())
