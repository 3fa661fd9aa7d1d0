"""What a report of Clair v4 means: names, severities, fixes, packages; and which data it needs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from portus_scanner_clair_v4.coverage import ClairData, source_of_distribution, words_of
from portus_scanner_clair_v4.findings import make_report
from portus_scanner_clair_v4.wire import Distribution, UpdateOperations, VulnerabilityReport, read_answer
from portus_scanners import (
    Cvss,
    Database,
    Image,
    InvalidReportError,
    Layer,
    Reference,
    ScannerReport,
    Severity,
    UnsupportedImageError,
)
from portus_scanners_testing.images import digest_of
from standins.clair_v4 import REDHAT, rating

DIGEST, LAYER = digest_of(b"image"), digest_of(b"layer")
IMAGE = Image(reference=Reference.parse("registry.example/team/app:1"), digest=DIGEST, layers=(Layer(digest=LAYER),))
ALL = ClairData(frozenset({"rhel-vex", "osv/pypi", "debian/updater"}))
ENRICHER = "message/vnd.clair.map.vulnerability; enricher=clair.{} schema=none"


def document(*rows: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Return a report about one package of Red Hat's with these vulnerabilities, and with other members."""
    source = {"id": "2", "name": "nghttp2", "version": "1.33.0-3.el8"}
    package = {"id": "1", "name": "libnghttp2", "version": "1.33.0-3.el8", "source": source}
    place = {"package_db": "bdb:var/lib/rpm", "introduced_in": LAYER, "distribution_id": "1", "repository_ids": ["1"]}
    keys = [str(number) for number, _ in enumerate(rows)]
    return {
        "manifest_hash": DIGEST,
        "packages": {"1": package},
        "distributions": {"1": {"id": "1", "did": "rhel", "version": "8", "version_id": "8"}},
        "repository": {"1": {"id": "1", **REDHAT}},
        "environments": {"1": [place, {**place, "distribution_id": "", "repository_ids": None}]},
        "vulnerabilities": dict(zip(keys, rows, strict=True)),
        "package_vulnerabilities": {"1": keys},
        "enrichments": {ENRICHER.format("cvss"): None},
        **members,
    }


def row(name: str, **members: Any) -> dict[str, Any]:
    """Return a vulnerability."""
    return {"name": name, "updater": "rhel-vex", "normalized_severity": "High", **members}


def read(*rows: dict[str, Any], data: ClairData = ALL, **members: Any) -> ScannerReport:
    """Return what the plugin makes of a report."""
    body = json.dumps(document(*rows, **members)).encode()
    return make_report(read_answer(body, VulnerabilityReport, "the report"), IMAGE, data)


@pytest.mark.parametrize(
    ("name", "links", "names"),
    [
        ("CVE-2099-0001", "https://security.example/CVE-2099-0009", ("CVE-2099-0001",)),
        ("CVE-2099-0001 on Ubuntu 22.04 LTS (jammy) - medium.", "", ("CVE-2099-0001",)),
        ("pyup.io-39606 (CVE-2099-0001)", "", ("CVE-2099-0001", "pyup.io-39606")),
        (
            "RHSA-2099:5837: nghttp2 security update (Important)",
            "https://access.example/errata/RHSA-2099:5837 https://access.example/cve/CVE-2099-0001",
            ("CVE-2099-0001", "RHSA-2099:5837"),
        ),
        (
            "ELSA-2099-1:  two of them (IMPORTANT)",
            "https://linux.example/cve/CVE-2099-0002.html https://linux.example/cve/CVE-2099-0001.html",
            ("ELSA-2099-1", "CVE-2099-0002", "CVE-2099-0001"),
        ),
        (
            "GO-2099-1571",
            "https://nvd.example/CVE-2099-0009 https://osv.dev/vulnerability/CVE-2099-0001 "
            "https://osv.dev/vulnerability/GHSA-aaaa-bbbb-cccc",
            ("CVE-2099-0001", "GO-2099-1571", "GHSA-aaaa-bbbb-cccc"),
        ),
        ("a thing without digits", "", ("a thing without digits",)),
    ],
)
def test_names(name: str, links: str, names: tuple[str, ...]) -> None:
    """The only CVE in the name, or else in the links, is the id; an advisory of several keeps its own."""
    (finding,) = read(row(name, links=links)).findings
    assert names == (finding.id, *finding.aliases)


def test_the_rest_of_a_name_is_the_title() -> None:
    """An advisory's name goes on after a colon."""
    (finding,) = read(row("RHSA-2099:5837: nghttp2 security update (Important)")).findings
    assert ("RHSA-2099:5837", "nghttp2 security update (Important)") == (finding.id, finding.title)


def test_one_row_for_each_repository() -> None:
    """The same advisory comes once for each of them: one finding, with every fix and link."""
    rows = [
        row("CVE-2099-0001", fixed_in_version=fixed, links=f"https://{fixed}.example") for fixed in ("1.33", "1.34", "")
    ]
    (finding,) = read(*rows).findings
    assert ("1.33", "1.34") == finding.fixed_by
    assert 3 == len(finding.links)
    assert ("rhel:8", "nghttp2") == (finding.package.namespace, finding.source_package and finding.source_package.name)


