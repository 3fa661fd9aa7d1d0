"""What Clair v4's updaters bring, as the real one imports it offline; images that it can read.

Source: quay/claircore 1.5.48, ``libvuln/jsonblob``, and what was seen on the wire.
"""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import frozen
from portus_scanners_testing.images import debian_layer, layer

from ..installed import ubi_files

UBI_MANIFEST = "root/buildinfo/content_manifests/ubi8-container-8.9-1.json"
"""The file by which Clair knows the repositories of a UBI; without it none of its packages is matched."""
_REPOSITORY = "rhel-8-for-x86_64-baseos-rpms"
REPOSITORY_CPES = {"data": {_REPOSITORY: {"cpes": ["cpe:/o:redhat:enterprise_linux:8::baseos"]}}}
"""What Clair downloads from Red Hat, unless it is given a file."""


def _distribution(did: str, name: str, version: str, version_id: str, codename: str, pretty: str) -> dict[str, str]:
    members = {"did": did, "name": name, "version": version, "version_code_name": codename, "version_id": version_id}
    return {"id": "", **members, "arch": "", "cpe": "", "pretty_name": pretty}


DEBIAN = _distribution(
    "debian", "Debian GNU/Linux", "12 (bookworm)", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)"
)
ALPINE = _distribution("alpine", "Alpine Linux", "", "3.19", "", "Alpine Linux v3.19")
NO_DISTRIBUTION = _distribution("", "", "", "", "", "")
REDHAT = {"name": "cpe:/o:redhat:enterprise_linux:8::baseos", "key": "rhel-cpe-repository", "cpe": ""}
PYPI = {"name": "pypi", "uri": "https://pypi.org/", "cpe": ""}
GO = {"name": "go", "uri": "https://pkg.go.dev/", "cpe": ""}
MAVEN = {"name": "maven", "uri": "https://repo1.maven.apache.org/maven2", "cpe": ""}


@frozen(kw_only=True)
class Advisory:
    """One row of an updater's.

    Attributes:
        updater: Its name: ``debian/updater``.
        name: What the vulnerability is called.
        package: The package; of a distribution with source packages, that.
        fixed: As `Vulnerability.fixed_in_version` of the wire models.
        severity: Clair's word.
        word: The vendor's word, or a CVSS vector.
        links: URLs, separated by blanks.
        distribution: For a distribution that is matched by itself.
        repository: For Red Hat and languages.
        below: For Go: the first three numbers of the version that is fixed.
        arches: For Red Hat.
        issued: RFC 3339.
    """

    updater: str
    name: str
    package: str
    fixed: str = ""
    severity: str = "High"
    word: str = ""
    links: str = ""
    distribution: Mapping[str, str] | None = None
    repository: Mapping[str, str] | None = None
    below: tuple[int, int, int] | None = None
    arches: str = ""
    issued: str = "2026-01-02T00:00:00Z"

    def row(self, key: str = "") -> dict[str, Any]:
        """Return the vulnerability as Clair writes it, under its id."""
        kind = "source" if self.distribution else "binary"
        arch = {"arch": self.arches} if self.arches else {}
        package = {"id": "", "name": self.package, "version": "", "kind": kind, "normalized_version": "", **arch}
        return {
            "id": key,
            "updater": self.updater,
            "name": self.name,
            "description": f"Made up: {self.name}.",
            "issued": self.issued,
            "links": self.links,
            "severity": self.word,
            "normalized_severity": self.severity,
            "package": {**package, "cpe": ""},
            "distribution": self.distribution or NO_DISTRIBUTION,
            "repository": self.repository or {"cpe": ""},
            "fixed_in_version": self.fixed,
            **({"arch_op": "pattern match"} if self.arches else {}),
        }


def rating(score: float, vector: str, version: str = "3.1") -> dict[str, object]:
    """Return what the enricher ``clair.cvss`` adds to the vulnerabilities of one CVE."""
    return {"version": version, "vectorString": vector, "baseScore": score, "baseSeverity": "CRITICAL"}


def write_updates(advisories: Iterable[Advisory], ratings: Mapping[str, object]) -> str:
    """Return the file that ``clairctl import-updaters`` reads: advisories, and CVSS ratings by their CVE."""
    by_updater: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in advisories:
        by_updater[one.updater].append({"Vuln": one.row(), "Kind": "vulnerability"})
    for cve, value in ratings.items():
        record = {"Tags": [cve], "Enrichment": value}
        by_updater["clair.cvss"].append({"Enrichment": record, "Kind": "enrichment"})
    return "".join(_lines(by_updater))


def _lines(by_updater: Mapping[str, Iterable[dict[str, Any]]]) -> Iterator[str]:
    for updater, entries in by_updater.items():
        ref = str(uuid.uuid4())
        date = datetime.now(UTC).isoformat()
        for entry in entries:
            yield json.dumps({"Updater": updater, "Fingerprint": ref, "Date": date, "Ref": ref, **entry}) + "\n"


def debian_files(*packages: str) -> dict[str, bytes]:
    """Return the files that Clair wants to see beside dpkg's status, for `debian_layer`."""
    return {f"var/lib/dpkg/info/{name}.list": b"/.\n" for name in packages or ("base-files",)}


def readable_debian(packages: Mapping[Any, str], version: str = "12") -> Any:
    """Return a base layer of Debian whose packages Clair reads."""
    return debian_layer(packages, version=version, extra=debian_files())


def ubi_with_manifest(packages: Mapping[tuple[str, str], str]) -> Any:
    """Return the layer of a UBI whose repository is known to Clair."""
    manifest = json.dumps({"metadata": {"image_layer_index": 0}, "content_sets": [_REPOSITORY]})
    return layer({**ubi_files(packages), UBI_MANIFEST: manifest.encode()})
