"""From SBOMs to queries, and from OSV's records to findings."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st
from packageurl import PackageURL
from portus_scanner_osv.findings import find_id, make_finding
from portus_scanner_osv.queries import Query, make_query, package_of
from portus_scanner_osv.sbom import Sbom, SbomPackage, read_sbom
from portus_scanner_osv.wire import Vulnerability
from portus_scanners import Cvss, Finding, InvalidReportError, Package, Severity
from portus_scanners.backends import structure_answer
from standins.osv import cyclonedx, record, spdx

OPENSSL = Query("Debian:12", "openssl", "3.0.1-1")
LIBSSL = Package("libssl3", "3.0.1-1", "Debian:12")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def purls(sbom: Sbom) -> list[str]:
    """Return the package URLs of an SBOM, sorted."""
    return sorted(package.purl.to_string() for package in sbom.packages)


@pytest.mark.parametrize("make", [cyclonedx, spdx])
def test_both_forms_list_their_packages(make: Any) -> None:
    """Each package is listed once; the image itself is not a package."""
    sbom = read_sbom(make("pkg:npm/%40scope/a@1", "pkg:pypi/b@2", "pkg:pypi/b@2", "pkg:oci/app@sha256:00"))
    assert (["pkg:npm/%40scope/a@1", "pkg:pypi/b@2"], 0) == (purls(sbom), sbom.unnamed)


def test_a_statement_about_an_image_holds_its_sbom() -> None:
    """The predicate of an in-toto statement is read."""
    statement = {"_type": "https://in-toto.io/Statement/v1", "predicateType": "x", "predicate": spdx("pkg:pypi/b@2")}
    assert ["pkg:pypi/b@2"] == purls(read_sbom(statement))


def test_components_inside_of_components_are_read() -> None:
    """CycloneDX nests what was found in an archive."""
    document = cyclonedx("pkg:maven/org.acme/outer@1")
    document["components"][0]["components"] = cyclonedx("pkg:maven/org.acme/inner@2")["components"]
    assert ["pkg:maven/org.acme/inner@2", "pkg:maven/org.acme/outer@1"] == purls(read_sbom(document))


def test_packages_without_a_package_url_are_counted() -> None:
    """Files, the distribution and lock files are not packages; a name with a version is one."""
    parts = [("library", "1"), ("library", None), ("file", "1"), ("operating-system", "12")]
    components = [{"type": kind, "name": "x", "version": version} for kind, version in parts]
    packages = [{"name": "x", "versionInfo": "1"}, {"name": "y", "versionInfo": "1", "primaryPackagePurpose": "FILE"}]
    assert 1 == read_sbom({"bomFormat": "CycloneDX", "components": components}).unnamed
    assert 1 == read_sbom({"spdxVersion": "SPDX-2.3", "packages": packages}).unnamed


@pytest.mark.parametrize(
    "document",
    [None, [], {}, {"bomFormat": "SWID"}, {"spdxVersion": "SPDX-3.0"}, {"predicateType": "x"}, cyclonedx("npm:a@1")],
    ids=["null", "list", "empty", "other", "spdx 3", "no predicate", "no package URL"],
)
def test_what_is_no_sbom_is_invalid(document: Any) -> None:
    """Other documents, and package URLs that are none."""
    with pytest.raises(InvalidReportError):
        read_sbom(document)


@given(JSON, st.sampled_from(["components", "packages"]))
def test_any_json_is_an_sbom_or_refused(value: Any, member: str) -> None:
    """Whatever stands where: packages, or `InvalidReportError`."""
    base = {"bomFormat": "CycloneDX"} if member == "components" else {"spdxVersion": "SPDX-2.3"}
    for document in (value, {**base, member: value}, {**base, member: [value]}):
        try:
            sbom = read_sbom(document)
        except InvalidReportError:
            continue
        assert isinstance(sbom, Sbom)


@pytest.mark.parametrize(
    ("purl", "body"),
    [
        ("pkg:pypi/jinja2@2.4.1?extension=tar.gz#sub", {"package": {"purl": "pkg:pypi/jinja2@2.4.1"}}),
        ("pkg:npm/%40scope/a@1.0", {"package": {"purl": "pkg:npm/%40scope/a@1.0"}}),
        ("pkg:golang/github.com/a/b@v1.2.3", {"package": {"purl": "pkg:golang/github.com/a/b@1.2.3"}}),
        ("pkg:deb/debian/bash@5.2-1+b3?arch=amd64&distro=debian-12.5", ("Debian:12", "bash", "5.2-1")),
        ("pkg:deb/debian/libssl3@3.0-1?distro=debian-12&upstream=openssl%403.0-1", ("Debian:12", "openssl", "3.0-1")),
        ("pkg:deb/debian/login@4.8?distro=debian-12&epoch=1", ("Debian:12", "login", "1:4.8")),
        ("pkg:deb/ubuntu/bash@5.1?distro=ubuntu-22.04", ("Ubuntu:22.04:LTS", "bash", "5.1")),
        ("pkg:deb/ubuntu/bash@5.1?distro=ubuntu-23.10", ("Ubuntu:23.10", "bash", "5.1")),
        ("pkg:apk/alpine/libcrypto3@3.1-r0?distro=3.19.1&upstream=openssl", ("Alpine:v3.19", "openssl", "3.1-r0")),
        ("pkg:apk/wolfi/bash@5.2-r0?distro=wolfi-20230201", ("Wolfi", "bash", "5.2-r0")),
    ],
)  # fmt: skip
def test_what_is_asked_about_a_package(purl: str, body: Any) -> None:
    """Packages of languages by their bare package URL, those of distributions by release and source package."""
    query = make_query(SbomPackage(PackageURL.from_string(purl)))
    assert query is not None
    if isinstance(body, tuple):
        body = {"package": {"ecosystem": body[0], "name": body[1]}, "version": body[2]}
    assert body == query.body


@pytest.mark.parametrize(
    "purl",
    [
        "pkg:pypi/jinja2",
        "pkg:generic/busybox@1",
        "pkg:rpm/redhat/bash@5",
        "pkg:deb/debian/bash@5",
        "pkg:deb/debian/bash@5?distro=sid",
        "pkg:deb/kali/bash@5?distro=kali-2024",
        "pkg:apk/alpine/bash@5?distro=edge",
    ],
)
def test_what_can_not_be_asked(purl: str) -> None:
    """No version, an unknown kind, and a distribution without its release: no answer would be right."""
    assert make_query(SbomPackage(PackageURL.from_string(purl))) is None


def test_the_source_that_trivy_names() -> None:
    """Trivy's CycloneDX has the source package as a property."""
    document = cyclonedx("pkg:deb/debian/libssl3@3.0.1-1?distro=debian-12")
    document["components"][0]["properties"] = [{"name": "aquasecurity:trivy:SrcName", "value": "openssl"}]
    (package,) = read_sbom(document).packages
    query = make_query(package)
    assert query is not None
    assert ("openssl", LIBSSL) == (query.name, package_of(package, query))