@pytest.mark.parametrize(
    ("word", "vendor", "score", "severity", "label"),
    [
        ("Critical", "Important", None, Severity.CRITICAL, "Critical"),
        ("High", "", 3.1, Severity.HIGH, "High"),
        ("Unknown", "not yet assigned", 10.0, Severity.CRITICAL, ""),
        ("Unknown", "", 0.0, Severity.NEGLIGIBLE, ""),
        ("Unknown", "", None, Severity.UNKNOWN, "Unknown"),
        ("Gaudy", "", 9.0, Severity.UNKNOWN, "Gaudy"),
        (None, "", 7.0, Severity.HIGH, ""),
    ],
)
def test_severities(word: str | None, vendor: str, score: float | None, severity: Severity, label: str) -> None:
    """Clair's word, the vendor's beside it; where Clair does not know, the highest score; strange words stay."""
    rated = None if score is None else [{"0": [rating(0.0, ""), rating(score, "CVSS:3.1/AV:N")]}]
    one = row("CVE-2099-0001", normalized_severity=word, severity=vendor)
    (finding,) = read(one, enrichments={ENRICHER.format("cvss"): rated}).findings
    assert (severity, label) == (finding.severity, finding.severity_label)
    assert [vendor] * bool(vendor) == [one.label for one in finding.vendor_ratings]
    assert [Severity.HIGH] * (vendor == "Important") == [
        one.severity for one in finding.vendor_ratings if one.severity is not Severity.UNKNOWN
    ]


def test_ratings_of_each_version_and_other_enrichers() -> None:
    """CVSS 2, 3 and 4, a vector in the vendor's word, EPSS and KEV; what nobody knows is passed over."""
    cvss = [
        {"version": "2.0", "vectorString": "AV:N/AC:L/Au:N/C:P/I:P/A:P", "baseScore": 7.5},
        {"version": "4.0", "vectorString": "CVSS:4.0/AV:N", "baseScore": 9},
        {"version": 3, "vectorString": None, "baseScore": "9.8"},
        "gibberish",
    ]
    epss = [{"cve": "CVE-2099-0001", "epss": 0.5, "percentile": 0.9, "date": "2026-01-01", "modelVersion": "v1"}]
    kev = [{"cve": "CVE-2099-0001", "date_added": "2026-01-03", "known_ransomware_campaign_use": "Unknown"}]
    added = {"cvss": cvss, "epss": epss, "kev": kev, "horoscope": [{}]}
    enrichments = {ENRICHER.format(name): [{"0": values, "9": None}] for name, values in added.items()}
    (finding,) = read(row("CVE-2099-0001", severity="CVSS:3.1/AV:L"), enrichments=enrichments).findings
    assert (
        Cvss(version="3.1", vector="CVSS:3.1/AV:L", source="rhel-vex"),
        Cvss(version="2.0", vector="AV:N/AC:L/Au:N/C:P/I:P/A:P", score=7.5, source="NVD"),
        Cvss(version="4.0", vector="CVSS:4.0/AV:N", score=9.0, source="NVD"),
    ) == finding.cvss
    assert {
        "epss": "CVE-2099-0001 0.5 0.9 2026-01-01",
        "known_exploited": "CVE-2099-0001 2026-01-03 Unknown",
    } == finding.details


@pytest.mark.parametrize(
    ("fixed", "fixes"),
    [
        ("0:1.33.0-5.el8_8", ("0:1.33.0-5.el8_8",)),
        ("", ()),
        ("fixed=1.2.3&introduced=1.0", ("1.2.3",)),
        ("introduced=1.0&lastAffected=1.9", ()),
        ("fixed=1.2%2B1", ("1.2+1",)),
    ],
)
def test_fixes(fixed: str, fixes: tuple[str, ...]) -> None:
    """A version, or one in what OSV's advisories say of several."""
    (finding,) = read(row("CVE-2099-0001", fixed_in_version=fixed)).findings
    assert fixes == finding.fixed_by


@pytest.mark.parametrize("issued", ["0000-12-31T18:09:24-05:50", "0001-01-01T00:00:00Z", "soon", "", None])
def test_nonsense_times(issued: str | None) -> None:
    """They are left out, and cost nothing."""
    (finding,) = read(row("CVE-2099-0001", issued=issued)).findings
    assert finding.published is None


@pytest.mark.parametrize(
    "members",
    [
        {"package_vulnerabilities": None},
        {"package_vulnerabilities": {"1": None}},
        {"package_vulnerabilities": {"7": ["0"]}},
        {"package_vulnerabilities": {"1": ["0", "7"]}},
        {"vulnerabilities": {"0": row(" ")}},
        {"vulnerabilities": None},
        {"manifest_hash": digest_of(b"another")},
    ],
)
def test_reports_that_contradict_themselves(members: dict[str, Any]) -> None:
    """A null, an id without its vulnerability and a vulnerability without its package are errors, never clean."""
    with pytest.raises(InvalidReportError):
        read(row("CVE-2099-0001"), **members)


