"""A vulnerability database of our own that Trivy accepts (schema 2): what is vulnerable is made up."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from attrs import frozen

from .bolt import write_bolt

_LEVELS = {"UNKNOWN": 0, "LOW": 1, "MEDIUM": 2, "HIGH": 3, "CRITICAL": 4}
_SOURCES = {
    "alpine": {"ID": "alpine", "Name": "Alpine Secdb", "URL": "https://secdb.alpinelinux.org/"},
    "debian": {"ID": "debian", "Name": "Debian Security Tracker", "URL": "https://security-tracker.debian.org/"},
    "npm::": {"ID": "ghsa", "Name": "GitHub Security Advisory npm", "URL": "https://github.com/advisories"},
    "pip::": {"ID": "ghsa", "Name": "GitHub Security Advisory pip", "URL": "https://github.com/advisories"},
    "go::": {"ID": "ghsa", "Name": "GitHub Security Advisory Go", "URL": "https://github.com/advisories"},
    "maven::": {"ID": "ghsa", "Name": "GitHub Security Advisory Maven", "URL": "https://github.com/advisories"},
    "Red Hat": {"ID": "redhat", "Name": "Red Hat OVAL v2", "URL": "https://www.redhat.com/security/data/oval/v2/"},
}
_REPOSITORIES = ("rhel-8-for-x86_64-baseos-rpms", "rhel-8-for-x86_64-appstream-rpms")
"""What an image of Red Hat's Linux 8 has its packages from, where it does not say so."""
_PUBLISHED = "2025-01-01T00:00:00Z"
_MODIFIED = "2025-02-01T00:00:00.123456789Z"


@frozen(kw_only=True)
class Advisory:
    """What a platform's advisories say of one package."""

    id: str
    package: str
    """The source package, of a distribution."""
    platform: str = "debian 12"
    """``debian 12``, ``alpine 3.19``, ``Red Hat``, ``npm::GitHub Security Advisory npm``."""
    severity: str = "HIGH"
    fixed: str = ""
    """The version that fixes it; for npm also what says which versions are vulnerable."""
    status: int = 2
    """If no version fixes it: 2 affected, 5 will not be fixed."""
    vendor_id: str = ""
    """Red Hat's name for it: ``RHSA-2099:0001``."""
    title: str = ""
    references: tuple[str, ...] = ()
    cvss: Mapping[str, Mapping[str, Any]] = {}


def write_database(
    cache: Path, advisories: Iterable[Advisory], *, updated: datetime | None = None, schema: int = 2
) -> None:
    """Write a database into a cache folder.

    Args:
        cache: What ``--cache-dir`` names.
        advisories: What it knows.
        updated: When it was made; now where None. It is due for renewal ten years later.
        schema: The version that it claims to have.
    """
    folder = cache / "db"
    folder.mkdir(parents=True, exist_ok=True)
    write_bolt(folder / "trivy.db", _make_tree(advisories))
    made = updated or datetime.now(UTC)
    due = made + timedelta(days=3650 if updated is None else 1)
    times = {"NextUpdate": due, "UpdatedAt": made, "DownloadedAt": made}
    metadata = {"Version": schema, **{key: f"{time:%Y-%m-%dT%H:%M:%S}Z" for key, time in times.items()}}
    (folder / "metadata.json").write_text(json.dumps(metadata))


def _make_tree(advisories: Iterable[Advisory]) -> dict[str, Any]:
    platforms: dict[str, Any] = defaultdict(lambda: defaultdict(dict))
    sources, vulnerabilities = {}, {}
    for advisory in advisories:
        source = next(source for start, source in _SOURCES.items() if advisory.platform.startswith(start))
        sources[advisory.platform] = _dump(source)
        key = advisory.vendor_id or advisory.id
        platforms[advisory.platform][advisory.package][key] = _dump(_advisory(advisory))
        vulnerabilities[advisory.id] = _dump(_vulnerability(advisory, source["ID"]))
    repositories = {name: _dump([0]) for name in _REPOSITORIES}
    cpes = {"cpe": {"0": _dump("cpe:/o:redhat:enterprise_linux:8")}, "repository": repositories, "nvr": {}}
    return {"data-source": sources, "vulnerability": vulnerabilities, "Red Hat CPE": cpes, **platforms}


def write_java_database(cache: Path) -> None:
    """Write a database of Java archives that knows none, so that each has to say itself what it is."""
    folder = cache / "java-db"
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(folder / "trivy-java.db")) as database, database:
        database.execute("CREATE TABLE artifacts (id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT)")
        database.execute("CREATE TABLE indices (artifact_id INTEGER, version TEXT, sha1 BLOB, archive_type TEXT)")
    metadata = {"Version": 1, "NextUpdate": "2099-01-01T00:00:00Z", "UpdatedAt": _PUBLISHED, "DownloadedAt": _PUBLISHED}
    (folder / "metadata.json").write_text(json.dumps(metadata))


def _advisory(advisory: Advisory) -> dict[str, Any]:
    if advisory.platform == "Red Hat":
        cves = [{"ID": advisory.id, "Severity": _LEVELS[advisory.severity]}]
        entry = {"FixedVersion": advisory.fixed, "Affected": [0], "Cves": cves, "Status": 3 if advisory.fixed else 2}
        return {"Entries": [entry]}
    if "::" in advisory.platform:
        return {"PatchedVersions": [advisory.fixed], "VulnerableVersions": [f"<{advisory.fixed}"]}
    return {"FixedVersion": advisory.fixed} if advisory.fixed else {"Status": advisory.status}


def _vulnerability(advisory: Advisory, source: str) -> dict[str, Any]:
    return {
        "Title": advisory.title or advisory.id,
        "Description": f"Made up: {advisory.id}.",
        "Severity": advisory.severity,
        "VendorSeverity": {source: _LEVELS[advisory.severity], "nvd": _LEVELS["CRITICAL"]},
        "CVSS": advisory.cvss,
        "CweIDs": ["CWE-79"],
        "References": advisory.references,
        "PublishedDate": _PUBLISHED,
        "LastModifiedDate": _MODIFIED,
    }


def _dump(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
