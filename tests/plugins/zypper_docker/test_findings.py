"""From patches to findings."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given, strategies as st
from portus_scanner_zypper_docker.findings import (
    LONGEST_DESCRIPTION,
    MOST_FINDINGS,
    find_cves,
    make_findings,
    make_report,
)
from portus_scanner_zypper_docker.wire import Patch, read_result
from portus_scanners import InvalidReportError, ScannerError, Severity
from portus_scanners.backends import HttpAnswer
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
    """The highest severity counts, and both patches fix it."""
    both = [
        Patch("p-1", Severity="low", Summary="CVE-2016-0718"),
        Patch("p-2", Severity="critical", Description="cve-2016-0718"),
    ]
    (finding,) = make_findings(both, "corrected")
    assert (Severity.CRITICAL, ("p-1", "p-2"), "p-2") == (finding.severity, finding.fixed_by, finding.title)


def test_a_patch_is_an_alias_of_each_cve_that_it_mends() -> None:
    """Another scanner that names the patch alone means all of them; a patch without a CVE has no other name."""
    patches = [Patch("p-1", Summary="CVE-2016-0718 CVE-2016-0719"), Patch("p-2", Summary="Security update")]
    found = {finding.id: finding.aliases for finding in make_findings(patches, "corrected")}
    assert {"CVE-2016-0718": ("p-1",), "CVE-2016-0719": ("p-1",), "p-2": ()} == found


def test_two_patches_of_one_name_lose_nothing() -> None:
    """A name that comes twice with different descriptions is not a duplicate: the second one counts too."""
    items = [{"Name": "p", "IsSecurity": False}, {"Name": "p", "IsSecurity": True}]
    report = make_report(read_result(answer({"Updates": 1, "Security": 1, "List": items})), "strict")
    assert [("p", ("p",))] == [(finding.id, finding.fixed_by) for finding in report.findings]


def test_a_repeated_patch_is_one() -> None:
    """The same item twice gives the findings of one."""
    item = {"Name": "p", "IsSecurity": True, "Summary": "CVE-2016-0718 CVE-2015-1283"}
    (once, twice) = (
        make_report(read_result(answer({"Updates": 0, "Security": count, "List": [item] * count})), "corrected")
        for count in (1, 2)
    )
    assert (2, once) == (len(twice.findings), twice)


@pytest.mark.parametrize(
    ("summary", "package"),
    [
        ("Security update for expat", "expat"),
        ("Security update for the Linux Kernel", "the Linux Kernel"),
        ("security UPDATE FOR  MozillaFirefox, mozilla-nss\nand more", "MozillaFirefox, mozilla-nss"),
        ("CVE-2016-0718", ""),
        ("Security update for ", ""),
    ],
)
def test_the_package_is_guessed_from_the_summary(summary: str, package: str) -> None:
    """The package is the words after "update for", and empty without them."""
    (finding,) = make_findings([Patch("p", IsSecurity=True, Summary=summary)], "strict")
    assert package == finding.package.name


def test_halves_of_surrogate_pairs_are_replaced() -> None:
    """JSON can hold what no UTF-8 can: every text of a finding can be written."""
    item = {"Name": "p\ud800", "IsSecurity": True, "Severity": "\udfff", "Summary": "\ud800", "Description": "\ud800"}
    report = make_report(read_result(answer({"Updates": 0, "Security": 1, "List": [item]})), "strict")
    assert "'p?'" in repr(report).encode().decode()


def test_a_text_that_names_many_cves_stays_small() -> None:
    """A long description is cut; more findings than the limit make the report incomplete."""
    text = " ".join(f"CVE-2016-{number}" for number in range(10_000, 10_001 + MOST_FINDINGS))
    item = {"Name": "p", "Severity": text, "Summary": text, "Description": f"{text} bsc#1" + " bsc#2" * 1000}
    report = make_report(read_result(answer({"Updates": 1, "Security": 0, "List": [item]})), "corrected")
    assert (False, MOST_FINDINGS) == (report.complete, len(report.findings))
    assert f"only {MOST_FINDINGS} of {MOST_FINDINGS + 1}" in report.notes[0]
    assert max(len(str(finding)) for finding in report.findings) < LONGEST_DESCRIPTION + 2000


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


@given(patches, st.randoms(use_true_random=False), st.sampled_from(["strict", "corrected"]))
def test_the_order_of_patches_does_not_matter(given_patches: list[Patch], random: Random, mode: str) -> None:
    """In any order the same vulnerabilities are found, as severe, inferred or not, fixed by the same patches."""
    shuffled = random.sample(given_patches, len(given_patches))
    one, other = (
        {each.id: (each.severity, each.inferred, set(each.fixed_by)) for each in make_findings(several, mode)}
        for several in (given_patches, shuffled)
    )
    assert one == other


@given(patches)
def test_strict_finds_only_what_the_server_marks(given_patches: list[Patch]) -> None:
    """Strict findings come from marked patches alone, and none of them is inferred."""
    findings = make_findings(given_patches, "strict")
    marked = {patch.Name for patch in given_patches if patch.IsSecurity}
    assert marked == {name for finding in findings for name in finding.fixed_by}
    assert not any(finding.inferred for finding in findings)


scalars = st.none() | st.booleans() | st.integers(-2, 9) | st.text(max_size=5)
json_values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3), max_leaves=5)
items = st.fixed_dictionaries(
    {"Name": st.sampled_from(["p", "q"]) | json_values},
    optional={"IsSecurity": st.booleans() | json_values, "Severity": json_values, "Summary": texts | json_values},
)
results = st.fixed_dictionaries(
    {"Updates": st.integers(0, 3) | json_values, "Security": st.integers(0, 3) | json_values},
    optional={"Error": json_values, "List": st.none() | st.lists(items | json_values, max_size=4)},
)


def is_harmless(item: Any) -> bool:
    """Return whether an item is readable, and begins as SUSE's updates that are not about security."""
    summary = item.get("Summary") or ""
    said = item.get("IsSecurity") or False
    return bool(item["Name"]) and said is False and summary.startswith("Recommended update") and "CVE" not in summary


