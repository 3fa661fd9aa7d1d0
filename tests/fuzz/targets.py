"""What is fuzzed: each reader of bytes from outside, the errors that it documents, and good inputs to begin with."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from attrs import frozen
from portus_images import InvalidReferenceError, parse_reference
from portus_images.manifests.manifest import read_manifest
from portus_images.manifests.wire import MalformedError
from portus_images.registry.access.challenge import parse_challenges
from portus_policy import load_suppressions
from portus_policy.importing import import_suppressions
from portus_scan.delivery.stored_document import read_stored
from portus_scan_server.admission import ReviewError, read_review, write_review
from portus_scan_server.harbor.harbor_documents import RequestError, read_scan_request
from portus_scan_server.intake import EnvelopeError, read_envelope
from portus_scanner_clair.findings import make_report as report_of_clair
from portus_scanner_clair.layers import make_chain
from portus_scanner_clair.wire import read_error, read_layer, read_namespaces
from portus_scanner_clair_v4.coverage import ClairData
from portus_scanner_clair_v4.findings import make_report as report_of_clair_v4
from portus_scanner_clair_v4.wire import UpdateOperations, VulnerabilityReport, read_answer
from portus_scanner_grype.report import ScanEvidence, make_report as report_of_grype
from portus_scanner_grype.wire import read_report as read_grype
from portus_scanner_osv.sbom import read_sbom
from portus_scanner_report_file.forms import read_report as read_file
from portus_scanner_trivy.report import Circumstances, make_report as report_of_trivy
from portus_scanner_trivy.wire import Versions, read_report, read_versions
from portus_scanner_zypper_docker.findings import make_report as report_of_zypper
from portus_scanner_zypper_docker.wire import read_result
from portus_scanners import (
    Image,
    InvalidDocumentError,
    Layer,
    Outcome,
    Reference,
    ReportDocument,
    ScannerError,
    ScannerReport,
    ScannerRun,
    SettingsError,
    dump_document,
    load_document,
    load_settings,
)
from portus_scanners.backends import HttpAnswer, read_json
from portus_scanners.merge import make_image_report
from portus_scanners_testing.images import debian_image, make_index
from standins import grype_cases
from standins.exchanges import exchange, names

NOW = datetime(2026, 1, 1, tzinfo=UTC)
_CLAIR_V4 = Path(__file__).parents[1] / "plugins" / "clair_v4" / "data"
_EVENTS = Path(__file__).parents[1] / "server" / "intake" / "data"
_REGISTRY = "https://registry.example"
IMAGE = Image(
    reference=Reference.parse("registry.example/team/app:1.0"),
    digest="sha256:" + "a" * 64,
    layers=(Layer(digest="sha256:" + "b" * 64, size=1),),
)
CHAIN = make_chain(IMAGE.layers, "")
_TRIVY = {
    "SchemaVersion": 2,
    "Metadata": {"OS": {"Family": "debian", "Name": "12.1"}, "DiffIDs": ["sha256:" + "d" * 64]},
    "Results": [
        {
            "Target": "x",
            "Class": "os-pkgs",
            "Type": "debian",
            "Packages": [{"ID": "bash@5.2-1", "Name": "bash", "SrcName": "bash", "SrcVersion": "5", "SrcEpoch": 1}],
            "Vulnerabilities": [
                {
                    "VulnerabilityID": "CVE-2099-0001",
                    "PkgName": "bash",
                    "InstalledVersion": "5.2-1",
                    "FixedVersion": "5.2-2, 5.3",
                    "Severity": "HIGH",
                    "CVSS": {"nvd": {"V3Vector": "CVSS:3.1/AV:N", "V3Score": 9.8}},
                    "VendorSeverity": {"debian": 3},
                    "PublishedDate": "2025-01-01T00:00:00Z",
                }
            ],
        }
    ],
}
_SBOM = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "components": [{"type": "library", "name": "x", "version": "1", "purl": "pkg:deb/debian/x@1"}],
}
_SARIF = {
    "version": "2.1.0",
    "runs": [
        {
            "tool": {"driver": {"name": "Acme", "rules": []}},
            "results": [{"ruleId": "CVE-2099-1", "message": {"text": "x"}}],
        }
    ],
}
_YAML = b"""security:
  clair: {server: "http://c.example:6060", health_port: 6061, timeout: 900, salt: x, check_blobs: true}
  dummy: {enabled: true, script: [{image: "*", behaviour: report, findings: [{id: a, severity: High}], count: 1}]}
registries:
  registry.example:5000: {username: a, password: b, insecure: true}
