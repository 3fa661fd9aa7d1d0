"""The OSV plugin keeps the contract."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from portus_scanner_osv import OsvScanner
from portus_scanners import Severity
from portus_scanners_testing import HttpScannerContract, StandInRegistry, serving
from portus_scanners_testing.images import make_artifact
from standins.osv import StandInOsv, cyclonedx, record, spdx

OPENSSL = "pkg:deb/debian/libssl3@3.0.1-1?arch=amd64&distro=debian-12&upstream=openssl"
BASH = "pkg:deb/debian/bash@5.2-1?arch=amd64&distro=debian-12"
JINJA = "pkg:pypi/jinja2@2.4.0"


class TestOsvWithFiles(HttpScannerContract):
    """Every promise of the contract, with a stand-in of the API and SBOMs in files."""

    scanner_class = OsvScanner
    findings = {"CVE-2099-0001": Severity.HIGH, "CVE-2099-0002": Severity.LOW}
    other_findings = {"CVE-2099-0003": Severity.MEDIUM}
    severities = {
        "LOW": Severity.LOW,
        "MODERATE": Severity.MEDIUM,
        "MEDIUM": Severity.MEDIUM,
        "HIGH": Severity.HIGH,
        "CRITICAL": Severity.CRITICAL,
    }
    optional_members = frozenset({"vulns"})  # the answer for a package without any is {} (POST /v1/querybatch)

    @pytest.fixture
    def backend(self) -> Iterator[StandInOsv]:
        """A database with a record of each package."""
        osv = StandInOsv()
        osv.known["Debian:12 openssl"] = [record("CVE-2099-0001")]
        osv.known["Debian:12 bash"] = [{**record("DEBIAN-CVE-2099-0002", "LOW"), "upstream": ["CVE-2099-0002"]}]
        osv.known[JINJA] = [{**record("GHSA-aaaa-bbbb-cccc", "MODERATE"), "aliases": ["CVE-2099-0003"]}]
        with serving(osv):
            yield osv

    @pytest.fixture
    def settings(self, backend: StandInOsv, tmp_path: Path) -> Mapping[str, object]:
        """The server, and a folder with an SBOM of each image."""
        (tmp_path / "team%2Fapp.json").write_text(json.dumps(cyclonedx(OPENSSL, BASH)))
        (tmp_path / "team%2Fother.json").write_text(json.dumps(spdx(JINJA)))
        return {"server": backend.url, "sbom": f"{tmp_path}/{{repository}}.json"}


class TestOsvWithAttachedSboms(TestOsvWithFiles):
    """The same with SBOMs that are attached to the images in their registry."""

    @pytest.fixture
    def settings(self, backend: StandInOsv, registry: StandInRegistry) -> Mapping[str, object]:
        """The server; the SBOMs are in the registry."""
        app, other = json.dumps(cyclonedx(OPENSSL, BASH)).encode(), json.dumps(spdx(JINJA)).encode()
        registry.push("team/app", "", make_artifact(self.build_image(), "application/vnd.cyclonedx+json", app))
        registry.push("team/other", "", make_artifact(self.build_other_image(), "application/spdx+json", other))
        return {"server": backend.url}
