"""Reports as Trivy, Grype and writers of SARIF make them, about the image whose configuration has a digest."""

from __future__ import annotations

from typing import Any

OPENSSL = {
    "ID": "openssl@3.0.1-1",
    "Name": "openssl",
    "SrcName": "openssl-src",
    "SrcVersion": "3.0.1",
    "SrcRelease": "1",
    "SrcEpoch": 1,
}
"""A package as Trivy lists it."""


def trivy(found: dict[str, str], config: str = "", **more: Any) -> dict[str, Any]:
    """Return a report of Trivy with these vulnerabilities: severities by id."""
    items = [
        {
            "VulnerabilityID": name,
            "PkgID": "openssl@3.0.1-1",
            "PkgName": "openssl",
            "PkgIdentifier": {"PURL": "pkg:deb/debian/openssl@3.0.1-1"},
            "InstalledVersion": "3.0.1-1",
            "FixedVersion": "3.0.2-1, 3.1",
            "Status": "fixed",
            "Layer": {"Digest": "sha256:" + "1" * 64, "DiffID": "sha256:" + "2" * 64},
            "SeveritySource": "debian",
            "PrimaryURL": f"https://avd.example/{name}",
            "Title": "openssl:\n an overflow",
            "Description": "It overflows.",
            "Severity": word.upper(),
            "CweIDs": ["CWE-120"],
            "CVSS": {"nvd": {"V3Vector": "CVSS:3.1/AV:N", "V3Score": 7.5, "V2Vector": "AV:N", "V2Score": 5}},
            "References": ["https://one.example/", "ftp://two.example/"],
            "PublishedDate": "2026-01-01T00:00:00Z",
        }
        for name, word in found.items()
    ]
    return {
        "SchemaVersion": 2,
        "CreatedAt": "2026-01-02T03:04:05.123456789Z",
        "ArtifactType": "container_image",
        "Metadata": {"OS": {"Family": "debian", "Name": "12.5"}, "ImageID": config},
        "Results": [
            {
                "Target": "debian",
                "Class": "os-pkgs",
                "Type": "debian",
                "Packages": [OPENSSL],
                "Vulnerabilities": items,
            }
        ],
        "Trivy": {"Version": "0.76.0"},
        **more,
    }


def grype(found: dict[str, str], config: str = "", **more: Any) -> dict[str, Any]:
    """Return a report of Grype with these vulnerabilities: severities by id."""
    matches = [
        {
            "vulnerability": {
                "id": name,
                "dataSource": f"https://tracker.example/{name}",
                "namespace": "debian:distro:debian:12",
                "severity": word,
                "urls": ["https://one.example/"],
                "description": "It overflows.",
                "cvss": [
                    {"version": "3.1", "vector": "CVSS:3.1/AV:N", "metrics": {"baseScore": 7.5}, "vendorMetadata": {}}
                ],
                "fix": {"versions": ["3.0.2-1"], "state": "fixed"},
                "advisories": [],
            },
            "relatedVulnerabilities": [],
            "matchDetails": [{"type": "exact-direct-match"}],
            "artifact": {
                "id": "1",
                "name": "openssl",
                "version": "3.0.1-1",
                "type": "deb",
                "locations": [{"path": "/var/lib/dpkg/status"}],
                "purl": "pkg:deb/debian/openssl@3.0.1-1",
                "upstreams": [{"name": "openssl-src"}],
            },
        }
        for name, word in found.items()
    ]
    return {
        "matches": matches,
        "source": {"type": "image", "target": {"userInput": "", "imageID": config, "manifestDigest": "", "tags": []}},
        "distro": {"name": "debian", "version": "12", "idLike": []},
        "descriptor": {
            "name": "grype",
            "version": "0.100.0",
            "timestamp": "2026-01-02T03:04:05.123456789+01:00",
            "db": {"status": {"built": "2026-01-01T00:00:00Z"}},
        },
        **more,
    }


def sarif(found: dict[str, str], config: str = "", **more: Any) -> dict[str, Any]:
    """Return a SARIF log of a tool that knows nothing but levels."""
    levels = {"High": "error", "Medium": "warning", "Low": "note"}
    rules = [
        {"id": name, "shortDescription": {"text": "An overflow"}, "helpUri": "https://one.example/"} for name in found
    ]
    results = [
        {"ruleId": name, "ruleIndex": number, "level": levels[word], "message": {"text": "It overflows."}}
        for number, (name, word) in enumerate(found.items())
    ]
    run = {
        "tool": {"driver": {"name": "acme", "version": "1.2.3", "rules": rules}},
        "invocations": [{"executionSuccessful": True, "endTimeUtc": "2026-01-02T03:04:05Z"}],
        "results": results,
        "properties": {"imageID": config},
        **more,
    }
    return {"version": "2.1.0", "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "runs": [run]}
