"""Markdown: what people read, and what a reader of Markdown makes of hostile text."""

from __future__ import annotations

import re

import pytest
from attrs import evolve
from hypothesis import given, strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from portus_policy import GateResult, GateViolation
from portus_scan.formats.foreign import code, paragraphs, prose
from portus_scan.formats.words import verdict_words
from portus_scanners import Outcome, ReportDocument, Severity

from ..documents import UNRESOLVED, make_document, make_finding, make_report, make_run
from .hostile import TEXTS, hostile_document
from .rendered import RULE, render, suppress

OK = Outcome.OK
READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def tokens(text: str) -> list[Token]:
    """Return what a reader of Markdown sees, blocks and what is within them."""
    return [inner for token in READER.parse(text) for inner in (token, *(token.children or ()))]


def rows(text: str) -> int:
    """Return the rows of all tables, without their heads."""
    return sum(token.type == "tr_open" for token in tokens(text)) - sum(
        token.type == "thead_open" for token in tokens(text)
    )


def test_whole_page() -> None:
    """Verdict, what is not known, the scanners, the vulnerabilities and what is suppressed."""
    report = suppress(
        make_report(
            make_run("clair", OK, make_finding(), make_finding("CVE-2016-7052", Severity.LOW)),
            make_run("trivy", Outcome.FAILED),
        )
    )
    expected = f"""\
# Vulnerabilities of images

1 image: 1 vulnerable; not everything is known of 1 image

## `registry.example/team/app:1.0 (linux/amd64)`

**{verdict_words(report)}**

> **Not everything is known:** `scanner trivy: failed: it ended failed`

| Scanner | Outcome | Findings | Seconds | Data |
| --- | --- | --- | --- | --- |
| `clair` | ok | 2 | 1.2 | - |
| `trivy` | failed | no result | 1.2 | - |

| Vulnerability | Severity | Package | Fixed by | Scanners |
| --- | --- | --- | --- | --- |
| `CVE-2016-7052` | low | `openssl 1.0.2h` | `1.0.2i` | `clair`; not known of `trivy` |

Suppressed: 1 vulnerability (1 high)

| Vulnerability | Severity | Package | Rule | Reason |
| --- | --- | --- | --- | --- |
| `CVE-2016-6304` | high | `openssl 1.0.2h` | `suppressions.yml:12` by `ann` until 2027-01-31 | `REASON` |
"""
    assert expected == render("markdown", ReportDocument(reports=(report,))).replace(RULE.reason, "REASON")


def test_filter_says_what_it_leaves_out() -> None:
    """What is lower than asked for is not shown, but counted."""
    document = make_document(make_run("clair", OK, make_finding(), make_finding("CVE-2016-7052", Severity.LOW)))
    text = render("markdown", document, min_severity=Severity.MEDIUM)
    assert (True, False) == ("CVE-2016-6304" in text, "CVE-2016-7052" in text)
    assert "Not shown, below severity medium: 1 vulnerability (1 low)" in text


def test_rows_are_limited() -> None:
    """A long list is cut and says so; with `--all` it has every row."""
    document = make_document(
        make_run("clair", OK, *(make_finding(f"CVE-2016-{number}") for number in range(1000, 1150)))
    )
    assert (101, 151) == (rows(render("markdown", document)), rows(render("markdown", document, show_all=True)))
    assert "... 50 more vulnerabilities: `--all` shows all" in render("markdown", document)


def test_gate() -> None:
    """The gate has a section: whether it passed, its rules, and what does not hold."""
    violation = GateViolation(rule="fail_on", message="1 is too many", vulnerabilities=("CVE-2016-6304",))
    document = evolve(
        make_document(make_run("clair", OK)), gate=GateResult(passed=False, rules=("no high",), violations=(violation,))
    )
    text = render("markdown", document)
    assert "## Gate: failed\n\n- `no high`\n" in text
    assert "| `fail_on` | all | `1 is too many` | `CVE-2016-6304` |" in text


def test_summary_counts_what_was_not_scanned() -> None:
    """The first line says of how many images not everything is known."""
    document = make_document(make_run("clair", OK), errors=(UNRESOLVED,))
    assert "2 images: 1 clean, 1 not scanned; not everything is known of 1 image" in render("markdown", document)


@pytest.mark.parametrize("kind", sorted(TEXTS))
def test_hostile_text_is_code(kind: str) -> None:
    """A reader sees no tag, picture or emphasis of foreign text, and as many rows as there are."""
    document = hostile_document(TEXTS[kind])
    text, (report,) = render("markdown", document), document.reports
    kinds = [token.type for token in tokens(text)]
    assert [] == [one for one in kinds if one.startswith(("html", "image", "em_", "fence", "s_"))]
    assert document.gate is not None
    assert len(document.gate.violations) + len(report.results) + len(report.vulnerabilities) == rows(text)


@pytest.mark.parametrize("kind", sorted(TEXTS))
def test_hostile_links(kind: str) -> None:
    """Every link leads to the web."""
    links = [
        str(token.attrs["href"])
        for token in tokens(render("markdown", hostile_document(TEXTS[kind])))
        if "href" in token.attrs
    ]
    assert [] == [link for link in links if not link.startswith(("http://", "https://"))]


@given(st.text(max_size=40) | st.sampled_from(sorted(TEXTS.values())))
def test_prose_is_text(text: str) -> None:
    """A reader of Markdown sees escaped prose as paragraphs of text, of the same characters."""
    shown = paragraphs(text)
    seen = tokens(prose(shown))
    strange = {token.type for token in seen} - {
        "paragraph_open",
        "paragraph_close",
        "inline",
        "text",
        "text_special",
        "softbreak",
    }
    read = "".join(token.content for token in seen if token.type in {"text", "text_special"})
    assert (set(), re.sub(r"\s", "", shown)) == (strange, re.sub(r"\s", "", read))


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=20))
def test_code_is_one_span(text: str) -> None:
    """A code span in a table is one, whatever is in it."""
    if code(text):
        seen = tokens(f"| {code(text)} | b |\n| --- | --- |\n")
        assert (1, 2) == (sum(one.type == "code_inline" for one in seen), sum(one.type == "th_open" for one in seen))
