"""``portus-scan diff``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from portus_policy import compare_documents
from portus_scan.formats.diff_words import MOST_ROWS, render_diff
from portus_scanners import Outcome, Package, ReportDocument, Severity, UnresolvedImage, dump_document

from .documents import UNRESOLVED, make_document, make_finding, make_run

Run = Callable[..., Result]
OK = Outcome.OK
CLEAN = make_document(make_run("clair", OK))
FOUND = make_document(make_run("clair", OK, make_finding()))
PARTLY = make_document(make_run("clair", OK), make_run("trivy", Outcome.FAILED))
HOSTILE = "\x1b[2J\u202e\r\n" + "x" * 100_000


def test_page() -> None:
    """The page says what changed in each image, what can't be said, and a summary; it is at most 80 columns wide."""
    high, low = make_finding(), make_finding("CVE-2016-7052", Severity.LOW, fixed_by=())
    old = make_document(make_run("clair", OK, low), make_run("trivy", OK, make_finding("CVE-2016-7053")))
    worse = make_finding("CVE-2016-7052", Severity.MEDIUM)
    new = make_document(make_run("clair", OK, high, worse), make_run("trivy", Outcome.FAILED, error="away"))
    page = "".join(render_diff(compare_documents(old, ReportDocument(reports=new.reports, errors=(UNRESOLVED,)))))
    expected = """\
registry.example/team/app:1.0  linux/amd64
  sha256:aaaaaaaaaaaa, as before
  appeared: 1 vulnerability (1 high)
    CVE-2016-6304  high  openssl 1.0.2h  fixed by 1.0.2i
  severity changed: 1 vulnerability
    CVE-2016-7052  low -> medium  openssl 1.0.2h  fixed by 1.0.2i
  newly fixable: 1 vulnerability (1 medium)
    CVE-2016-7052  medium  openssl 1.0.2h  fixed by 1.0.2i
  not comparable: trivy:
    it ended ok in the old report and ended failed in the new one
    nobody can say whether these came or went: 1 vulnerability (1 high)
    CVE-2016-7053  high  openssl 1.0.2h  fixed by 1.0.2i

not scanned for NEW: registry.example/gone:1: there is no such tag
1 image compared: 1 appeared, 1 with another severity, 1 newly fixable;
1 image not fully comparable
"""
    assert expected == page
    assert max(map(len, page.splitlines())) <= 80


def test_nothing_has_changed() -> None:
    """Where nothing changed, the page says so, and whether everybody has looked."""
    assert "\n  nothing has changed\n" in "".join(render_diff(compare_documents(FOUND, FOUND)))
    assert "\n  nothing has changed, as far as can be said\n" in "".join(render_diff(compare_documents(PARTLY, PARTLY)))


def test_hostile_text() -> None:
    """Nothing of an image or a backend reaches the terminal as it is, or at any length."""
    finding = make_finding(HOSTILE, package=Package(HOSTILE, HOSTILE, HOSTILE), fixed_by=(HOSTILE,))
    run = make_run(HOSTILE, OK, finding)
    errors = (UnresolvedImage(reference=HOSTILE, step=HOSTILE, message=HOSTILE),)
    one, other = make_document(run, errors=errors), make_document(make_run("clair", Outcome.FAILED, error=HOSTILE))
    lines = [
        line
        for old, new in ((one, other), (other, one), (CLEAN, one))
        for line in "".join(render_diff(compare_documents(old, new))).split("\n")
    ]
    assert (True, True) == (all(line.isprintable() for line in lines), max(map(len, lines)) < 2000)


def test_long_lists() -> None:
    """A long list is cut, and says how much is left out."""
    findings = [make_finding(f"CVE-2024-{number:04}") for number in range(MOST_ROWS + 7)]
    page = "".join(render_diff(compare_documents(CLEAN, make_document(make_run("clair", OK, *findings)))))
    assert (MOST_ROWS, True) == (page.count("CVE-"), "    ... 7 more: --format json shows all\n" in page)


@pytest.fixture
def diff(run: Run, tmp_path: Path) -> Callable[..., Result]:
    """``diff(OLD, NEW, *options)`` compares two documents."""

    def compare(old: ReportDocument, new: ReportDocument, *options: str) -> Result:
        for name, document in (("old", old), ("new", new)):
            (tmp_path / name).write_text(dump_document(document))
        return run("diff", str(tmp_path / "old"), str(tmp_path / "new"), *options)

    return compare


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (FOUND, FOUND, 0),
        (FOUND, CLEAN, 0),
        (CLEAN, FOUND, 1),
        (CLEAN, PARTLY, 3),
        (PARTLY, FOUND, 1),
        (PARTLY, PARTLY, 3),
        (ReportDocument(), FOUND, 3),
        (FOUND, ReportDocument(errors=(UNRESOLVED,)), 3),
        (ReportDocument(), ReportDocument(), 3),
    ],
    ids=["same", "vanished", "appeared", "failed", "both", "failed twice", "new image", "unresolved", "nothing"],
)
def test_exit_code(diff: Callable[..., Result], old: ReportDocument, new: ReportDocument, code: int) -> None:
    """With --exit-code something that appeared is 1, something that can't be said 3; without it the code is 0."""
    assert (0, code) == (diff(old, new).exit_code, diff(old, new, "--exit-code").exit_code)


def test_json(diff: Callable[..., Result]) -> None:
    """The JSON has all of it."""
    value = json.loads(diff(CLEAN, FOUND, "--format", "json").stdout)
    assert ["CVE-2016-6304"] == [one["id"] for one in value["images"][0]["appeared"]]


def test_what_is_no_report(run: Run, tmp_path: Path) -> None:
    """A file that can't be read or is no report is 2 and one line that says which."""
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text(dump_document(CLEAN))
    bad.write_text("{}")
    for arguments, words in (
        ((str(good), str(bad)), f"'{bad}' is not a report"),
        ((str(tmp_path / "none"), str(good)), "No such file"),
        (("-", "-"), "stdin (-) can be read only once"),
    ):
        result = run("diff", *arguments)
        assert (2, "", 1, True) == (
            result.exit_code,
            result.stdout,
            result.stderr.count("\n"),
            words in result.stderr,
        )