def test_null_for_everything_that_is_empty() -> None:
    """Go's lists and maps may be null: nothing was recognised."""
    nothing = dict.fromkeys(("packages", "distributions", "repository", "environments", "enrichments"))
    with pytest.raises(UnsupportedImageError, match="recognised nothing"):
        read(package_vulnerabilities=None, **nothing)
    report = read(enrichments=None, package_vulnerabilities=None)
    assert ((), True) == (report.findings, report.complete)


@pytest.mark.parametrize(
    ("updaters", "members", "complete", "told"),
    [
        ({"rhel-vex"}, {}, True, ""),
        ({"RHEL8-rhel-8-including-unpatched"}, {}, True, ""),
        ({"osv/pypi"}, {}, None, "no vulnerability data for rhel:8"),
        (None, {}, False, "does not tell whether it has vulnerability data for rhel:8"),
        ({"rhel-vex"}, {"environments": None}, None, "packages without a distribution"),
        ({"rhel-vex"}, {"repository": None}, None, "rhel:8 (of unknown repositories)"),
        ({"rhel-vex"}, {"distributions": None}, False, "recognised no distribution"),
    ],
)
def test_coverage(updaters: set[str] | None, members: dict[str, Any], complete: bool | None, told: str) -> None:
    """Without a finding, the names of updaters have to tell that there is data; None stands for unsupported."""
    data = ClairData(None if updaters is None else frozenset(updaters))
    if complete is None:
        with pytest.raises(UnsupportedImageError) as error:
            read(data=data, **members)
        assert told in str(error.value)
    else:
        report = read(data=data, **members)
        assert (complete, told in "".join(report.notes)) == (report.complete, True)


def _alpine(version: str, word: str) -> Distribution:
    return Distribution(did="alpine", name="Alpine Linux", version=version, pretty_name=f"Alpine Linux {word}")


@pytest.mark.parametrize(
    ("distribution", "updater"),
    [
        (Distribution(did="debian", version_id="11", version_code_name="bullseye"), "debian-bullseye-updater"),
        (Distribution(did="ubuntu", version_id="22.04", version_code_name="jammy"), "ubuntu/updater/jammy"),
        (_alpine("3.19", "v3.19"), "alpine-main-v3.19-updater"),
        (_alpine("edge", "edge"), "alpine-main-edge-updater"),
        (Distribution(did="amzn", version="2", version_id="2"), "aws-AL2-updater"),
        (Distribution(did="amzn", version="2018.03", version_id="2018.03"), "aws-AL1-updater"),
        (Distribution(did="ol", version_id="9"), "oracle-2025-updater"),
        (Distribution(did="photon", version_id="3.0"), "photon-updater-photon3"),
        (
            Distribution(did="sles", version_id="15", pretty_name="SUSE Linux Enterprise Server 15"),
            "suse-updater-suse.linux.enterprise.server.15",
        ),
    ],
)
def test_updaters_of_distributions(distribution: Distribution, updater: str) -> None:
    """The names that updaters have in Clair 4; another release's updater brings nothing."""
    source = source_of_distribution(distribution)
    assert source.is_brought_by([words_of(updater)])
    assert source.is_brought_by([words_of("alpine-main-v3.2-updater"), words_of("aws-AL2023-updater")]) is False


def test_the_updater_of_all_of_debian() -> None:
    """It may bring a release or not; a derivative of Alpine is not matched at all."""
    debian = Distribution(did="debian", version_id="9", version_code_name="stretch")
    assert source_of_distribution(debian).is_brought_by([words_of("debian/updater")]) is None
    derived = Distribution(did="alpine", name="Alpine Linux", version="3.19", pretty_name="Our Linux 3.19")
    assert source_of_distribution(derived).is_brought_by([words_of("alpine-main-v3.19-updater")]) is False


def test_the_newest_update() -> None:
    """By its date, in nanoseconds; a list of updates may be null."""
    body = b"""{"a": [{"ref": "1", "date": "2026-01-01T00:00:00.123456789Z"}], "b": null,
        "c": [{"ref": "2", "date": "2026-01-02T00:00:00+01:00"}]}"""
    data = ClairData.of(read_answer(body, UpdateOperations, "updates"))
    updated = datetime(2026, 1, 1, 23, tzinfo=UTC)
    assert (frozenset("ac"), Database(identity="2", updated=updated)) == (data.updaters, data.database)
    assert ClairData(None) == ClairData.of(None)


@pytest.mark.parametrize("name", ["vulnerabilities", "package_vulnerabilities", "packages"])
def test_a_second_list_hides_no_vulnerability(name: str) -> None:
    """A report with two members of one name is an error: the last one would count, and be empty."""
    body = json.dumps(document(row("CVE-2099-0001"))).removesuffix("}") + f', "{name}": {{}}}}'
    with pytest.raises(InvalidReportError) as caught:
        read_answer(body.encode(), VulnerabilityReport, "the report")
    assert (f"$: an object has two members {name!r}",) == caught.value.faults
