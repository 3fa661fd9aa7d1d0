"""The format for people."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

import pytest
from attrs import evolve
from hypothesis import given, strategies as st
from portus_policy import GateResult, GateViolation, Suppressed, UnusedRule
from portus_scan import ReportJob, Surface
from portus_scan.formats.table import TableReporter, package_name
from portus_scan.layout import columns_of
from portus_scanners import (
    Finding,
    FixState,
    Outcome,
    Package,
    ReportDocument,
    ScannerReport,
    Severity,
    UnresolvedImage,
)

from .documents import UNRESOLVED, make_document, make_finding, make_image, make_report, make_run

PIPE = Surface()
TERMINAL = Surface(width=80, terminal=True)
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


def test_whole_page_on_a_terminal() -> None:
    """On a terminal the severities are headings, which leave room for versions at 80 columns."""
    package, fix = Package("libssl1.0.0", "1:1.0.2h-really-1.0.1t+deb8", "debian:8"), ("1:1.0.2i-1~deb8u11",)
    findings = (make_finding(package=package, fixed_by=fix), make_finding("CVE-2016-2177", Severity.LOW, fixed_by=()))
    document = make_document(
        make_run("clair", Outcome.OK, *findings), make_run("zypper", Outcome.TIMED_OUT, error="word " * 20)
    )
    expected = """\
registry.example/team/app:1.0
  sha256:aaaaaaaaaaaa  linux/amd64  2 layers
  vulnerable: 2 vulnerabilities (1 high, 1 low); there may be more: 1 of 2
  scanners timed out
  clair   ok         2 findings  1.2 s
  zypper  timed out  no result   1.2 s
  zypper: word word word word word word word word word word word word word word
  word word word word word word

  VULNERABILITY  PACKAGE      VERSION               FIXED BY            SCANNERS
  high (1)
  CVE-2016-6304  libssl1.0.0  1:1.0.2h-really-1.0.  1:1.0.2i-1~deb8u11  clair
                              1t+deb8
  low (1)
  CVE-2016-2177  openssl      1.0.2h                -                   clair
"""
    assert expected == render(document, TERMINAL)


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


def many(number: int, *more: Finding) -> ReportDocument:
    """Return a document with so many vulnerabilities, in packages of up to five each, and others."""
    findings = [
        make_finding(
            f"CVE-2020-{one:05}",
            Severity.CRITICAL if one % 50 == 0 else Severity.LOW,
            package=Package(f"package{one // 5:03}", "1.0"),
            fixed_by=(f"1.{one % 5 * 7}",) if one % 5 else (),
        )
        for one in range(number)
    ]
    return make_document(make_run("clair", Outcome.OK, *findings, *more))


def test_forty_have_a_row_each() -> None:
    """Up to forty vulnerabilities are listed one by one."""
    assert (40, 0) == (render(many(40)).count("CVE-2020-"), render(many(40)).count("--all"))


def test_hundreds_are_shown_by_package() -> None:
    """Of 500 the ten worst have rows, then there is a line for each package, the worst first; the rest is summed up."""
    lines = render(many(500)).splitlines()
    start = lines.index("  100 packages, the worst first:")
    assert [
        "  PACKAGE     VERSION  WORST     NUMBER  FIXABLE  HIGHEST FIX",
        "  package000  1.0      critical       5        4  1.28",
        "  package010  1.0      critical       5        4  1.28",
    ] == lines[start + 1 : start + 4]
    assert (10, 40) == (len([line for line in lines if "CVE-2020-" in line]), len(lines[start + 2 : -2]))
    assert ["  ... 60 packages more: 300 vulnerabilities (300 low)", "  --all shows all 500 vulnerabilities"] == lines[
        -2:
    ]


def test_a_heading_does_not_count_rows_only() -> None:
    """Where only some of a severity have rows, its heading says of how many."""
    page = render(many(500), TERMINAL)
    assert re.search(r"^  critical \(10\)$", page, re.MULTILINE)
    page = render(many(300), TERMINAL)
    assert re.search(r"^  low \(4 of 294\)$", page, re.MULTILINE)


def test_all_shows_all() -> None:
    """With --all each of 500 has its row."""
    assert 500 == len(re.findall(r"^  CVE-2020-\d{5} ", render(many(500), show_all=True), re.MULTILINE))


def test_what_is_below_the_wanted_severity_is_counted() -> None:
    """What --min-severity hides is named by number and severity; the verdict counts it all the same."""
    page = render(many(10, make_finding("X-1", Severity.UNKNOWN)), min_severity=Severity.HIGH)
    assert (True, True, 1) == (
        "vulnerable: 11 vulnerabilities (1 critical, 9 low, 1 unknown)" in page,
        page.endswith("\n\n  10 below high not shown (9 low, 1 unknown)\n"),
        page.count("CVE-2020-"),
    )


def test_nothing_above_the_wanted_severity_is_not_clean() -> None:
    """An image whose vulnerabilities are all hidden is still vulnerable."""
    page = render(make_document(make_run("clair", Outcome.OK, make_finding())), min_severity=Severity.CRITICAL)
    assert (True, True, False) == (
        "vulnerable: 1" in page,
        "1 below critical not shown (1 high)" in page,
        "clean" in page,
    )


RULE = Suppressed(rule="suppressions.yml:12", reason="not reachable", by="anna", until=date(2026, 12, 31))


def suppress(document: ReportDocument) -> ReportDocument:
    """Return the document with its first vulnerability suppressed."""
    first, *rest = document.reports[0].vulnerabilities
    report = evolve(document.reports[0], vulnerabilities=(evolve(first, suppressed=RULE), *rest))
    return evolve(document, reports=(report,))


def test_suppressed_are_counted() -> None:
    """A suppressed vulnerability has no row among the others, but is counted in the verdict and for itself."""
    page = render(suppress(many(2)))
    assert (True, True, 1) == (
        "vulnerable: 2 vulnerabilities (1 critical, 1 low), 1 of them suppressed\n" in page,
        page.endswith("\n\n  1 suppressed (1 critical): --all shows them with their reasons\n"),
        page.count("CVE-2020-"),
    )


def test_all_shows_why_something_is_suppressed() -> None:
    """With --all it has a row with the rule, its reason, its author and its end."""
    page = render(suppress(many(2)), show_all=True)
    assert (
        """\

  SUPPRESSED      SEVERITY  PACKAGE     REASON         BY    UNTIL       RULE
  CVE-2020-00000  critical  package000  not reachable  anna  2026-12-31  suppressions.yml:12
