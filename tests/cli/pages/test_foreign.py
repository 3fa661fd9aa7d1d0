"""Foreign text and file names: no harm in any of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import PurePosixPath

import pytest
from hypothesis import given, settings, strategies as st
from portus_scan import ReportJob
from portus_scan.formats.html import HtmlReporter
from portus_scan.formats.html.markup import few, isolate, link_target, visible, visible_lines, when
from portus_scan.formats.html.site import PagePaths, page_name
from portus_scanners import ReportDocument, UnresolvedImage
from properties import at_most

from .attacks import BAD_LINKS, MEGABYTE, hostile_document
from .documents import make_document, make_report

ANY = st.text(alphabet=st.characters(exclude_categories=()), max_size=30)
DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
"""Names that Windows keeps for itself, whatever comes after a dot."""
IDENTITY = st.lists(ANY, min_size=1, max_size=4)


@given(ANY)
def test_nothing_unprintable_is_left(text: str) -> None:
    """Whatever the text, what is shown is printable, and can be written as UTF-8."""
    assert visible(text).isprintable()
    assert all(line.isprintable() for line in str(visible_lines(text)).split("\n"))
    isolate(text).encode()


@given(ANY, st.integers(1, 20))
def test_cut_to_a_length(text: str, limit: int) -> None:
    """No text is longer than its limit."""
    assert len(visible(text, limit)) <= limit


@pytest.mark.parametrize("text", BAD_LINKS, ids=range(len(BAD_LINKS)))
def test_no_link(text: str) -> None:
    """An address that is not plainly one of the web is shown and can't be followed."""
    assert link_target(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "https://nvd.nist.gov/vuln/detail/CVE-2016-6304?a=1&b=2#x",
        "http://bugs.example:8080/",
        "HTTPS://example.org",
        "http://127.0.0.1/a%20b",
    ],
)
def test_link(text: str) -> None:
    """A plain address of the web is a link to exactly this."""
    assert text == link_target(text)


def test_long_lists_are_cut() -> None:
    """Of a list the first twenty are shown, and the number of the rest."""
    assert few([str(number) for number in range(25)]).endswith("<bdi>19</bdi> and 5 more")


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 11, 24, 9, 30, tzinfo=UTC), "2026-11-24 09:30 UTC"),
        (datetime(2026, 11, 24, 9, 30), "2026-11-24 09:30 UTC"),
        (datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=2))), "2025-12-31 22:00 UTC"),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2))), "0001-01-01T00:00:00+02:00"),
    ],
    ids=["utc", "none", "other", "no-such-day"],
)
def test_times_are_in_utc(moment: datetime, expected: str) -> None:
    """A time is shown in UTC; one that no calendar has there, as it is."""
    assert expected == when(moment).striptags()


@given(IDENTITY, IDENTITY)
def test_file_names(one: list[str], other: list[str]) -> None:
    """A name is short, harmless on any system, and another for each identity, also where case does not count."""
    name = page_name(*one)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*\.html", name)
    assert len(name) <= 100
    assert name.partition(".")[0] not in DEVICES
    assert (one == other) == (name.casefold() == page_name(*other).casefold())


def test_file_names_stay() -> None:
    """The name of a page depends on nothing but what it is about; published links stay right."""
    name = page_name("registry.example:5000", "team/app", "1.0", "linux/amd64")
    assert "registry-example-5000-team-app-1-0-linux-amd64-4054025596bc.html" == name
    paths = PagePaths("images")
    first, second = (paths.path(paths.take("a"), "a") for _ in range(2))
    assert (f"images/{page_name('a')}", f"images/{page_name('a')[:-5]}-2.html") == (first, second)


@settings(max_examples=at_most(30))
@given(st.lists(ANY, max_size=3))
def test_paths_stay_in_the_folder(references: list[str]) -> None:
    """Whatever a reference is, its page lies in the site, and each path is there once."""
    errors = tuple(UnresolvedImage(reference=one, step="x", message=one) for one in references)
    paths = [file.path for file in HtmlReporter().render(ReportJob(document=ReportDocument(errors=errors)))]
    assert len(paths) == len({path.casefold() for path in paths})
    assert [] == [path for path in paths if ".." in PurePosixPath(path).parts or PurePosixPath(path).is_absolute()]


def test_megabytes_make_no_megabytes() -> None:
    """A document with texts of a megabyte makes pages of a readable size."""
    sizes = [len(b"".join(file.pieces())) for file in HtmlReporter().render(ReportJob(document=hostile_document()))]
    assert max(sizes) < 200_000 < len(MEGABYTE)


def test_templates_are_text_for_nobody() -> None:
    """A text that is a template is not run."""
    document = make_document(
        make_report(), errors=(UnresolvedImage(reference="{{7*7}}", step="x", message="{% for %}"),)
    )
    files = {
        file.path: b"".join(file.pieces()).decode() for file in HtmlReporter().render(ReportJob(document=document))
    }
    index = files["index.html"]
    assert "{{7*7}}" in index
    assert "{% for %}" in index
