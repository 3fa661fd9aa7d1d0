"""Chain names and normalization: pure functions."""

from __future__ import annotations

import json
import random
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, strategies as st
from portus_scanner_clair.findings import make_report
from portus_scanner_clair.layers import EMPTY_LAYERS, make_chain
from portus_scanner_clair.wire import read_layer
from portus_scanners import Cvss, InvalidReportError, Layer, ScannerReport, Severity, UnsupportedImageError

digests = st.sampled_from([f"sha256:{letter * 64}" for letter in "abcd"])
chains = st.lists(digests | st.sampled_from(sorted(EMPTY_LAYERS)), max_size=6)


def names(chain: list[str], salt: str = "s") -> list[str]:
    """Return the names of a chain of digests."""
    return [link.name for link in make_chain([Layer(digest=digest) for digest in chain], salt)]


def solid(chain: list[str]) -> list[str]:
    """Return a chain without the well-known empty layers."""
    return [digest for digest in chain if digest not in EMPTY_LAYERS]


@given(chains, chains)
def test_a_name_stands_for_the_whole_chain(one: list[str], other: list[str]) -> None:
    """Two layers have one name exactly when everything up to them is the same; empty layers count for nothing."""
    for i, name in enumerate(names(one)):
        for j, other_name in enumerate(names(other)):
            assert (name == other_name) == (solid(one)[: i + 1] == solid(other)[: j + 1])


def test_names_are_hashes_of_salt_registry_and_digests() -> None:
    """name[0] = sha256(SALT + " " + registry + " " + digest[0]), name[i] = sha256(name[i-1] + " " + digest[i])."""
    layers = [Layer(digest="sha256:1"), Layer(digest="sha256:2")]
    first = sha256(b"salt registry.example:5000 sha256:1").hexdigest()
    second = sha256(f"{first} sha256:2".encode()).hexdigest()
    assert [first, second] == [link.name for link in make_chain(layers, "salt", "registry.example:5000")]


@given(st.sampled_from(["", "a", "a b", "a b.example"]), st.sampled_from(["", "b.example", "c.example:5000"]))
def test_each_registry_has_its_own_names(salt: str, registry: str) -> None:
    """The same layer has another name for another registry, and for another salt, however these are put together."""
    others = {(one, other) for one in ("", "a", "a b", "a b.example") for other in ("", "b.example", "c.example:5000")}
    layer = [Layer(digest="sha256:1")]
    (mine,) = make_chain(layer, salt, registry)
    assert mine.name not in {make_chain(layer, *pair)[0].name for pair in others - {(salt, registry)}}


def report_of(features: list[dict[str, Any]], namespace: str | None = "debian:9") -> ScannerReport:
    """Return the report of an answer with these features."""
    body = json.dumps({"Layer": {"Name": "top", "NamespaceName": namespace, "Features": features}}).encode()
    return make_report(read_layer(body, "top"), ())


def feature(name: str = "openssl", version: str = "1.0", **vulnerability: Any) -> dict[str, Any]:
    """Make a feature with one vulnerability."""
    found = {"Name": "CVE-1", "NamespaceName": "debian:9", "Severity": "High", **vulnerability}
    return {"Name": name, "NamespaceName": "debian:9", "Version": version, "Vulnerabilities": [found]}


def test_one_vulnerability_in_two_packages_is_two_findings() -> None:
    """Each package keeps its own fix."""
    report = report_of([feature("openssl", FixedBy="1.1"), feature("openssl1.0", FixedBy="1.0.2")])
    assert [("openssl", ("1.1",)), ("openssl1.0", ("1.0.2",))] == [
        (one.package.name, one.fixed_by) for one in report.findings
    ]


def test_one_vulnerability_in_two_namespaces_is_two_findings() -> None:
    """An image upgraded in place has one name twice, with two severities."""
    old = {**feature(Severity="High"), "NamespaceName": "debian:9"}
    new = {**feature(Severity="Low", NamespaceName="debian:10"), "NamespaceName": "debian:10"}
    assert {("debian:9", "high"), ("debian:10", "low")} == {
        (one.package.namespace, one.severity.value) for one in report_of([old, new]).findings
    }