"""
        in page
    )


def test_gate_and_unused_rules_stand_last() -> None:
    """What did not apply is named, and the gate has the last word: each rule that does not hold, and by what."""
    unused = UnusedRule(rule="suppressions.yml:3", expired=True, message="CVE-2020-1 until 2025-01-01")
    violations = (
        GateViolation(
            rule="fail_on", message="7 of severity high", reference="app:1", vulnerabilities=tuple("abcdefg")
        ),
        GateViolation(rule="required", message="clair is not enabled"),
    )
    gate = GateResult(passed=False, rules=("fail_on: high", "required: clair"), violations=violations)
    page = render(evolve(make_document(), unused_rules=(unused,), gate=gate))
    assert page.endswith("""
1 suppression did not apply:
  suppressions.yml:3: expired: CVE-2020-1 until 2025-01-01

gate: FAILED (fail_on: high; required: clair)
  app:1: fail_on: 7 of severity high: a, b, c, d, e and 2 more
  required: clair is not enabled
""")
    assert render(evolve(make_document(), gate=GateResult(passed=True))).endswith("\ngate: PASSED\n")


@pytest.mark.parametrize(
    ("packages", "source", "expected"),
    [
        (["openssl"], None, "openssl"),
        (["libssl3"], "openssl", "libssl3 (openssl)"),
        (["openssl"], "openssl", "openssl"),
        (["libc6", "libc-bin", "locales"], "glibc", "libc-bin, libc6 +1 (glibc)"),
    ],
)
def test_packages_are_named_with_their_source(packages: list[str], source: str | None, expected: str) -> None:
    """A binary package is shown with the source package that an advisory is about."""
    built_from = Package(source, "1") if source else None
    findings = [make_finding("CVE-1", package=Package(name, "1"), source_package=built_from) for name in packages]
    others = [make_finding("CVE-1", package=Package(source, "1"))] if source else []
    report = make_report(make_run("trivy", Outcome.OK, *findings), make_run("clair", Outcome.OK, *others))
    assert expected == package_name(report.vulnerabilities)


def test_who_looked_and_did_not_find_it() -> None:
    """Where there is room, a row says who looked as well."""
    document = make_document(make_run("clair", Outcome.OK, make_finding()), make_run("trivy", Outcome.OK))
    report = document.reports[0]
    one = evolve(report.vulnerabilities[0], not_found_by=("trivy",))
    document = evolve(document, reports=(evolve(report, vulnerabilities=(one,)),))
    assert (True, False) == ("clair (not trivy)" in render(document), "not trivy" in render(document, TERMINAL))


@pytest.mark.parametrize(("state", "words"), [("will_not_fix", "won't be fixed"), ("affected", "-"), ("unknown", "-")])
def test_why_there_is_no_fix(state: str, words: str) -> None:
    """Where there is no fix, a reason that somebody gives takes its place."""
    finding = make_finding(fixed_by=(), fix_state=FixState(state))
    assert f"  1.0.2h   {words} " in render(make_document(make_run("clair", Outcome.OK, finding)))


def test_nothing_scanned_is_said() -> None:
    """A document without images does not look like a good answer."""
    assert "0 images: nothing was scanned\n" == render(ReportDocument())


def test_the_page_comes_in_pieces() -> None:
    """The page is written in pieces, an image each."""
    document = make_document(make_run("clair", Outcome.OK, make_finding()))
    pieces = list(TableReporter().render(ReportJob(document=evolve(document, reports=document.reports * 3))))
    assert 4 == len(pieces)


def test_instance_names_its_plugin() -> None:
    """An instance with another name than its plugin's shows both."""
    run = evolve(make_run("clair_two", Outcome.OK), plugin="clair")
    assert "clair_two (clair)" in render(make_document(run), PIPE)


