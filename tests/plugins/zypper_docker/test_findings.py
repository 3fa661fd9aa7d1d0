"""From patches to findings."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portus_scanner_zypper_docker.findings import find_cves, make_findings, make_report
from portus_scanner_zypper_docker.wire import Patch, read_result
from portus_scanners import HttpAnswer, ScannerError, Severity
from standins.exchanges import exchange

texts = st.sampled_from(
    [
        "",
        "Security update for expat",
        "Recommended update for bash",
        "CVE-2016-0718 and cve-2015-1283",
        "see bsc#979441",
    ]
)
patches = st.lists(
    st.builds(
        Patch,
        Name=st.sampled_from(["p-1", "p-2", "p-3"]),
        IsSecurity=st.booleans(),
        Severity=st.sampled_from(["critical", "Important ", "moderate", "low", "security", "", "odd"]),
        Summary=texts,
        Description=texts,
    ),
    max_size=5,
    unique_by=lambda patch: patch.Name,
)


def answer(document: object) -> HttpAnswer:
    """Make an answer of the server."""
    return HttpAnswer(status=200, headers={}, body=json.dumps(document).encode())


def test_the_recorded_patches_of_2016() -> None:
    """Two of the five recorded patches are security updates, and fix four CVEs; they are marked as inferred."""
    document = exchange("zypper_docker", "images-real-2016-zypper-200")["response"]["body"]
    report = make_report(read_result(answer(document)), "corrected")
    first = report.findings[0]
    assert [
        ("CVE-2015-1283", "high", "expat"),
        ("CVE-2016-0718", "high", "expat"),
        ("CVE-2016-4574", "medium", "libksba"),
        ("CVE-2016-4579", "medium", "libksba"),
    ] == [(one.id, one.severity.value, one.package.name) for one in report.findings]
    assert (("openSUSE-2016-695",), "important", True) == (first.fixed_by, first.severity_label, first.inferred)
    assert ("https://www.suse.com/security/cve/CVE-2015-1283/",) == first.links
    assert {"patches": "openSUSE-2016-695", "bug_references": "bsc#979441 bnc#980391"} == first.details


def test_one_cve_in_two_patches_is_one_finding() -> None:
    """The highest severity counts, and both patches mend it."""
    both = [
        Patch("p-1", Severity="low", Summary="CVE-2016-0718"),
        Patch("p-2", Severity="critical", Description="cve-2016-0718"),
    ]
    (finding,) = make_findings(both, "corrected")
    assert (Severity.CRITICAL, ("p-1", "p-2"), "p-2") == (finding.severity, finding.fixed_by, finding.title)


@pytest.mark.parametrize(
    ("description", "links"),
    [
        ("boo#1 then bsc#2", ("https://bugzilla.opensuse.org/show_bug.cgi?id=1",)),
        ("bsc#2", ("https://bugzilla.suse.com/2",)),
        ("bnc#3", ("https://bugzilla.suse.com/3",)),
        ("none", ()),
    ],
)
def test_a_patch_without_a_cve_is_a_finding_of_its_own(description: str, links: tuple[str, ...]) -> None:
    """Its id is the patch's name, its link the first bug that it names."""
    (finding,) = make_findings([Patch("p", Summary="Security update for x", Description=description)], "corrected")
    assert ("p", links, "x") == (finding.id, finding.links, finding.package.name)


@pytest.mark.parametrize(
    ("word", "severity"),
    [("critical", "critical"), (" Important", "high"), ("MODERATE", "medium"), ("low", "low"), ("security", "unknown"),
     ("high", "unknown"), ("", "unknown")],
)  # fmt: skip
def test_the_words_are_zyppers(word: str, severity: str) -> None:
    """zypper's four words are mapped, in any case; every other is unknown, and kept."""
    (finding,) = make_findings([Patch("p", IsSecurity=True, Severity=word)], "strict")
    assert (severity, word, False) == (finding.severity.value, finding.severity_label, finding.inferred)


@given(patches)
def test_no_cve_is_lost_and_none_comes_twice(given_patches: list[Patch]) -> None:
    """The findings are exactly the CVEs of the security patches, and the names of those that have none."""
    expected: set[str] = set()
    for patch in given_patches:
        cves = find_cves(patch)
        if patch.IsSecurity or cves or patch.Summary.startswith("Security update"):
            expected |= set(cves) or {patch.Name}
    found = [finding.id for finding in make_findings(given_patches, "corrected")]
    assert (expected, len(expected)) == (set(found), len(found))


@given(patches)
def test_strict_finds_only_what_the_server_marks(given_patches: list[Patch]) -> None:
    """Strict findings come from marked patches alone, and none of them is inferred."""
    findings = make_findings(given_patches, "strict")
    marked = {patch.Name for patch in given_patches if patch.IsSecurity}
    assert marked == {name for finding in findings for name in finding.fixed_by}
    assert not any(finding.inferred for finding in findings)


scalars = st.none() | st.booleans() | st.integers(-2, 9) | st.text(max_size=5)
json_values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3), max_leaves=5)
items = st.fixed_dictionaries({}, optional=dict.fromkeys(("Name", "IsSecurity", "Severity", "Summary"), json_values))
members = {**dict.fromkeys(("Updates", "Security", "Error"), json_values), "List": st.lists(items | json_values)}
results = st.fixed_dictionaries({}, optional=members)


@given(results | json_values, st.sampled_from(["strict", "corrected"]))
def test_arbitrary_json_is_never_falsely_clean(document: Any, mode: str) -> None:
    """Whatever JSON comes: a report that is complete and empty has counters that fit a list of harmless patches."""
    try:
        report = make_report(read_result(answer(document)), mode)
    except ScannerError:
        return
    listed = document["List"] or []
    if report.complete and not report.findings:
        assert document["Updates"] + document["Security"] == len(listed)
        assert not (document.get("Error") or "").strip()
        assert all(item["Name"] and item.get("IsSecurity") is not True for item in listed)
