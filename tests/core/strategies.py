"""Arbitrary reports, for hypothesis."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from attrs import evolve
from hypothesis import strategies as st
from portus_policy import GateResult, GateViolation, UnusedRule
from portus_scanners import (
    Cvss,
    Database,
    EndOfLife,
    Finding,
    FixState,
    Image,
    ImageReference,
    ImageReport,
    Layer,
    LocalImage,
    LocalReference,
    Outcome,
    Package,
    Platform,
    Reference,
    ReportDocument,
    ScannerReport,
    ScannerRun,
    Severity,
    UnresolvedImage,
    VendorRating,
    dump_line,
    make_image_report,
)

names = st.sampled_from(["openssl", "glibc", "libc6", "libc-bin", ""])
texts = st.text(max_size=20)
some_texts = st.lists(texts, max_size=2).map(tuple)
packages = st.builds(
    Package,
    names,
    st.sampled_from(["1.0", "2.0", ""]),
    st.sampled_from(["debian:9", "debian:9.13", "debian:10", "npm", ""]),
)
moments = st.none() | st.datetimes(timezones=st.just(UTC))
vendor_ratings = st.builds(
    VendorRating, source=st.sampled_from(["nvd", "debian"]), severity=st.sampled_from(Severity), label=texts
)
cvss = st.builds(
    Cvss, version=st.sampled_from(["2.0", "3.1", ""]), vector=texts, score=st.none() | st.floats(0, 10), source=texts
)
findings = st.builds(
    Finding,
    id=st.sampled_from(["CVE-2016-6304", "CVE-2016-7052", "TEMP-1", "GHSA-aaaa-bbbb-cccc"]),
    aliases=st.lists(st.sampled_from(["CVE-2016-6304", "CVE-2016-7052", "GHSA-aaaa-bbbb-cccc"]), max_size=2).map(tuple),
    severity=st.sampled_from(Severity),
    severity_label=texts,
    severity_source=texts,
    vendor_ratings=st.lists(vendor_ratings, max_size=2).map(tuple),
    package=packages,
    source_package=st.none() | st.builds(Package, names, st.sampled_from(["1.0", "2.0"])),
    purl=texts,
    path=texts,
    fix_state=st.sampled_from(FixState),
    published=moments,
    modified=moments,
    fixed_by=some_texts,
    links=some_texts,
    title=texts,
    description=texts,
    cvss=st.lists(cvss, max_size=2).map(tuple),
    layer=st.none() | texts,
    inferred=st.booleans(),
    details=st.dictionaries(texts, texts, max_size=2),
)
ends_of_life = st.none() | st.builds(EndOfLife, source=st.text(min_size=1, max_size=20), distribution=texts)
finding_lists = st.lists(findings, max_size=4).map(tuple)


updates = st.none() | st.datetimes(timezones=st.just(UTC))


def reports(*, complete: bool) -> st.SearchStrategy[ScannerReport]:
    """Reports that are complete, or not."""
    return st.builds(
        ScannerReport,
        findings=finding_lists,
        complete=st.just(complete),
        notes=some_texts,
        scanner_version=texts,
        database=st.none() | st.builds(Database, identity=st.text(min_size=1), updated=updates),
        end_of_life=ends_of_life,
    )


def runs_of(scanner: str) -> st.SearchStrategy[ScannerRun]:
    """Runs of one scanner, with every outcome."""
    common = {"scanner": st.just(scanner), "plugin": st.just("acme"), "elapsed": st.floats(0, 900)}
    ok = st.builds(ScannerRun, outcome=st.just(Outcome.OK), report=reports(complete=True), **common)
    half = reports(complete=False)
    other = st.sampled_from([one for one in Outcome if one not in {Outcome.OK, Outcome.INCOMPLETE}])
    return ok | st.one_of(
        st.builds(ScannerRun, outcome=st.just(Outcome.INCOMPLETE), error=texts, report=half, **common),
        st.builds(ScannerRun, outcome=other, error=texts, report=st.none() | half, **common),
    )


run_lists = st.tuples(*(st.none() | runs_of(name) for name in ("clair", "trivy", "zypper"))).map(
    lambda runs: [run for run in runs if run is not None]
)
PLATFORMS = [Platform("linux", "arm", "v7"), Platform("windows", "amd64", os_version="10.0.17763.5329")]


def images_of(
    references: st.SearchStrategy[ImageReference], local: st.SearchStrategy[LocalImage | None]
) -> st.SearchStrategy[Image]:
    """Images with these references, which lie there."""
    return st.builds(
        Image,
        reference=references,
        local=local,
        digest=st.just("sha256:" + "b" * 64),
        platform=st.none() | st.sampled_from(PLATFORMS),
        layers=st.lists(
            st.builds(Layer, digest=st.just("sha256:" + "c" * 64), size=st.none() | st.integers(0)), max_size=2
        ).map(tuple),
        unsupported=st.none() | texts,
    )


images = images_of(
    st.sampled_from(["alpine", "oci:1", "r.example:5000/team/app:1@sha256:" + "a" * 64]).map(Reference.parse),
    st.none(),
) | images_of(
    st.sampled_from(["oci:1", "docker-archive:a.tar:team/app:1"]).map(LocalReference.parse),
    st.builds(LocalImage, form=st.just("oci"), path=st.just("/a"), name=texts),
)
words = st.text(min_size=1, max_size=20)
gates = st.builds(
    GateResult,
    passed=st.booleans(),
    rules=some_texts,
    violations=st.lists(
        st.builds(GateViolation, rule=words, message=words, vulnerabilities=some_texts), max_size=2
    ).map(tuple),
)
changed_vulnerabilities = st.fixed_dictionaries(
    {},
    optional={"title": texts, "description": texts, "links": some_texts, "purls": some_texts, "layers": some_texts},
)


def change_vulnerabilities(report: ImageReport, changes: list[dict[str, Any]]) -> ImageReport:
    """Return a report whose first vulnerabilities say something else than their findings."""
    found = report.vulnerabilities
    changed = tuple(evolve(one, **change) for one, change in zip(found, changes, strict=False))
    return evolve(report, vulnerabilities=changed + found[len(changed) :])


image_reports = st.builds(
    change_vulnerabilities,
    st.builds(make_image_report, images, run_lists),
    st.lists(changed_vulnerabilities, max_size=2),
)
documents = st.builds(  # nothing in them is there twice: of JSON Lines, it counts once
    ReportDocument,
    created=moments,
    unused_rules=st.lists(st.builds(UnusedRule, rule=words, expired=st.booleans(), message=words), max_size=1).map(
        tuple
    ),
    gate=st.none() | gates,
    reports=st.lists(image_reports, max_size=2, unique_by=dump_line).map(tuple),
    errors=st.lists(
        st.builds(UnresolvedImage, reference=texts, step=texts, message=texts), max_size=2, unique=True
    ).map(tuple),
)
