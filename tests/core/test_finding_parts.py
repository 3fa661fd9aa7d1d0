"""What scanners make findings of."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st
from portus_scanners import Cvss, Finding, Package, Severity
from portus_scanners.backends import read_time, unique_findings, web_links


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05+00:00"),
        ("2026-01-02T03:04:05.123456789+01:00", "2026-01-02T03:04:05.123456+01:00"),
        (" 2026-01-02T03:04:05 ", "2026-01-02T03:04:05+00:00"),
        ("yesterday", None),
        ("", None),
    ],
)
def test_times_are_read_or_left_out(text: str, expected: str | None) -> None:
    """With the nanoseconds that Go writes; without a zone it is UTC."""
    moment = read_time(text)
    assert expected == (moment.isoformat() if moment else None)


def test_links_are_web_addresses_once_each() -> None:
    """Other schemes, texts and broken addresses are left out."""
    texts = [
        "https://a.example/",
        "CVE-1",
        "ftp://b.example/",
        " http://c.example/x ",
        "https://a.example/",
        "http://[x",
    ]
    assert ("https://a.example/", "http://c.example/x") == web_links(texts)


@given(st.lists(st.text()))
def test_any_text_is_a_link_or_left_out(texts: list[str]) -> None:
    """What remains is printable and begins as an address does."""
    assert all(link.isprintable() and link.lower().startswith(("http://", "https://")) for link in web_links(texts))


def test_a_finding_for_each_id_and_package() -> None:
    """The worst stays, with the fixes and links of all; others are as they were."""
    package = Package("openssl", "1")
    findings = [
        Finding(id="A", severity=Severity.LOW, package=package, fixed_by=("2",), links=("http://a/",), title="low"),
        Finding(id="A", severity=Severity.HIGH, package=package, fixed_by=("3", "2"), title="high"),
        Finding(id="A", package=Package("openssl", "2")),
        Finding(id="B", package=package),
        Finding(id="B", package=package, purl="pkg:maven/org.a/openssl@1"),
        Finding(id="B", package=package, purl="pkg:maven/org.b/openssl@1"),
    ]
    joined = Finding(
        id="A", severity=Severity.HIGH, package=package, fixed_by=("2", "3"), links=("http://a/",), title="high"
    )
    assert (joined, *findings[2:]) == unique_findings(findings)


@pytest.mark.parametrize(
    ("vector", "version", "expected"),
    [
        ("CVSS:3.1/AV:N", "3", "3.1"),
        ("CVSS:4.0/AV:N", "", "4.0"),
        ("AV:N/AC:L", "2.0", "2.0"),
        ("", "3", "3"),
        ("", "", ""),
    ],
)
def test_a_vector_says_its_version(vector: str, version: str, expected: str) -> None:
    """Those of version 2 do not: then what is given counts."""
    assert expected == Cvss.from_vector(vector, version=version).version


@pytest.mark.parametrize(("score", "expected"), [(9.8, 9.8), (0.0, 0.0), (10.1, None), (-1.0, None), (None, None)])
def test_a_score_out_of_range_is_none(score: float | None, expected: float | None) -> None:
    """A rating keeps its vector then."""
    rating = Cvss.from_vector("CVSS:3.1/AV:N", score=score, source="NVD")
    assert (expected, "NVD", "CVSS:3.1/AV:N") == (rating.score, rating.source, rating.vector)