"""
_REVIEW = {
    "apiVersion": "admission.k8s.io/v1",
    "kind": "AdmissionReview",
    "request": {
        "uid": "u-1",
        "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
        "operation": "UPDATE",
        "object": {"spec": {"template": {"spec": {"containers": [{"image": "a"}], "volumes": [{"name": "v"}]}}}},
        "oldObject": {"spec": {"template": {"spec": {"containers": [{"image": "b"}]}}}},
    },
}
_HARBOR = {
    "registry": {"url": _REGISTRY, "authorization": "Basic eDp5"},
    "artifact": {
        "repository": "team/app",
        "tag": "1.0",
        "digest": IMAGE.digest,
        "mime_type": "application/vnd.docker.distribution.manifest.v2+json",
    },
    "enabled_capabilities": [
        {"type": "vulnerability", "produces_mime_types": ["application/vnd.security.vulnerability.report; version=1.1"]}
    ],
}
_CSAF = {
    "document": {"csaf_version": "2.0", "category": "csaf_vex", "tracking": {"id": "x"}},
    "product_tree": {
        "full_product_names": [
            {"product_id": "p", "name": "x", "product_identification_helper": {"purl": "pkg:deb/debian/bash@5"}}
        ]
    },
    "vulnerabilities": [
        {
            "cve": "CVE-2099-0001",
            "product_status": {"known_not_affected": ["p"]},
            "flags": [{"label": "component_not_present", "product_ids": ["p"]}],
        }
    ],
}
_VEX = {
    **_SBOM,
    "components": [{"type": "library", "name": "x", "version": "1", "bom-ref": "r", "purl": "pkg:deb/debian/x@1"}],
    "vulnerabilities": [
        {"id": "CVE-2099-0001", "analysis": {"state": "not_affected", "detail": "d"}, "affects": [{"ref": "r"}]}
    ],
}
_RULES = b"""suppressions:
  - id: CVE-2099-0001
    package: bash
    image: registry.example/team/*
    until: 2099-01-01
    reason: because
"""


@frozen
class Target:
    """A reader.

    Attributes:
        read: Reads bytes.
        errors: What it may raise.
        seeds: Good inputs.
    """

    read: Callable[[bytes], object]
    errors: tuple[type[Exception], ...]
    seeds: tuple[bytes, ...]


def check(report: ScannerReport) -> None:
    """A report can be merged and written, and what is read again has the same verdict."""
    whole = report.complete
    run = ScannerRun(
        scanner="s",
        plugin="s",
        outcome=Outcome.OK if whole else Outcome.INCOMPLETE,
        error=None if whole else "why",
        report=report,
    )
    made = make_image_report(IMAGE, [run])
    again = load_document(dump_document(ReportDocument(reports=(made,), created=NOW)))
    assert made.verdict == again.reports[0].verdict


def _file(name: str, use: Callable[[Path], object]) -> Callable[[bytes], object]:
    path = Path(tempfile.mkdtemp(prefix="fuzz-"), name)

    def read(data: bytes) -> object:
        path.write_bytes(data)
        return use(path)

    return read


def _clair(data: bytes) -> None:
    read_error(data)
    check(report_of_clair(read_layer(data, CHAIN[-1].name), CHAIN))


def _zypper(data: bytes) -> None:
    for mode in ("strict", "corrected"):
        check(report_of_zypper(read_result(HttpAnswer(status=200, headers={}, body=data)), mode))


def _trivy(data: bytes) -> None:
    check(report_of_trivy(read_report(data), IMAGE, Circumstances(versions=Versions(), now=NOW)))


def _clair_v4(data: bytes) -> None:
    told = ClairData.of(read_answer(b"{}", UpdateOperations, "the updates"))
    check(report_of_clair_v4(read_answer(data, VulnerabilityReport, "the report"), IMAGE, told))


def _grype(data: bytes) -> None:
    check(report_of_grype(read_grype(data), IMAGE, ScanEvidence(has_no_data=False)))


def _review(data: bytes) -> None:
    json.dumps(write_review(read_review(data).uid, ())).encode()


def _manifest(data: bytes) -> None:
    kind, _, body = data.partition(b"\n")
    read_manifest(body, kind.decode("latin-1"), None)


def _clair_seeds() -> tuple[bytes, ...]:
    found = []
    for name in names("clair"):
        body = exchange("clair", name)["response"].get("body")
        if isinstance(body, dict) and body.get("Layer", {}).get("Features"):
            layer = {**body["Layer"], "Name": CHAIN[-1].name, "Features": body["Layer"]["Features"][:3]}
            found.append(json.dumps({"Layer": layer}).encode())
    return tuple(found)


def _clair_v4_seeds() -> tuple[bytes, ...]:
    """Reports that the real Clair gave, about the image here."""
    found = []
    for name in ("debian", "languages"):
        text = (_CLAIR_V4 / f"vulnerability-report-{name}-200.json").read_text()
        report = json.loads(text)
        for some in report["environments"].values():
            for one in some:
                one["introduced_in"] = IMAGE.layers[0].digest
        found.append(json.dumps({**report, "manifest_hash": IMAGE.digest}).encode())
    return tuple(found)


def _grype_seeds() -> tuple[bytes, ...]:
    """Reports about the image here, whose configuration nobody knows."""
    matches = (grype_cases.MATCH, grype_cases.GHSA, grype_cases.WITHOUT_SEVERITY)
    report = grype_cases.document(*matches, db=grype_cases.status())
    report["source"]["target"] = {"userInput": "x", "imageID": "", "manifestDigest": IMAGE.digest}
    return (json.dumps(report).encode(),)


def _document() -> bytes:
    run = ScannerRun(
        scanner="s",
        plugin="s",
        outcome=Outcome.OK,
        report=report_of_trivy(
            read_report(json.dumps(_TRIVY).encode()), IMAGE, Circumstances(versions=Versions(), now=NOW)
        ),
    )
    return dump_document(ReportDocument(reports=(make_image_report(IMAGE, [run]),), created=NOW)).encode()


_BUILT = debian_image({"bash": "5.2-1"})
TARGETS: dict[str, Target] = {
    "reference": Target(
        lambda data: parse_reference(data.decode("utf-8", "surrogateescape")),
        (InvalidReferenceError,),
        (b"registry.example:5000/team/app:1.0@sha256:" + b"a" * 64, b"docker-archive:a/b.tar:x:1", b"[::1]:5000/a"),
    ),
    "challenge": Target(
        lambda data: parse_challenges([data.decode("latin-1")]),
        (),
        (b'Bearer realm="https://a.example/token",service="r",scope="repository:a/b:pull", Basic realm="x"',),
    ),
    "manifest": Target(
        _manifest,
        (MalformedError,),
        (
            _BUILT.media_type.encode() + b"\n" + _BUILT.manifest,
            make_index(_BUILT).media_type.encode() + b"\n" + make_index(_BUILT).manifest,
        ),
    ),
    "clair": Target(_clair, (ScannerError,), _clair_seeds()),
    "clair namespaces": Target(read_namespaces, (ScannerError,), (b'{"Namespaces": [{"Name": "debian:12"}]}',)),
    "zypper": Target(
        _zypper,
        (ScannerError,),
        tuple(
            exchange("zypper_docker", one)["response"]["body_text"].encode()
            for one in names("zypper_docker")
            if one.startswith("images-")
        ),
    ),
    "trivy": Target(_trivy, (ScannerError,), (json.dumps(_TRIVY).encode(),)),
    "trivy versions": Target(
        read_versions, (ScannerError,), (b'{"Version": "0.76.0", "VulnerabilityDB": {"Version": 2}}',)
    ),
    "report file": Target(
        lambda data: read_file(read_json(data, "the report")),
        (ScannerError,),
        (json.dumps(_TRIVY).encode(), json.dumps(_SARIF).encode()),
    ),
    "sbom": Target(lambda data: read_sbom(read_json(data, "the SBOM")), (ScannerError,), (json.dumps(_SBOM).encode(),)),
    "document": Target(load_document, (InvalidDocumentError,), (_document(),)),
    "stored document": Target(
        lambda data: list(read_stored(io.BytesIO(data), most_kept=0).reports), (InvalidDocumentError,), (_document(),)
    ),
    "settings": Target(_file("c.yml", lambda path: load_settings(path, environ={})), (SettingsError,), (_YAML,)),
    "suppressions": Target(_file("s.yml", lambda path: load_suppressions([path])), (SettingsError,), (_RULES,)),
    "foreign rules": Target(
        _file("rules", import_suppressions),
        (SettingsError,),
        (
            json.dumps(_CSAF).encode(),
            json.dumps(_VEX).encode(),
            b"# why\nCVE-2099-0001 exp:2099-01-01\nCVE-2099-0002\n",
            b"ignore:\n  - vulnerability: CVE-2099-0001\n    package: {name: bash, type: deb}\n",
            b"generalwhitelist:\n  CVE-2099-0001: why\nimages:\n  team/app: {CVE-2099-0002: why}\n",
        ),
    ),
    "clair v4": Target(_clair_v4, (ScannerError,), _clair_v4_seeds()),
    "grype": Target(_grype, (ScannerError,), _grype_seeds()),
    "registry events": Target(
        read_envelope,
        (EnvelopeError,),
        tuple(json.dumps(json.loads(path.read_text())["body"]).encode() for path in sorted(_EVENTS.glob("*.json"))),
    ),
    "harbor request": Target(
        lambda data: read_scan_request(data, "registry.example", (_REGISTRY,)),
        (RequestError,),
        (json.dumps(_HARBOR).encode(),),
    ),
    "admission review": Target(_review, (ReviewError,), (json.dumps(_REVIEW).encode(),)),
}
