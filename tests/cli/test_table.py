"""The format for people."""

from __future__ import annotations

import re
import unicodedata

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from portus_scan.formats.table import TableReporter
from portus_scanners import Outcome, Package, ReportDocument, ReportJob, ScannerReport, Surface, UnresolvedImage

from .documents import UNRESOLVED, make_document, make_finding, make_image, make_report, make_run

PIPE = Surface()
HOSTILE = st.text(alphabet=st.characters(exclude_categories=()), min_size=1, max_size=30)


def render(document: ReportDocument, surface: Surface = PIPE, **more: object) -> str:
    """Return the whole page."""
    return "".join(TableReporter().render(ReportJob(document=document, surface=surface, **more)))


def test_whole_page() -> None:
    """Heading, facts, verdict, a line a scanner, the reason of a failure, and the vulnerabilities."""
    document = make_document(
        make_run("clair", Outcome.OK, make_finding()),
        make_run("zypper", Outcome.FAILED, error="the server answered 500; look into its log"),
    )
    expected = """\
registry.example/team/app:1.0
  sha256:aaaaaaaaaaaa  linux/amd64  2 layers
  vulnerable: 1 vulnerability (1 high); there may be more: 1 of 2 scanners failed
  clair   ok      1 finding  1.2 s
  zypper  failed  no result  1.2 s
  zypper: the server answered 500; look into its log

  VULNERABILITY  SEVERITY  PACKAGE  VERSION  FIXED BY  SCANNERS
  CVE-2016-6304  high      openssl  1.0.2h   1.0.2i    clair
"""
    assert expected == render(document, PIPE)


def test_errors_stand_at_the_end() -> None:
    """What could not be resolved is named after the images, then everything is counted."""
    page = render(make_document(make_run("clair", Outcome.OK), errors=(UNRESOLVED,)), PIPE)
    assert [
        "registry.example/gone:1: not scanned: there is no such tag",
        "2 images: 1 clean, 1 not scanned",
    ] == page.splitlines()[-2:]


def test_several_images_are_summed_up() -> None:
    """With several images the last line counts verdicts and severities."""
    found = make_report(make_run("clair", Outcome.OK, make_finding()))
    nothing = make_report(make_run("clair", Outcome.FAILED))
    page = render(ReportDocument(reports=(found, nothing)), PIPE)
    assert "2 images: 1 vulnerable, 1 unknown; 1 vulnerability (1 high)" == page.splitlines()[-1]


def test_unfinished_scanner_has_no_count_that_looks_final() -> None:
    """What a scanner found before it ended is not shown as all that there is."""
    page = render(make_document(make_run("clair", Outcome.TIMED_OUT, make_finding())), PIPE)
    assert "1 finding so far, not all was seen" in page


def test_notes_are_shown_once() -> None:
    """A note is a line of its own, unless the error already says it."""
    run = make_run("clair", Outcome.INCOMPLETE, error="layer 3 is missing")
    report = ScannerReport(complete=False, notes=("layer 3 is missing", "the data is a year old"))
    page = render(make_document(evolve(run, report=report)), PIPE)
    assert (1, 1) == (page.count("layer 3 is missing"), page.count("clair: note: the data is a year old"))


def test_hundred_rows_at_most() -> None:
    """The 101st vulnerability and those after it are counted, and the way to see them is named."""
    findings = [make_finding(f"CVE-2020-{number:04}") for number in range(103)]
    page = render(make_document(make_run("clair", Outcome.OK, *findings)), PIPE)
    assert (100, True) == (page.count("CVE-2020-"), "... 3 more: --format json shows all" in page)


def test_instance_names_its_plugin() -> None:
    """An instance with another name than its plugin's shows both."""
    run = evolve(make_run("clair_two", Outcome.OK), plugin="clair")
    assert "clair_two (clair)" in render(make_document(run), PIPE)


@pytest.mark.parametrize("width", [40, 80, 132])
@pytest.mark.parametrize("terminal", [False, True])
def test_no_line_is_wider_than_the_screen(monkeypatch: pytest.MonkeyPatch, width: int, terminal: bool) -> None:
    """Long names, versions and messages are folded: all of them can be read."""
    monkeypatch.setenv("NO_COLOR", "1")
    package = Package("a-package-with-a-very-long-name" * 2, "1:2.36.1-really-2.35+dfsg-4~bpo12+1", "debian:12")
    findings = [make_finding("GHSA-aaaa-bbbb-cccc", package=package, fixed_by=("1:2.36.2-1", "1:3.0-1"))]
    document = make_document(make_run("clair", Outcome.INCOMPLETE, *findings, error="word " * 60))
    page = re.sub(r"\x1b\[[0-9;]*m", "", render(document, Surface(width=width, terminal=terminal)))
    assert width >= max(len(line) for line in page.splitlines())


def test_readable_at_80_columns() -> None:
    """At 80 columns an identifier and a severity are not broken over lines."""
    package = Package("a-package-with-a-very-long-name", "1:2.36.1-really-2.35+dfsg-4~bpo12+1", "debian:12")
    document = make_document(make_run("clair", Outcome.OK, make_finding("CVE-2016-6304", package=package)))
    assert re.search(r"^  CVE-2016-6304  high ", render(document, Surface(width=80)), re.MULTILINE)


def test_piped_page_is_plain() -> None:
    """Without a terminal there is no colour, no box, and no blank at the end of a line."""
    page = render(make_document(make_run("clair", Outcome.OK, make_finding())), PIPE)
    assert (True, False) == (page.isascii(), bool(re.search(r"\x1b|[ \t]$", page, re.MULTILINE)))


def test_terminal_has_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal there is colour."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    page = render(make_document(make_run("clair", Outcome.OK, make_finding())), Surface(width=80, terminal=True))
    assert "\x1b[31mhigh" in page


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR takes every colour away."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    page = render(make_document(make_run("clair", Outcome.OK, make_finding())), Surface(width=80, terminal=True))
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", page)


@given(HOSTILE, HOSTILE, HOSTILE)
def test_hostile_texts_are_harmless(name: str, package: str, message: str) -> None:
    """Whatever a backend or a registry says, the page has no control character but the newline."""
    run = make_run("clair", Outcome.INCOMPLETE, make_finding(name, package=Package(package, package)), error=message)
    image = evolve(make_image(), digest=name)
    error = UnresolvedImage(reference="registry.example/a", step="manifest", message=message)
    page = render(ReportDocument(reports=(make_report(run, image=image),), errors=(error,)), PIPE)
    assert not {"Cc", "Cf", "Cs", "Zl", "Zp"} & {unicodedata.category(one) for one in page.replace("\n", "")}


def test_markup_is_no_markup() -> None:
    """Text in square brackets is shown as it is."""
    document = make_document(make_run("clair", Outcome.OK, make_finding("[bold]x[/bold]:smile:")))
    assert "[bold]x[/bold]:smile:" in render(document, PIPE)


@given(st.integers(min_value=0, max_value=9))
def test_foreign_text_forges_no_lines(count: int) -> None:
    """Newlines in a message do not make lines."""
    error = UnresolvedImage(reference="registry.example/a", step="manifest", message="x\n" * count)
    assert 1 == len(render(ReportDocument(errors=(error,)), PIPE).splitlines())
