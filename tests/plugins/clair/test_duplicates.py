"""Entries of one key in one answer: united, never dropped, and never by the order in which they stand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, strategies as st
from portus_scanner_clair import findings
from portus_scanner_clair.findings import make_report
from portus_scanner_clair.layers import make_chain
from portus_scanner_clair.wire import read_layer
from portus_scanners import Finding, Layer, ScannerReport

CHAIN = make_chain([Layer(digest=f"sha256:{number}") for number in range(3)], "salt")

features = st.fixed_dictionaries(
    {"Name": st.sampled_from(["a", "b"]), "Version": st.sampled_from(["1", "2"])},
    optional={
        "NamespaceName": st.sampled_from(["debian:9", "debian:10", None]),
        "AddedBy": st.sampled_from([*(link.name for link in CHAIN), "stranger", None]),
    },
)
vulnerabilities = st.fixed_dictionaries(
    {"Name": st.sampled_from(["CVE-1", "CVE-2"])},
    optional={
        "NamespaceName": st.sampled_from(["debian:9", "debian:10", None]),
        "Severity": st.sampled_from(["High", "high", "Low", "", "Odd", None]),
        "FixedBy": st.sampled_from(["1.1", "1.2", "", None]),
        "Link": st.sampled_from(["http://a.example", "http://b.example", None]),
        "Description": st.sampled_from(["short", "a longer one", None]),
        "Metadata": st.sampled_from([{"NVD": {"CVSSv2": {"Score": score}}} for score in (1, 7.5)]),
    },
)
entries = st.lists(st.tuples(features, vulnerabilities), min_size=1, max_size=6)


def report_of(pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> ScannerReport:
    """Return the report of an answer in which each pair is a feature of its own."""
    listed = [{**feature, "Vulnerabilities": [found]} for feature, found in pairs]
    body = json.dumps({"Layer": {"Name": CHAIN[-1].name, "Features": listed}}).encode()
    return make_report(read_layer(body, CHAIN[-1].name), CHAIN)


def key(feature: dict[str, Any], found: dict[str, Any]) -> tuple[str, ...]:
    """Return what makes an entry a finding of its own."""
    namespace = found.get("NamespaceName") or feature.get("NamespaceName") or ""
    return feature["Name"], feature["Version"], namespace, found["Name"]


@given(entries, st.randoms(use_true_random=False))
def test_any_order_gives_the_same_report(pairs: list[Any], mixer: Any) -> None:
    """Features shuffled: equal reports, their findings in the same order."""
    shuffled = list(pairs)
    mixer.shuffle(shuffled)
    assert report_of(pairs) == report_of(shuffled)


@given(entries)
def test_nothing_is_lost(pairs: list[Any]) -> None:
    """One finding for each key; every fix and link is in one of them, and the worst severity stands."""
    report = report_of(pairs)
    assert len({key(*pair) for pair in pairs}) == len(report.findings)
    assert {found["FixedBy"] for _, found in pairs if found.get("FixedBy")} == {
        fix for one in report.findings for fix in one.fixed_by
    }
    assert {found["Link"] for _, found in pairs if found.get("Link")} == {
        link for one in report.findings for link in one.links
    }


def test_the_worst_of_two_severities_stands() -> None:
    """The same vulnerability in one package, rated twice, is as bad as the worse of the two says."""
    feature = {"Name": "a", "Version": "1"}
    pairs = [(feature, {"Name": "CVE-1", "Severity": word}) for word in ("Low", "Critical", "Medium")]
    assert ["Critical"] == [one.severity_label for one in report_of(pairs).findings]


@pytest.mark.parametrize("differing", ["FixedBy", "Link", "Description", "Metadata", "NamespaceName"])
def test_many_copies_are_merged_once(monkeypatch: pytest.MonkeyPatch, differing: str) -> None:
    """One vulnerability of one package, 500 times with another value each: merged at once, not one after the other."""
    merge, sizes = findings._merged, []

    def merged(copies: Sequence[Finding]) -> Finding:
        sizes.append(len(copies))
        return merge(copies)

    monkeypatch.setattr(findings, "_merged", merged)
    values = [{"S": number} if differing == "Metadata" else f"debian:{number}" for number in range(500)]
    pairs = [({"Name": "a", "Version": "1"}, {"Name": "CVE-1", differing: value}) for value in values]
    found = report_of(pairs).findings
    apart = differing == "NamespaceName"  # a key of its own
    assert (500 if apart else 1, [] if apart else [500]) == (len(found), sizes)


def test_a_namespace_of_its_own_is_kept() -> None:
    """A vulnerability of another namespace than its package's says so."""
    pairs = [({"Name": "a", "Version": "1", "NamespaceName": "debian:10"}, {"Name": "C", "NamespaceName": "debian:9"})]
    (finding,) = report_of(pairs).findings
    assert ("debian:10", {"vulnerability_namespace": "debian:9"}) == (finding.package.namespace, finding.details)


def test_the_layer_is_the_digest_of_who_added_it() -> None:
    """AddedBy is a name in Clair; the finding has the digest, or none if no layer of the image has that name."""
    pairs = [
        ({"Name": link, "Version": "1", "AddedBy": link}, {"Name": "CVE-1"}) for link in (CHAIN[1].name, "stranger")
    ]
    assert {CHAIN[1].name: "sha256:1", "stranger": None} == {
        one.package.name: one.layer for one in report_of(pairs).findings
    }
