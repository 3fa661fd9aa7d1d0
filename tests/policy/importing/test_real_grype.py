"""Grype's ``ignore:`` as the real Grype reads it: what is imported suppresses nothing that Grype reports."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from policy.suppressions.documents import TODAY, document, rated, vulnerability
from portus_policy import apply_suppressions, import_suppressions
from portus_scanners import Package, Vulnerability
from portus_scanners_testing.images import debian_image, write_oci_layout
from standins.grype import Advisory, System, write_database

pytestmark = pytest.mark.real_grype

DEBIAN = System(codename="bookworm")
SOURCES = ("bash", "openssl", "openssl", "glibc", "glibc", "openssl", "openssl")
ADVISORIES = [
    Advisory(id=f"CVE-2099-000{number}", package=name, system=DEBIAN) for number, name in enumerate(SOURCES, 1)
]
PACKAGES = {"bash": "5.2-1", "openssl": "3.0.1-1", ("libssl3", "openssl"): "3.0.1-1", ("libc6", "glibc"): "2.36-9"}
RULES: list[dict[str, Any]] = [
    {"vulnerability": "CVE-2099-0001", "package": {"name": "bash", "version": "5.2-1"}},
    {"vulnerability": "CVE-2099-0002", "package": {"name": "openssl"}},
    {"vulnerability": "CVE-2099-0003", "package": {"name": "(lib|open)ssl.*"}},
    {"vulnerability": "CVE-2099-0004", "package": {"name": "libc6", "version": "2.36"}},
    {"vulnerability": "cve-2099-0005"},
    {"vulnerability": "CVE-2099-0006"},
    {"vulnerability": "CVE-2099-0007", "package": {"name": "libssl3", "type": "deb"}},
]


class RealGrype:
    """The program, with an image to look at and a database.

    Args:
        program: The program.
        folder: An empty folder.
    """

    def __init__(self, program: Path, folder: Path) -> None:
        self._command = (str(program), f"oci-dir:{folder / 'image'}", "-o", "json")
        self._folder = folder
        write_oci_layout(folder / "image", debian_image(PACKAGES, form="oci"))
        write_database(folder / "cache", ADVISORIES)

    def found(self, *options: str) -> dict[tuple[str, str], Mapping[str, Any]]:
        """Return the packages that Grype reports, by vulnerability and name."""
        off = dict.fromkeys(("GRYPE_DB_AUTO_UPDATE", "GRYPE_DB_VALIDATE_AGE", "GRYPE_CHECK_FOR_APP_UPDATE"), "false")
        environment = {**os.environ, **off, "GRYPE_DB_CACHE_DIR": str(self._folder / "cache")}
        command = (*self._command, *options)
        ended = subprocess.run(command, env=environment, cwd=self._folder, check=True, capture_output=True, timeout=60)
        matches = json.loads(ended.stdout)["matches"]
        return {(one["vulnerability"]["id"], one["artifact"]["name"]): one["artifact"] for one in matches}


def test_nothing_is_suppressed_that_grype_reports(real_grype: Path, tmp_path: Path) -> None:
    """A vulnerability of several packages is suppressed only if Grype ignores it in each of them."""
    grype = RealGrype(real_grype, tmp_path)
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump({"ignore": RULES}))
    everything, reported = grype.found(), grype.found("-c", str(path))
    assert 0 < len(reported) < len(everything)
    ids = sorted({name for name, _ in everything})
    merged = [_merge(name, [one for (other, _), one in everything.items() if other == name]) for name in ids]
    marked = apply_suppressions(document(*merged), import_suppressions(path).rules, today=TODAY)
    suppressed = {one.id for one in marked.reports[0].vulnerabilities if one.suppressed}
    assert set() == suppressed & {name for name, _ in reported}
    assert {"CVE-2099-0001", "CVE-2099-0006"} == suppressed


def _merge(name: str, found: list[Mapping[str, Any]]) -> Vulnerability:
    packages = tuple(Package(one["name"], one["version"], "debian:12") for one in found)
    sources = tuple(Package(source["name"], one["version"]) for one in found for source in one["upstreams"])
    purls = tuple(one["purl"] for one in found)
    return vulnerability(
        name, "openssl", packages=packages, source_packages=sources, purls=purls, ratings=(rated("grype", name),)
    )