def finding_of(document: dict[str, Any], query: Query = OPENSSL) -> Finding:
    """Return the finding that a record makes."""
    return make_finding(structure_answer(document, Vulnerability, "record"), query, LIBSSL)


def test_everything_of_a_record_is_kept() -> None:
    """Severity, fixes of this release alone, links, score, aliases."""
    finding = finding_of({**record("DSA-1"), "aliases": ["CVE-2099-0001"]})
    assert (
        Finding(
            id="CVE-2099-0001",
            aliases=("DSA-1",),
            severity=Severity.HIGH,
            severity_label="HIGH",
            package=LIBSSL,
            fixed_by=("3.0.2-1",),
            links=("https://osv.dev/vulnerability/DSA-1", "https://one.example/"),
            title="openssl: an overflow",
            description="It overflows.",
            cvss=(Cvss(version="3.1", vector="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", score=7.5),),
            details={"osv_id": "DSA-1"},
        )
        == finding
    )


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"aliases": ["CVE-2099-0001", "PYSEC-1"]}, "CVE-2099-0001"),
        ({"upstream": ["CVE-2099-0001"]}, "CVE-2099-0001"),
        ({"aliases": ["CVE-2099-0001"], "upstream": ["CVE-2099-0002"]}, "X-1"),
        ({"aliases": None}, "X-1"),
    ],
    ids=["alias", "upstream", "two", "none"],
)
def test_a_record_about_one_cve_is_called_so(names: dict[str, Any], expected: str) -> None:
    """So that other scanners' findings meet it; a record about several keeps its own id."""
    assert expected == find_id(structure_answer({**record("X-1"), **names}, Vulnerability, "record"))


