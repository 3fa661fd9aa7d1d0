"""Models refuse what would be a lie."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st
from portus_images import NotInRegistryError
from portus_scanners import (
    Cvss,
    Database,
    Finding,
    Health,
    Image,
    LocalReference,
    Outcome,
    Package,
    Platform,
    Reference,
    ScannerReport,
    ScannerRun,
    Secret,
    Severity,
)


def test_severities_are_ordered_lowest_first() -> None:
    """The scale is Clair's, from unknown to defcon1."""
    words = ["unknown", "negligible", "low", "medium", "high", "critical", "defcon1"]
    assert words == [severity.value for severity in sorted(Severity)]


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (0.0, "negligible"), (0.1, "low"), (3.9, "low"), (4.0, "medium"), (6.9, "medium"), (7.0, "high"),
        (8.9, "high"), (9.0, "critical"), (10.0, "critical"), (10.1, "unknown"), (-1.0, "unknown"),
        (float("nan"), "unknown"),
    ],
)  # fmt: skip
def test_a_score_has_a_severity(score: float, expected: str) -> None:
    """The limits of CVSS scores are those of the design: 0, 4, 7, 9, 10."""
    assert expected == Severity.from_score(score).value


@given(st.text())
def test_every_word_has_a_severity(word: str) -> None:
    """A word that nobody knows is unknown, never an exception."""
    known = {severity.value for severity in Severity}
    expected = word.strip().casefold() if word.strip().casefold() in known else "unknown"
    assert expected == Severity.from_word(word).value


def test_findings_are_sorted_whatever_order_they_come_in() -> None:
    """A report's findings are in one order: severity highest first, then id, then package."""
    low, high = Finding(id="CVE-2", severity=Severity.LOW), Finding(id="CVE-9", severity=Severity.HIGH)
    first = Finding(id="CVE-2", severity=Severity.LOW, package=Package("a"))
    assert (high, low, first) == ScannerReport(findings=(first, low, high)).findings


@pytest.mark.parametrize(
    ("outcome", "error", "report"),
    [
        (Outcome.OK, None, None),
        (Outcome.OK, "but", ScannerReport()),
        (Outcome.OK, None, ScannerReport(complete=False)),
        (Outcome.INCOMPLETE, "half", None),
        (Outcome.INCOMPLETE, None, ScannerReport(complete=False)),
        (Outcome.FAILED, None, None),
        (Outcome.FAILED, "why", ScannerReport()),
    ],
)
def test_a_run_cannot_contradict_itself(outcome: Outcome, error: str | None, report: ScannerReport | None) -> None:
    """ok needs a complete report and no error; all others need a reason, and no report that calls itself complete."""
    with pytest.raises(ValueError, match="a run that ended"):
        ScannerRun(scanner="a", plugin="a", outcome=outcome, error=error, report=report)


@pytest.mark.parametrize("values", [{"id": ""}, {"id": 5}, {"id": "x", "severity": "high"}, {"id": "x", "title": None}])
def test_a_finding_is_checked_when_it_is_made(values: dict[str, object]) -> None:
    """A finding without an id, or with members of another type, can't be made."""
    with pytest.raises((TypeError, ValueError)):
        Finding(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("member", ["name", "version", "namespace"])
def test_a_package_is_checked_when_it_is_made(member: str) -> None:
    """A member that is not a string is named."""
    with pytest.raises(TypeError, match=member):
        Package(**{member: 5})  # type: ignore[arg-type]


def test_a_severity_has_no_order_among_other_things() -> None:
    """It is neither more nor less than a word."""
    with pytest.raises(TypeError, match="not supported"):
        assert Severity.LOW < "medium"  # type: ignore[operator]


@pytest.mark.parametrize("member", ["fixed_by", "links"])
def test_a_single_text_is_no_tuple_of_texts(member: str) -> None:
    """fixed_by="1.0" is an error, not the three versions 1, . and 0."""
    with pytest.raises(TypeError, match="tuple of strings"):
        Finding(id="x", **{member: "1.0"})


@pytest.mark.parametrize("text", ["linux", "linux/", "/amd64", "a/b/c/d", ""])
def test_a_platform_has_two_or_three_parts(text: str) -> None:
    """A text that is no os/architecture[/variant] is refused with an example."""
    with pytest.raises(ValueError, match="linux/amd64"):
        Platform.parse(text)


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (ScannerReport, {"complete": "no"}),
        (ScannerReport, {"complete": None}),
        (ScannerReport, {"complete": 1}),
        (ScannerReport, {"scanner_version": None}),
        (ScannerReport, {"database": "yesterday"}),
        (Database, {"identity": ""}),
        (Database, {"identity": "1", "updated": "yesterday"}),
        (ScannerReport, {"notes": [5]}),
        (ScannerReport, {"findings": ["CVE-1"]}),
        (Finding, {"id": "x", "layer": 5}),
        (Finding, {"id": "x", "inferred": "yes"}),
        (Finding, {"id": "x", "cvss": ["9.8"]}),
        (Finding, {"id": "x", "details": {"a": 1}}),
        (Cvss, {"version": 3}),
        (Cvss, {"version": "3.1", "score": 11.0}),
        (Health, {"healthy": "no"}),
    ],
)
def test_a_report_that_could_not_be_written_cannot_be_made(model: type, values: dict[str, object]) -> None:
    """Members of another type are refused where a scanner makes them, not where somebody writes them."""
    with pytest.raises((TypeError, ValueError)):
        model(**values)


def test_lists_become_tuples() -> None:
    """A scanner may hand over lists."""
    finding = Finding(id="x", fixed_by=["1"], links=["a"], cvss=[Cvss(version="2.0")])  # type: ignore[arg-type]
    assert (("1",), ("a",), (Cvss(version="2.0"),)) == (finding.fixed_by, finding.links, finding.cvss)


def test_a_platform_reads_as_it_is_written() -> None:
    """linux/arm/v7 is parsed and shown alike."""
    assert "linux/arm/v7" == str(Platform.parse("linux/arm/v7"))


def test_a_secret_shows_itself_to_nobody() -> None:
    """repr, str, format and a traceback of a Secret hold a mask; only reveal() gives the text."""
    secret = Secret("hunter2")
    assert not any("hunter2" in text for text in (repr(secret), str(secret), f"{secret}", f"{[secret]}"))
    assert ("hunter2", True, False) == (secret.reveal(), bool(secret), bool(Secret()))


def test_a_pull_name_is_that_of_the_digest() -> None:
    """A backend that pulls gets the image that was resolved, whatever its tag says by then; a local one it can't."""
    digest = f"sha256:{'a' * 64}"
    image = Image(reference=Reference.parse("alpine:3"), digest=digest)
    assert f"docker.io/library/alpine@{digest}" == image.pull_name
    with pytest.raises(NotInRegistryError, match="is a local image"):
        _ = Image(reference=LocalReference.parse("oci:some/dir"), digest=digest).pull_name
