"""Ignore files as the real Trivy reads them: what is imported suppresses nothing that Trivy reports."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from policy.suppressions.documents import TODAY, document, rated, vulnerability
from portus_policy import apply_suppressions, import_suppressions
from portus_scanners import Vulnerability
from portus_scanners_testing.images.distributions import DPKG_STATUS, dpkg_status
from standins.trivy import Advisory, write_database

ADVISORIES = tuple(
    Advisory(id=f"CVE-2099-000{number}", package=package, fixed="9.0-1")
    for number, package in enumerate(("openssl", "bash", "openssl", "glibc", "bash"), 1)
)
OS_RELEASE = b'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12"\n'
PLAIN = """
CVE-2099-0001
cve-2099-0002
CVE-2099-0003 exp:2020-01-01
CVE-2099-0004 exp:2999-01-01
CVE-2099-0005 exp:soon
"""
YAML = """
vulnerabilities:
  - {id: CVE-2099-0001, purls: ["pkg:deb/debian/libssl3@3.0.1-1"]}
  - {id: CVE-2099-0002, purls: ["pkg:deb/debian/openssl"]}
  - {id: CVE-2099-0004, paths: ["nowhere/**"]}
  - {id: CVE-2099-0005, purls: ["pkg:deb/debian/bash?distro=debian-12"], expired_at: 2999-01-01}
"""

pytestmark = pytest.mark.real_trivy


@frozen
class Scanned:
    """A folder that Trivy scans, and its database."""

    program: Path
    folder: Path
    cache: Path

    def found(self, *options: str) -> dict[tuple[str, str], dict[str, Any]]:
        """Return what Trivy reports, by vulnerability and package."""
        command = (str(self.program), "rootfs", "--cache-dir", str(self.cache), "--skip-db-update", "--offline-scan")
        options = ("--scanners", "vuln", "--format", "json", "--quiet", *options)
        ended = subprocess.run((*command, *options, str(self.folder)), check=True, capture_output=True, timeout=60)
        results = json.loads(ended.stdout).get("Results", [])
        found = [one for result in results for one in result.get("Vulnerabilities", [])]
        return {(one["VulnerabilityID"], one["PkgName"]): one for one in found}


@pytest.fixture(scope="module")
def scanned(real_trivy: Path, tmp_path_factory: pytest.TempPathFactory) -> Scanned:
    """A Debian with four packages, three of them from sources of other names."""
    folder, cache = tmp_path_factory.mktemp("root"), tmp_path_factory.mktemp("cache")
    packages = {("libssl3", "openssl"): "3.0.1-1", "openssl": "3.0.1-1", "bash": "5.2-1", ("libc6", "glibc"): "2.36-9"}
    files = {"etc/os-release": OS_RELEASE, "etc/debian_version": b"12.1\n", DPKG_STATUS: dpkg_status(packages)}
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    write_database(cache, ADVISORIES)
    return Scanned(real_trivy, folder, cache)


@pytest.mark.parametrize(
    ("name", "text", "imported"),
    [(".trivyignore", PLAIN, {"CVE-2099-0001", "CVE-2099-0004"}), (".trivyignore.yaml", YAML, set())],
)
def test_nothing_is_suppressed_that_trivy_reports(
    scanned: Scanned, tmp_path: Path, name: str, text: str, imported: set[str]
) -> None:
    """A vulnerability of several packages is suppressed only if Trivy ignores it in each of them."""
    path = tmp_path / name
    path.write_text(text)
    everything, reported = scanned.found(), scanned.found("--ignorefile", str(path))
    assert 0 < len(reported) < len(everything)
    ids = sorted({one for one, _ in everything})
    merged = [_merge(name, [one for (other, _), one in everything.items() if other == name]) for name in ids]
    rules = import_suppressions(path).rules
    marked = apply_suppressions(document(*merged), rules, today=TODAY).reports[0].vulnerabilities
    suppressed = {one.id for one in marked if one.suppressed}
    assert set() == suppressed & {one for one, _ in reported}
    assert imported <= suppressed


def _merge(name: str, found: list[dict[str, Any]]) -> Vulnerability:
    parts = [
        vulnerability(name, one["PkgName"], one["InstalledVersion"], purls=(one["PkgIdentifier"]["PURL"],))
        for one in found
    ]
    packages = tuple(package for part in parts for package in part.packages)
    purls = tuple(purl for part in parts for purl in part.purls)
    ratings = (rated("trivy", name),)
    return vulnerability(name, parts[0].package.name, packages=packages, purls=purls, ratings=ratings)
