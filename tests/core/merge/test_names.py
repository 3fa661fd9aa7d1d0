"""Which names mean one vulnerability."""

from __future__ import annotations

import pytest
from portus_scanners import Finding, Outcome, Package, ScannerReport, ScannerRun, Vulnerability
from portus_scanners.merge import names as canonical
from portus_scanners.merge.names import best_name, plain_name

from .merging import merge

BASH = Package("bash", "5.2", "debian:12")


def run(scanner: str, *names: tuple[str, ...]) -> ScannerRun:
    """Make a run of findings in one package, each of an id and its aliases."""
    findings = [Finding(id=own, aliases=aliases, package=BASH) for own, *aliases in names]
    return ScannerRun(scanner=scanner, plugin="p", outcome=Outcome.OK, report=ScannerReport(findings=findings))


def found_by(merged: tuple[Vulnerability, ...]) -> dict[str, str]:
    """Return the scanners of each vulnerability."""
    return {one.id: " ".join(one.scanners) for one in merged}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([("CVE-1",)], [("GHSA-1", "CVE-1")], {"CVE-1": "a b"}),
        ([("cve-1",)], [("CVE-1",)], {"CVE-1": "a b"}),
        ([("GHSA-1", "TEMP-1")], [("TEMP-1",)], {"GHSA-1": "a b"}),
        ([("TEMP-1", "GHSA-1"), ("GHSA-1", "CVE-1")], [("TEMP-1",)], {"CVE-1": "a b"}),
        ([("RHSA-9", "CVE-1", "CVE-2")], [("CVE-1",), ("CVE-2",)], {"CVE-1": "a b", "CVE-2": "a b"}),
        ([("RHSA-9",)], [("CVE-1", "RHSA-9"), ("CVE-2", "RHSA-9")], {"CVE-1": "a b", "CVE-2": "a b"}),
        ([("RHSA-9", "CVE-1", "CVE-2")], [("RHSA-9",)], {"CVE-1": "a b", "CVE-2": "a b"}),
        ([("RHSA-9", "CVE-1")], [("RHSA-9", "CVE-2")], {"CVE-1": "a", "CVE-2": "b"}),
        ([("CVE-1", "CVE-2")], [("CVE-2",)], {"CVE-1": "a", "CVE-2": "a b"}),
        ([("RHSA-9", "GHSA-a", "GHSA-b")], [("GHSA-a",), ("GHSA-b",)], {"GHSA-a": "a b", "GHSA-b": "a b"}),
        ([("RHSA-9",), ("GHSA-a", "RHSA-9")], [("GHSA-b", "RHSA-9")], {"GHSA-a": "a", "GHSA-b": "a b"}),
        ([("TEMP-1", "N/A", "")], [("TEMP-2", "N/A", "")], {"TEMP-1": "a", "TEMP-2": "b"}),
        ([("X-1", "X-2")], [("X-2", "X-1")], {"X-1": "a b"}),
        ([("rhsa-9",)], [("RHSA-9",)], {"rhsa-9": "a", "RHSA-9": "b"}),
    ],
    ids=[
        "alias of a CVE",
        "case",
        "no CVE is known",
        "in two steps",
        "an advisory of two CVEs",
        "an advisory that two CVEs name",
        "an advisory that another takes apart",
        "two that contradict each other",
        "a CVE as alias of a CVE",
        "an advisory of two GHSAs",
        "an advisory that two GHSAs name",
        "placeholders",
        "a cycle",
        "case of other schemes",
    ],
)
def test_names_of_one_vulnerability(
    one: list[tuple[str, ...]], other: list[tuple[str, ...]], expected: dict[str, str]
) -> None:
    """Aliases that any scanner gives lead to the canonical id; advisories are taken apart, CVEs never put together."""
    assert expected == found_by(merge([run("a", *one), run("b", *other)]))


