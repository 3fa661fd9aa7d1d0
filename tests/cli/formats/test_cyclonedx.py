"""CycloneDX: components, vulnerabilities and what was decided of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from attrs import evolve
from hypothesis import Phase, given, settings
from portus_scan.formats.cyclonedx.vulnerabilities import NOT_COMPLETE
from portus_scanners import Cvss, Outcome, Package, ReportDocument, Severity, VendorRating
from properties import at_most

from ..documents import UNRESOLVED, make_document, make_finding, make_report, make_run
from .rendered import RULE, any_document, cyclonedx_entries, properties_of, rendered_json, suppress

OK = Outcome.OK
WORDS = ("critical", "high", "medium", "low", "info", "unknown")
"""The words of CycloneDX, the highest first."""


def test_one_image_is_the_subject() -> None:
    """A document of one image describes that image; its packages are the components."""
    bom = rendered_json("cyclonedx", make_document(make_run("clair", OK, make_finding())))
    subject = bom["metadata"]["component"]
    assert ("container", "registry.example/team/app:1.0") == (subject["type"], subject["name"])
    assert subject["purl"].startswith("pkg:oci/app@sha256")
    assert ["openssl"] == [one["name"] for one in bom["components"]]


def test_several_images_are_components() -> None:
    """With several images each is a component that holds its packages, those that could not be scanned too."""
    bom = rendered_json("cyclonedx", make_document(make_run("clair", OK, make_finding()), errors=(UNRESOLVED,)))
    parts = {one["name"]: [part["name"] for part in one.get("components", ())] for one in bom["components"]}
    assert {"registry.example/team/app:1.0": ["openssl"], "registry.example/gone:1": []} == parts


@pytest.mark.parametrize("outcome", list(Outcome), ids=lambda one: one.value)
def test_outcomes(outcome: Outcome) -> None:
    """How each scanner ended is a property of the image; one that did not end ok is an entry in triage too."""
    bom = rendered_json("cyclonedx", make_document(make_run("clair", outcome)))
    entries = [(one["id"], one["analysis"]["state"]) for one in bom.get("vulnerabilities", ())]
    assert [outcome.value] == properties_of(bom["metadata"]["component"])["outcome:clair"]
    assert ([] if outcome is OK else [(NOT_COMPLETE, "in_triage")]) == entries


def test_ratings_keep_their_source() -> None:
    """Each rating has who gave it, the word used, and the whole vector."""
    vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"
    finding = make_finding(
        severity_label="Urgent",
        severity_source="debian",
        cvss=(Cvss.from_vector(vector, score=7.5, source="nvd"),),
        vendor_ratings=(VendorRating(source="redhat", label="Moderate"),),
    )
    (entry,) = cyclonedx_entries(rendered_json("cyclonedx", make_document(make_run("trivy", OK, finding))))
    found = {one["source"]["name"]: one for one in entry["ratings"]}
    assert {"portus-scan", "debian (as trivy says)", "nvd (as trivy says)", "redhat (as trivy says)"} == set(found)
    assert ("CVSSv31", 7.5, vector) == tuple(found["nvd (as trivy says)"][key] for key in ("method", "score", "vector"))
    assert "severity high, label Urgent, of debian" == found["debian (as trivy says)"]["justification"]


def test_the_severity_that_is_shown_is_the_first_rating() -> None:
    """Then come the others, the highest first: a program that takes the first one shows what we show, or more."""
    finding = make_finding(
        severity=Severity.MEDIUM,
        severity_source="debian",
        cvss=(
            Cvss.from_vector("CVSS:3.1/AV:L", score=3.1, source="vendor"),
            Cvss.from_vector("CVSS:3.1/AV:N", score=9.8, source="nvd"),
            Cvss.from_vector("CVSS:2.0/AV:N", source="silent"),
        ),
        vendor_ratings=(
            VendorRating(source="amazon", severity=Severity.LOW),
            VendorRating(source="redhat", severity=Severity.HIGH),
        ),
    )
    (entry,) = cyclonedx_entries(rendered_json("cyclonedx", make_document(make_run("trivy", OK, finding))))
    sources = [one["source"]["name"].removesuffix(" (as trivy says)") for one in entry["ratings"]]
    assert ["portus-scan", "nvd", "redhat", "debian"] == sources[:4]
    assert [{"amazon", "vendor"}, {"silent"}] == [set(sources[4:6]), set(sources[6:])]
    assert "medium" == entry["ratings"][0]["severity"]


@given(document=any_document)
@settings(max_examples=at_most(25), phases=(Phase.generate,))
def test_no_rating_comes_before_a_higher_one(document: ReportDocument) -> None:
    """But for the first, which is what is shown, severities and scores go down."""
    for entry in rendered_json("cyclonedx", document).get("vulnerabilities", ()):
        first, *others = entry["ratings"]
        assert "portus-scan" == first["source"]["name"]
        words = [one["severity"] for one in others if "severity" in one]
        assert words == sorted(words, key=WORDS.index)


@pytest.mark.parametrize(
    ("reason", "state", "justification"),
    [
        ("vulnerable_code_not_present: we build without it", "not_affected", "code_not_present"),
        ("vulnerable_code_cannot_be_controlled_by_adversary", "not_affected", None),
        ("not affected: the code is never called", "not_affected", None),
        ("False positive: see ticket 12", "false_positive", None),
        ("fixed", "resolved", None),
        ("fixed in the next release", None, None),
        ("we accept this until the next release", None, None),
    ],
)
def test_analysis(reason: str, state: str | None, justification: str | None) -> None:
    """A suppression has a state only where its reason begins with one, and always a detail."""
    report = suppress(make_report(make_run("clair", OK, make_finding())), evolve(RULE, reason=reason))
    (entry,) = cyclonedx_entries(rendered_json("cyclonedx", ReportDocument(reports=(report,))))
    analysis = entry["analysis"]
    assert (state, justification) == (analysis.get("state"), analysis.get("justification"))
    assert reason in analysis["detail"]


def test_packages_once() -> None:
    """A package with two vulnerabilities is one component, which both affect."""
    bom = rendered_json(
        "cyclonedx", make_document(make_run("clair", OK, make_finding(), make_finding("CVE-2016-7052")))
    )
    affected = {target["ref"] for one in bom["vulnerabilities"] for target in one["affects"]}
    assert {bom["components"][0]["bom-ref"]} == affected


def test_no_package() -> None:
    """A vulnerability in something without a name affects the image."""
    bom = rendered_json("cyclonedx", make_document(make_run("clair", OK, make_finding(package=Package()))))
    assert [{"ref": bom["metadata"]["component"]["bom-ref"]}] == bom["vulnerabilities"][0]["affects"]


def test_time_of_the_scan() -> None:
    """The document bears the time at which the last run ended, not that of its writing."""
    started = datetime(2026, 1, 1, 12, tzinfo=UTC)
    run = evolve(make_run("clair", OK), started=started, elapsed=60)
    assert "2026-01-01T12:01:00+00:00" == rendered_json("cyclonedx", make_document(run))["metadata"]["timestamp"]