def test_the_names_of_a_record_are_aliases() -> None:
    """An advisory has all that it is about; related records are others, and left out."""
    names = {"aliases": ["GHSA-a", " "], "upstream": ["CVE-1", "CVE-2", "CVE-1"], "related": ["CVE-3"]}
    finding = finding_of({**record("DSA-1"), **names})
    assert ("DSA-1", ("GHSA-a", "CVE-1", "CVE-2")) == (finding.id, finding.aliases)


V2, V3, V4 = (
    {"type": "CVSS_V2", "score": "AV:N/AC:L/Au:N/C:P/I:P/A:P"},
    {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"},
    {"type": "CVSS_V4", "score": "CVSS:4.0/AV:L/AC:H/AT:P/PR:H/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N"},
)


@pytest.mark.parametrize(
    ("word", "severities", "severity", "scores"),
    [
        ("MODERATE", [V3], Severity.MEDIUM, [9.8]),
        ("gaudy", [V3], Severity.UNKNOWN, [9.8]),
        (None, [V2, V3, V4], Severity.LOW, [1.0, 9.8, 7.5]),
        (None, [V2, V3], Severity.CRITICAL, [9.8, 7.5]),
        (None, [{"type": "CVSS_V3", "score": "CVSS:3.1/broken"}], Severity.UNKNOWN, [None]),
        (None, [{"type": "Ubuntu", "score": "negligible"}], Severity.NEGLIGIBLE, []),
        (None, None, Severity.UNKNOWN, []),
    ],
    ids=["word", "unknown word", "v4", "v3", "broken", "distribution", "nothing"],
)
def test_severity_is_a_word_else_the_newest_score(
    word: str | None, severities: Any, severity: Severity, scores: list[float | None]
) -> None:
    """A database's word counts; else the score that the newest vector comes to."""
    document = {**record("X-1"), "severity": severities, "database_specific": {"severity": word}}
    finding = finding_of(document)
    assert (severity, scores) == (finding.severity, [one.score for one in finding.cvss])


@given(st.sampled_from(["CVSS_V2", "CVSS_V3", "CVSS_V4"]), st.text(alphabet="CVSS:3140./AVNLHPRUIXMTEOYF", max_size=40))
def test_any_vector_has_a_score_or_none(kind: str, vector: str) -> None:
    """Nothing that stands where a vector belongs is an error."""
    (rating,) = finding_of({**record("X-1"), "severity": [{"type": kind, "score": vector}]}).cvss
    assert rating.score is None or 0.0 <= rating.score <= 10.0


@given(JSON, st.sampled_from(sorted(record("X-1"))))
def test_any_json_is_a_finding_or_refused(value: Any, member: str) -> None:
    """Whatever stands in a member of a record: a finding, or `InvalidReportError`."""
    try:
        finding = finding_of({**record("X-1"), member: value})
    except InvalidReportError:
        return
    assert finding.id