@pytest.mark.parametrize(
    ("values", "severity"),
    [
        ({"Severity": "Defcon1"}, Severity.DEFCON1), ({"Severity": "Negligible"}, Severity.NEGLIGIBLE),
        ({"Severity": "Catastrophic"}, Severity.UNKNOWN), ({"Severity": ""}, Severity.UNKNOWN),
        ({"Severity": None, "Metadata": {"NVD": {"CVSSv2": {"Score": 7.5}}}}, Severity.HIGH),
        ({"Severity": "", "Metadata": {"NVD": {"CVSSv2": {"Score": 9.9}, "CVSSv3": {"Score": 3.0}}}}, Severity.LOW),
        ({"Severity": "Unknown", "Metadata": {"NVD": {"CVSSv2": {"Score": 7.5}}}}, Severity.UNKNOWN),
    ],
)  # fmt: skip
def test_the_severity_is_the_word_or_else_the_score(values: dict[str, Any], severity: Severity) -> None:
    """Clair's word decides, even an unknown one; without a word, the CVSS score does."""
    assert severity == report_of([feature(**values)]).findings[0].severity


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"NVD": {"CVSSv2": {"Vectors": "AV:N", "Score": 10}}}, [("2.0", "AV:N", 10.0)]),
        ({"NVD": {"CVSSv2": {"Vectors": "AV:N"}}}, [("2.0", "AV:N", None)]),
        ({"NVD": {"CVSSv2": {"Vectors": "", "Score": 7.5}}}, [("2.0", "", 7.5)]),
        ({"NVD": {"CVSSv3": {"Vectors": "CVSS:3.1/AV:N", "Score": "7.5"}}}, [("3.1", "CVSS:3.1/AV:N", 7.5)]),
        ({"NVD": {"CVSSv2": {"Vectors": "AV:N", "Score": 99}}}, [("2.0", "AV:N", None)]),
        ({"NVD": {"CVSSv2": None, "PublishedDateTime": "x"}}, []), ({"NVD": []}, []), ([], []), ("x", []), (None, []),
    ],
)  # fmt: skip
def test_metadata_in_every_form(metadata: object, expected: list[tuple[str, str, float | None]]) -> None:
    """CVSS is read if it can be, and no other metadata is an error."""
    (finding,) = report_of([feature(Metadata=metadata)]).findings
    assert expected == [(one.version, one.vector, one.score) for one in finding.cvss]


keys = st.sampled_from(["NVD", "CVSSv2", "CVSSv3", "Score", "Vectors"])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
metadata_values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=12)


@given(metadata_values)
def test_arbitrary_metadata_gives_ratings_that_can_be_made(metadata: object) -> None:
    """No metadata is an error, and every rating has a score from 0 to 10 or none."""
    (finding,) = report_of(
        [feature(Metadata=json.loads(json.dumps(metadata), parse_constant=lambda _: 1e308))]
    ).findings
    assert all(isinstance(one, Cvss) and (one.score is None or 0 <= one.score <= 10) for one in finding.cvss)


parts = st.sampled_from("ab"), st.sampled_from(["1", "2"]), st.sampled_from(["CVE-1", "CVE-2"])
entries = st.lists(st.tuples(*parts, st.sampled_from(["", "f1", "f2"])), min_size=1, max_size=8)


@given(entries, st.randoms(use_true_random=False))
def test_the_order_of_an_answer_does_not_matter(listed: list[tuple[str, str, str, str]], mixer: random.Random) -> None:
    """Clair's order is random: any order gives the same report, one finding a key, no fix lost."""
    features = [feature(name, version, Name=cve, FixedBy=fix) for name, version, cve, fix in listed]
    shuffled = list(features)
    mixer.shuffle(shuffled)
    report = report_of(features)
    assert report == report_of(shuffled)
    assert len({entry[:3] for entry in listed}) == len(report.findings)
    assert {entry[3] for entry in listed} - {""} == {fix for one in report.findings for fix in one.fixed_by}


def test_an_absent_text_and_a_null_one_are_the_same() -> None:
    """Strings may be absent or null; a feature without vulnerabilities has no key for them."""
    empty = {"Name": "a", "NamespaceName": None, "Version": None, "AddedBy": None}
    assert report_of([empty]) == report_of([{"Name": "a"}])


def test_what_was_not_asked_is_not_complete() -> None:
    """A result without a vulnerability does not show by itself that Clair has data for its distributions."""
    clean = {"Name": "a", "NamespaceName": "debian:10", "Version": "1"}
    answers = [[clean], [feature()], [clean, feature()]]
    assert [False, True, False] == [report_of(features).complete for features in answers]


def test_a_null_list_is_not_an_empty_one() -> None:
    """Clair leaves out an empty list: null where vulnerabilities belong is not taken for "none"."""
    with pytest.raises(InvalidReportError, match="Vulnerabilities: expected array"):
        report_of([{"Name": "a", "Vulnerabilities": None}])


@pytest.mark.parametrize("namespace", ["debian:9", None])
def test_no_features_is_not_clean(namespace: str | None) -> None:
    """A namespace without features, and neither of them, are unsupported."""
    with pytest.raises(UnsupportedImageError, match="not known to be clean"):
        report_of([], namespace)


def test_a_feature_without_a_name_is_invalid() -> None:
    """An empty feature does not mean that Clair recognised something."""
    with pytest.raises(InvalidReportError, match=r"\$\.Layer\.Features\[1\]\.Name: missing"):
        report_of([feature(), {}])


def test_a_vulnerability_without_a_name_is_invalid() -> None:
    """It can't be counted and must not be dropped: an InvalidReportError with its place."""
    with pytest.raises(InvalidReportError, match=r"\$\.Layer\.Features\[0\]\.Vulnerabilities\[0\]\.Name: missing"):
        report_of([feature(Name="")])
