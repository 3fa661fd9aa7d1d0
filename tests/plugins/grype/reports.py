"""Reports as Grype writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

BUILT = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
STATUS = {"schemaVersion": "v6.1.10", "from": "manual import", "built": BUILT, "path": "/cache/6", "valid": True}
"""What ``grype db status -o json`` writes."""
PROVIDERS = {name: {"captured": BUILT, "input": "xxh64:1"} for name in ("debian", "github", "nvd")}
LOG = "[0000]  INFO grype version: 0.121.3\n[0000] DEBUG gathering packages\n[0001]  INFO gathered packages time=1s\n"
DEBIAN = {"name": "debian", "version": "12", "idLike": []}


def report(*matches: object, imageID: str = "", distro: object = DEBIAN, **more: Any) -> dict[str, Any]:  # noqa: N803
    """Return a report with these matches."""
    target = {
        "userInput": "image",
        "imageID": imageID,
        "manifestDigest": "",
        "tags": [],
        "layers": [],
        "repoDigests": [],
        "architecture": "amd64",
        "os": "linux",
    }
    return {
        "matches": list(matches),
        "source": {"type": "image", "target": target},
        "distro": distro,
        "descriptor": {
            "name": "grype",
            "version": "0.121.3",
            "configuration": {"ignore": [], "exclude": [], "db": {"validate-age": True}},
            "db": {"status": STATUS, "providers": PROVIDERS},
            "timestamp": BUILT,
        },
        **more,
    }


def match(name: str, word: str, package: str = "bash", kind: str = "deb", **more: Any) -> dict[str, Any]:
    """Return a match of one vulnerability in one package."""
    return {
        "vulnerability": {
            "id": name,
            "dataSource": f"https://tracker.example/{name}",
            "namespace": "debian:distro:debian:12" if kind == "deb" else "github:language:javascript",
            "severity": word,
            "urls": [],
            "description": "It overflows.",
            "cvss": [],
            "fix": {"versions": ["5.2-2"], "state": "fixed"},
            "advisories": [],
            **more,
        },
        "relatedVulnerabilities": [],
        "matchDetails": [{"type": "exact-direct-match", "matcher": "dpkg-matcher", "searchedBy": {}, "found": {}}],
        "artifact": {
            "id": f"{package}-1",
            "name": package,
            "version": "5.2-1",
            "type": kind,
            "locations": [{"path": "/var/lib/dpkg/status", "layerID": "sha256:1"}],
            "language": "",
            "licenses": [],
            "cpes": [],
            "purl": f"pkg:{kind}/debian/{package}@5.2-1?distro=debian-12",
            "upstreams": [],
        },
    }


def packages(*types: str) -> dict[str, Any]:
    """Return a list of packages of these types, as CycloneDX, with what else Grype lists in it."""
    system = {"type": "operating-system", "name": "debian", "version": "12"}
    file = {"type": "file", "name": "/usr/bin/bash", "properties": []}
    libraries = [
        {"type": "library", "name": "a", "version": "1", "properties": [{"name": "syft:package:type", "value": one}]}
        for one in types
    ]
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [*libraries, system, file]}