def test_all_names_are_kept_but_those_of_others() -> None:
    """A vulnerability has its names sorted, each rating has the scanner's own; no other CVE is among the aliases."""
    merged = merge([run("a", ("RHSA-9", "CVE-1", "CVE-2")), run("b", ("cve-1", "ghsa-A", "N/A"))])
    assert [("CVE-1", ("GHSA-a", "N/A", "RHSA-9")), ("CVE-2", ("RHSA-9",))] == [(one.id, one.aliases) for one in merged]
    assert [["RHSA-9", "cve-1"], ["RHSA-9"]] == [[rating.id for rating in one.ratings] for one in merged]


def test_one_id_of_github_is_no_alias_of_another() -> None:
    """Two that share an advisory, or name each other, are two vulnerabilities: no rule for one fits the other."""
    merged = merge([run("a", ("GHSA-a", "X-1", "GHSA-b"), ("GHSA-c", "X-1"))])
    assert dict.fromkeys(("GHSA-a", "GHSA-b", "GHSA-c"), ("X-1",)) == {one.id: one.aliases for one in merged}


def test_the_order_of_schemes() -> None:
    """CVE goes before GitHub's and the distributions' names, TEMP comes after whatever else."""
    names = ["TEMP-0", "XYZ-1", "ALAS2-2020-1", "USN-1-1", "DLA-1", "DSA-1", "SUSE-SU-1", "RHSA-1:1", "GHSA-x", "CVE-9"]
    order = []
    while names:
        order.append(best_name(names))
        names.remove(order[-1])
    assert "CVE-9 GHSA-x RHSA-1:1 SUSE-SU-1 DSA-1 DLA-1 USN-1-1 ALAS2-2020-1 XYZ-1 TEMP-0" == " ".join(order)


def test_case_counts_in_ascii_alone() -> None:
    """A letter that only looks like one of a scheme's is another name."""
    assert ["CVE-1", "GHSA-ab", "GH\u017fA-AB"] == [plain_name(name) for name in (" cve-1 ", "ghsa-AB", "GH\u017fA-AB")]


def test_a_name_of_too_many_is_not_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """An advisory of more CVEs than the limit stands under its own name, and none of them is lost to it."""
    monkeypatch.setattr(canonical, "MOST_IDS", 3)
    names = ("RHSA-9", *(f"CVE-{number}" for number in range(4)))
    assert {"RHSA-9": "a", "CVE-1": "b"} == found_by(merge([run("a", names), run("b", ("CVE-1",))]))


def test_many_copies_lower_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where many findings name many CVEs each, those of most CVEs are no longer taken apart."""
    monkeypatch.setattr(canonical, "MOST_COPIES", 20)
    wide = [(f"RHSA-{number}", *(f"CVE-{other}" for other in range(1100))) for number in range(3)]
    merged = merge([run("a", *wide, ("RHSA-9", "CVE-1", "CVE-2"))])
    assert ["CVE-1", "CVE-2", "RHSA-0", "RHSA-1", "RHSA-2"] == [one.id for one in merged]


def test_names_that_connect_nothing_are_copies_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """An advisory of many CVEs with many names like ``N/A`` is not taken apart: each CVE would get all of them."""
    monkeypatch.setattr(canonical, "MOST_COPIES", 20)
    silent = tuple("n" * length for length in range(1, 8))
    (merged,) = merge([run("a", ("RHSA-9", "CVE-1", "CVE-2", "CVE-3", *silent))])
    assert "RHSA-9" == merged.id


def test_long_chains_and_lists_of_names() -> None:
    """5,000 names of one vulnerability, each known from the one before it, are one; no recursion gives up."""
    chain = [(f"X-{number}", f"X-{number + 1}", "CVE-1") for number in range(1)]
    chain += [(f"X-{number}", f"X-{number + 1}") for number in range(1, 5000)]
    assert ["CVE-1"] == [one.id for one in merge([run("a", *chain[::2]), run("b", *chain[1::2])])]
