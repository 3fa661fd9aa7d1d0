"""What Harbor is told, and what the configuration says of it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from portus_images import SettingsError
from portus_scan_server.answers import MadeWith, add_runs
from portus_scan_server.harbor import read_harbor
from portus_scan_server.harbor.harbor_documents import find_fault, write_metadata, write_report
from portus_scan_server.views import ReadReport, make_document
from portus_scan_server.views.report_work import ReportOrder
from portus_scanners import Cvss, EndOfLife, Finding, Outcome, Package, ScannerRun, Severity

from ..views.world import HOST, RULES, digest, failed, found, image, ok
from .harbors import KEY

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
OLD = EndOfLife(source="trivy", distribution="debian:8")


def stored(runs: Sequence[ScannerRun]) -> ReadReport:
    """Return what is stored of an image whose scanners have said this."""
    answers = add_runs({}, [(run, MadeWith()) for run in runs], now=NOW)
    order = ReportOrder(reference=f"{HOST}/team/app@{digest(1)}", images=((1, digest(1)),), index_id=None, rules=RULES)
    return ReadReport(order=order, now=NOW, images=((image(1), answers),), missing=())


def ended(run: ScannerRun) -> ScannerRun:
    """Return a run that says that the distribution's support has ended."""
    assert run.report is not None
    return evolve(run, report=evolve(run.report, end_of_life=OLD))


def test_there_is_a_report_only_where_all_is_known() -> None:
    """Every enabled scanner has to have ended ok; one that may be unsupported makes no image clean."""
    other = ScannerRun(scanner="trivy", plugin="trivy", outcome=Outcome.UNSUPPORTED, error="no packages")
    for runs, allowed, said in (
        ([ok("clair"), ok("trivy")], (), ""),
        ([ok("clair", *found("CVE-1")), ok("trivy")], (), ""),
        ([ok("clair", *found("CVE-1")), failed("trivy")], (), "trivy: failed: no answer"),
        ([ok("clair", *found("CVE-1"))], (), "trivy was not asked"),
        ([ok("clair", *found("CVE-1")), other], (), "trivy: unsupported: no packages"),
        ([ok("clair", *found("CVE-1")), other], (Outcome.UNSUPPORTED,), ""),
        ([ok("clair"), other], (Outcome.UNSUPPORTED,), "it is not known whether it is clean"),
        ([ok("clair"), ended(ok("trivy"))], (), "it is not known whether it is clean"),
        ([ok("clair", *found("CVE-1")), failed("trivy")], (Outcome.UNSUPPORTED, Outcome.FAILED), "trivy: failed"),
    ):
        read = stored(runs)
        fault = find_fault(read, make_document(read), allowed)
        assert (bool(said), True) == (bool(fault), fault.startswith(said)), fault


def test_severities_and_scores_are_harbor_s() -> None:
    """A severity that Harbor does not know is its highest, the score is where Harbor looks, each key is there once."""
    package = Package("bash", "5")
    cvss = (Cvss(version="3.1", score=9.8, vector="CVSS:3.1/AV:N", source="NVD"), Cvss(version="2.0", score=7.0))
    findings = [
        Finding(id=f"CVE-2020-{number}", severity=one, package=package, cvss=cvss, fixed_by=("6", "7"))
        for number, one in enumerate(Severity)
    ]
    document = make_document(stored([ok("clair", *findings), ok("trivy", *findings)]))
    report = write_report(document, {"digest": digest(1)}, "1", NOW, ["clair 2"])
    assert ("Critical", "2026-11-30T12:00:00Z", "1 (clair 2)") == (
        report["severity"],
        report["generated_at"],
        report["scanner"]["version"],
    )
    words = [one["severity"] for one in sorted(report["vulnerabilities"], key=lambda one: one["id"])]
    assert ["Unknown", "Negligible", "Low", "Medium", "High", "Critical", "Critical"] == words
    first = report["vulnerabilities"][0]
    assert {"score_v3": 9.8, "vector_v3": "CVSS:3.1/AV:N", "score_v2": 7.0, "vector_v2": ""} == first["preferred_cvss"]
    assert {"V3Score": 9.8, "V3Vector": "CVSS:3.1/AV:N"} == first["vendor_attributes"]["CVSS"]["nvd"]
    assert ("6, 7", "fixed", "defcon1") == (
        first["fix_version"],
        first["status"],
        first["vendor_attributes"]["portus"]["severity"],
    )


def test_the_oldest_date_is_told_or_none() -> None:
    """Of several scanners the oldest date of data counts; where one does not say, nobody can know which that is."""
    name = "harbor.scanner-adapter/vulnerability-database-updated-at"
    day = timedelta(days=1)
    both = write_metadata("1", {"clair": NOW, "trivy": NOW - day})["properties"]
    assert "2026-11-29T12:00:00Z" == both[name]
    assert "2026-11-30T12:00:00Z" == both["portus.scanner/clair/vulnerability-database-updated-at"]
    assert name not in write_metadata("1", {"clair": NOW, "trivy": None})["properties"]
    assert name not in write_metadata("1", {})["properties"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"key_file": ""}, "openssl rand -base64 32 > harbor.key"),
        ({"key_file": "SHORT"}, "32 bytes in base64"),
        ({"key_file": "MISSING"}, "key_file"),
        ({"timeout": "10s"}, "timeout must be a minute to a day"),
        ({"registrations": {"A b": {"host": "h.example", "access": "none"}}}, "a name has"),
        ({"registrations": {"a": {"host": "https://h", "access": "none"}}}, "write hosts as in an image's name"),
        ({"registrations": {"a": {"host": "h.example", "hosts": ["x/y"], "access": "none"}}}, "write hosts"),
        ({"registrations": {"a": {"host": "h.example", "url": "http://h/x", "access": "none"}}}, "url must be"),
        ({"registrations": {"a": {"host": "h.example"}}}, "access"),
        ({"registrations": {"a": {"host": "h.example", "access": "bearer"}}}, "give one of token"),
        ({"registrations": {"a": {"host": "h.example", "access": "basic", "token": "x" * 16}}}, "NAME:PASSWORD"),
        ({"registrations": {one: {"host": "h.example", "access": "none"} for one in "ab"}}, "have one host"),
        ({"regitrations": {}}, "did you mean registrations?"),
    ],
)
def test_a_mistake_in_the_section_is_said(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    """Each says what to write; without a key it says how to make one."""
    for name, content in (("KEY", KEY), ("SHORT", base64.b64encode(b"short").decode())):
        (tmp_path / name).write_text(f"{content}\n")
    good = {"key_file": "KEY", "registrations": {"a": {"host": "h.example", "access": "none"}}}
    section = {**good, **change}
    section["key_file"] = str(tmp_path / section["key_file"]) if section["key_file"] else ""
    with pytest.raises(SettingsError) as caught:
        read_harbor({"harbor": section}, {})
    assert said in str(caught.value)
    seat = read_harbor({"harbor": {**good, "key_file": str(tmp_path / "KEY")}}, {})
    assert seat is not None
    assert {"https://h.example"} == seat.registrations["a"].urls
    assert KEY not in repr(seat)
    assert read_harbor({}, {}) is None