@pytest.mark.parametrize("width", [40, 80, 132])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """Long names, versions and messages are folded: all of them can be read."""
    package = Package("a-package-with-a-very-long-name" * 2, "1:2.36.1-really-2.35+dfsg-4~bpo12+1", "debian:12")
    findings = [make_finding("GHSA-aaaa-bbbb-cccc", package=package, fixed_by=("1:2.36.2-1", "1:3.0-1"))]
    document = make_document(make_run("clair", Outcome.INCOMPLETE, *findings, error="\N{SNOWMAN} word " * 60))
    document = evolve(document, reports=(*document.reports, *suppress(document).reports))
    page = render(document, Surface(width=width, terminal=True), show_all=True)
    assert width >= max(columns_of(line) for line in page.splitlines())
    assert "a-package-with-a-very-long-name" * 2 in re.sub(r"\s", "", render(document, PIPE))


def test_a_row_is_one_line_in_a_pipe() -> None:
    """In a pipe nothing is folded, however narrow the terminal behind it."""
    package = Package("a-package-with-a-very-long-name", "1:2.36.1-really-2.35+dfsg-4~bpo12+1", "debian:12")
    run = make_run("clair", Outcome.INCOMPLETE, make_finding("CVE-2016-6304", package=package), error="word " * 60)
    page = render(make_document(run), Surface(width=40))
    assert re.search(r"^  CVE-2016-6304  high      a-package-with-a-very-long-name .* clair$", page, re.MULTILINE)
    assert 8 == len(page.splitlines())


def test_piped_page_is_plain() -> None:
    """Without a terminal there is no colour, no box, and no blank at the end of a line."""
    page = render(make_document(make_run("clair", Outcome.OK, make_finding())), PIPE)
    assert (True, False) == (page.isascii(), bool(re.search(r"\x1b|[ \t]$", page, re.MULTILINE)))


def test_colour_where_it_is_wanted() -> None:
    """Colour is given where the place has it, and does not move columns."""
    document = make_document(make_run("clair", Outcome.OK, make_finding()))
    plain, colored = (render(document, Surface(color=color)) for color in (False, True))
    assert (True, False) == ("\x1b[31mhigh\x1b[0m" in colored, "\x1b" in plain)
    assert plain == re.sub(r"\x1b\[[0-9;]*m", "", colored)


@given(HOSTILE, HOSTILE, HOSTILE, st.sampled_from([PIPE, TERMINAL]))
def test_hostile_texts_are_harmless(name: str, package: str, message: str, surface: Surface) -> None:
    """Whatever a backend, a registry or a rule says, the page has no control character but the newline."""
    run = make_run("clair", Outcome.INCOMPLETE, make_finding(name, package=Package(package, package)), error=message)
    image = evolve(make_image(), digest=name)
    error = UnresolvedImage(reference="registry.example/a", step="manifest", message=message)
    document = ReportDocument(reports=(make_report(run, image=image),), errors=(error,))
    rule = evolve(RULE, rule=name, reason=package, by=message)
    found = tuple(evolve(one, suppressed=rule) for one in document.reports[0].vulnerabilities)
    document = evolve(
        document,
        reports=(*document.reports, evolve(document.reports[0], vulnerabilities=found)),
        unused_rules=(UnusedRule(rule=name, expired=False, message=message),),
        gate=GateResult(
            passed=False, rules=(name,), violations=(GateViolation(rule=package, message=message, reference=name),)
        ),
    )
    page = render(document, surface, show_all=True)
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


@pytest.mark.parametrize("name", ["CVE-2016-6304", "GHSA-aaaa-bbbb-cccc", "openSUSE-SU-2024:123456-1", "A" * 36])
def test_an_id_is_whole_at_forty_columns(name: str) -> None:
    """The narrowest terminal has every id on one line, and nothing beyond its width."""
    found = make_document(make_run("clair", Outcome.OK, make_finding(name, Severity.HIGH)))
    lines = "".join(TableReporter().render(ReportJob(document=found, surface=Surface(width=40, terminal=True)))).split(
        "\n"
    )
    assert f"  {name}" in lines
    assert 40 >= max(map(len, lines))
