"""Hostile names and texts: what is written grows no faster than what was found, and what is left out is said."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from portus_scanners import (
    Finding,
    Image,
    Outcome,
    Package,
    Reference,
    ScannerReport,
    ScannerRun,
    dump_line,
    load_line,
    make_image_report,
)
from portus_scanners.merge import names

IMAGE = Image(reference=Reference.parse("app:1"), digest="sha256:" + "b" * 64)


def run(scanner: str, findings: list[Finding]) -> ScannerRun:
    """Make a run."""
    return ScannerRun(scanner=scanner, plugin="p", outcome=Outcome.OK, report=ScannerReport(findings=findings))


Shape = Callable[[int], list[Finding]]


def in_package(number: int, *names: str) -> Finding:
    """Make a finding in a package of its own."""
    return Finding(id=names[0], aliases=names[1:], package=Package(f"p{number}", "1"))


SHAPES: dict[str, Shape] = {
    "a chain": lambda n: [in_package(k, f"DSA-{k}", f"DSA-{k + 1}") for k in range(n)],
    "a star": lambda n: [in_package(k, f"DSA-{k}", "X-1") for k in range(n)],
    "a CVE": lambda n: [in_package(k, f"DSA-{k}", "CVE-1") for k in range(n)],
    "one with all": lambda n: [
        in_package(0, "DSA-0", *(f"X-{k}" for k in range(n))),
        *(in_package(k, "DSA-0") for k in range(n)),
    ],
    "names that tell nothing": lambda n: [in_package(k, "DSA-0", "x" * k) for k in range(1, n)],
    "a long name": lambda n: [in_package(0, "DSA-0", "X-1" * 20 * n), *(in_package(k, "DSA-0") for k in range(n))],
    "a long text": lambda n: [
        Finding(id="DSA-0", aliases=[f"CVE-{k}" for k in range(min(n, 2000))], description="x" * 50 * n)
    ],
    "a long text without version": lambda n: [
        Finding(id="DSA-0", package=Package("p"), description="x" * 50 * n),
        *(Finding(id="DSA-0", package=Package("p", str(k))) for k in range(n)),
    ],
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_what_is_written_grows_no_faster_than_what_was_found(shape: Shape) -> None:
    """Names that connect thousands of packages, and long texts, are not written down for each vulnerability."""
    small, large = (len(dump_line(make_image_report(IMAGE, [run("a", shape(number))]))) for number in (1_500, 3_000))
    assert large < 3 * small + 1_000_000


def test_aliases_that_are_left_out_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A vulnerability lists the names that it was found by, what those findings say, then the best; a note says so."""
    monkeypatch.setattr(names, "MOST_LISTED", 40)
    found = SHAPES["a chain"](20)
    report = make_image_report(IMAGE, [run("a", found), run("b", [in_package(30, "GHSA-a", "DSA-3")])])
    words = "more aliases than can be listed: 8 of them are, and the names that scanners found it by"
    assert report == load_line(dump_line(report))
    assert (f"21 vulnerabilities have {words}",) == report.notes
    (last,) = (one for one in report.vulnerabilities if one.package.name == "p19")
    assert ("GHSA-a", 9) == (last.id, len(last.aliases))
    assert {"DSA-19", "DSA-20"} < set(last.aliases)


def test_an_advisory_that_is_not_taken_apart_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """An advisory of more vulnerabilities than it may be copied to stands under its own name, and a note says so."""
    monkeypatch.setattr(names, "MOST_IDS", 3)
    advisory = in_package(0, "RHSA-9", *(f"CVE-{number}" for number in range(4)))
    report = make_image_report(IMAGE, [run("a", [advisory])])
    words = "1 advisory is about more vulnerabilities than can be told apart: each stands under its own name"
    assert (["RHSA-9"], (words,)) == ([one.id for one in report.vulnerabilities], report.notes)


def test_no_note_where_all_are_listed() -> None:
    """As long as all names find room they are all listed, and nothing is said."""
    report = make_image_report(IMAGE, [run("a", SHAPES["a chain"](20))])
    assert ((), {20}) == (report.notes, {len(one.aliases) for one in report.vulnerabilities})


@pytest.mark.parametrize("number", [1_000, 1_600])
def test_a_chain_that_ends_in_vulnerabilities_stays_small(number: int) -> None:
    """Each tenth advisory of a chain names a CVE: a document of 1 MB does not become one of hundreds."""
    found = [
        in_package(one, f"DSA-{one}", f"DSA-{one + 1}", *([f"CVE-2099-{one:05}"] if one % 10 == 0 else []))
        for one in range(number)
    ]
    assert 50_000 > len(make_image_report(IMAGE, [run("a", found)]).vulnerabilities)