@given(results | json_values, st.sampled_from(["strict", "corrected"]))
def test_arbitrary_json_is_never_falsely_clean(document: Any, mode: str) -> None:
    """Whatever JSON comes: a report that is complete and empty has counters that fit a list of harmless patches."""
    try:
        report = make_report(read_result(answer(document)), mode)
    except ScannerError:
        return
    if report.complete and not report.findings:
        listed = document["List"] or []
        assert (len(listed), 0) == (document["Updates"], document["Security"])
        assert not (document.get("Error") or "").strip()
        assert all(is_harmless(item) for item in listed)


@given(st.lists(items, max_size=3), st.sampled_from(["strict", "corrected"]))
def test_consistent_answers_are_never_falsely_clean(listed: list[Any], mode: str) -> None:
    """The same where the counters always fit the list, so that only the items can tell."""
    marked = sum(item.get("IsSecurity") is True for item in listed)
    document = {"Updates": len(listed) - marked, "Security": marked, "Error": "", "List": listed or None}
    report = make_report(read_result(answer(document)), mode)
    if report.complete and not report.findings:
        assert all(is_harmless(item) for item in listed)


def test_a_list_in_another_spelling_is_an_error() -> None:
    """A program in Go, as zypper-docker's own, reads it as the list: an empty one beside it must not hide it."""
    document = {"Updates": 0, "Security": 0, "Error": "", "List": None, "list": [{"Name": "p-1", "IsSecurity": True}]}
    with pytest.raises(InvalidReportError, match="not supported") as caught:
        read_result(answer(document))
    assert ("$: 'list' is not a member of a result",) == caught.value.faults
