"""Reports as Trivy writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

DEBIAN = {"Family": "debian", "Name": "12.1"}
DIFF_IDS = ("sha256:" + "d" * 64,)
VERSIONS = {
    "Version": "0.76.0",
    "VulnerabilityDB": {
        "Version": 2,
        "NextUpdate": "2099-01-02T06:00:00.123456789Z",
        "UpdatedAt": "2099-01-01T06:00:00.123456789Z",
        "DownloadedAt": "2099-01-01T07:00:00Z",
    },
}


def vulnerability(ident: str = "CVE-2099-0001", package: str = "bash", **more: object) -> dict[str, Any]:
    """Return a vulnerability of one package, with all keys that Trivy may write."""
    return {
        "VulnerabilityID": ident,
        "VendorIDs": ["DSA-1-1"],
        "PkgID": f"{package}@5.2-1",
        "PkgName": package,
        "PkgIdentifier": {"PURL": f"pkg:deb/debian/{package}@5.2-1?arch=amd64", "UID": "f55780c650ee886"},
        "InstalledVersion": "5.2-1",
        "FixedVersion": "5.2-2",
        "Status": "fixed",
        "Layer": {"DiffID": DIFF_IDS[0]},
        "SeveritySource": "debian",
        "PrimaryURL": f"https://avd.example/{ident}",
        "DataSource": {"ID": "debian", "Name": "Debian Security Tracker", "URL": "https://a.example"},
        "Title": "A title",
        "Description": "A description",
        "Severity": "HIGH",
        "CweIDs": ["CWE-79"],
        "VendorSeverity": {"debian": 3, "nvd": 4},
        "CVSS": {"nvd": {"V2Vector": "AV:N/AC:L/Au:N/C:P/I:P/A:P", "V2Score": 7.5}},
        "References": ["https://b.example"],
        "PublishedDate": "2025-01-01T00:00:00Z",
        "LastModifiedDate": "2025-02-01T00:00:00.123456789Z",
        **more,
    }


def bare_vulnerability(ident: str, package: str, severity: str) -> dict[str, Any]:
    """Return a vulnerability with what no finding can do without."""
    return {"VulnerabilityID": ident, "PkgName": package, "Severity": severity}


def package(name: str = "bash", source: str = "bash", **more: object) -> dict[str, Any]:
    """Return an installed package."""
    return {
        "ID": f"{name}@5.2-1",
        "Name": name,
        "Version": "5.2",
        "Release": "1",
        "SrcName": source,
        "SrcVersion": "5.2",
        "SrcRelease": "1",
        **more,
    }


def os_result(
    *vulnerabilities: Mapping[str, Any], packages: Sequence[Mapping[str, Any]] | None = None, kind: str = "debian"
) -> dict[str, Any]:
    """Return the result for a distribution's packages; Trivy leaves out an empty list."""
    result: dict[str, Any] = {"Target": "image (debian 12.1)", "Class": "os-pkgs", "Type": kind}
    result["Packages"] = [package()] if packages is None else list(packages)
    result["Vulnerabilities"] = list(vulnerabilities)
    return {key: value for key, value in result.items() if value != []}


def report(
    *results: Mapping[str, Any], system: Mapping[str, Any] | None = DEBIAN, **metadata: object
) -> dict[str, Any]:
    """Return a whole report."""
    os = {} if system is None else {"OS": system}
    return {
        "SchemaVersion": 2,
        "Trivy": {"Version": "0.76.0"},
        "ArtifactName": "image",
        "ArtifactType": "container_image",
        "Metadata": {**os, "DiffIDs": list(DIFF_IDS), **metadata},
        **({"Results": list(results)} if results else {}),
    }
