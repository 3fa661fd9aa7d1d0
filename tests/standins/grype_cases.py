"""What Grype's reports say of how far it has seen an image: the cases that every reader of them is held to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from portus_scanners import Outcome

from .report_case import CONFIG, OTHER, ReportCase

MATCH = {"vulnerability": {"id": "CVE-2099-0001", "severity": "High"}, "artifact": {"name": "a", "type": "deb"}}
MATCH_OF_LANGUAGE = {"vulnerability": {"id": "GHSA-1", "severity": "Low"}, "artifact": {"name": "b", "type": "npm"}}
GHSA = {
    "vulnerability": {"id": "GHSA-rhm9-p9w5-fwm7", "severity": "High", "namespace": "github:language:python"},
    "relatedVulnerabilities": [{"id": "CVE-2020-36242", "namespace": "nvd:cpe", "severity": "Critical", "cvss": []}],
    "artifact": {"name": "cryptography", "version": "3.0", "type": "python", "purl": "pkg:pypi/cryptography@3.0"},
}
WITHOUT_SEVERITY = {
    "vulnerability": {"id": "CVE-2011-3374", "namespace": "debian:distro:debian:12", "fix": {"state": "not-fixed"}},
    "relatedVulnerabilities": [],
    "artifact": {"name": "apt", "version": "2.6.1", "type": "deb", "locations": [{"path": "/var/lib/dpkg/status"}]},
}
MADE = "2026-11-10T00:00:00Z"
UNNAMED = {"name": "", "version": "", "idLike": None}


def document(*matches: object, db: object = None, configuration: object = None, **more: object) -> dict[str, Any]:
    """Return a report with these matches; ``...`` leaves a member out."""
    members = {
        "matches": list(matches),
        "source": image(CONFIG),
        "distro": {"name": "debian", "version": "8", "idLike": []},
        "descriptor": {"name": "grype", "version": "0.120.0", "timestamp": MADE, "db": db},
        **more,
    }
    if configuration is not None:
        members["descriptor"]["configuration"] = configuration  # type: ignore[index]
    return {name: value for name, value in members.items() if value is not ...}


def image(config: str) -> dict[str, Any]:
    """Return an image as the source of a report."""
    return {"type": "image", "target": {"userInput": "team/app:1.0", "imageID": config, "manifestDigest": ""}}


def status(**more: object) -> dict[str, Any]:
    """Return the state of the database, in the form of the sixth schema."""
    return {"status": {"schemaVersion": "v6.1.0", "built": "2026-11-09T00:00:00Z", "valid": True, **more}}


def alerts(kind: str, text: str) -> dict[str, Any]:
    """Return alerts of one type about two packages."""
    return {
        "alertsByPackage": [{"package": {"name": name}, "alerts": [{"type": kind, "message": text}]} for name in "ab"]
    }


OLD = status(built="2026-10-01T00:00:00Z")
PROVIDERS = {**status(), "providers": {name: {"captured": MADE} for name in ("debian", "nvd", "rhel", "github")}}
LEAP = {"name": "opensuse-leap", "version": "15.6", "idLike": ["suse", "opensuse"]}
NAMESPACED = {"id": "CVE-2099-0001", "namespace": "leap:distro:opensuse-leap:15.6"}
OLD_FORM = {"built": "2026-11-09T00:00:00Z", "schemaVersion": 5, "location": "/db/5", "checksum": "", "error": None}


def _complete() -> Iterator[tuple[str, dict[str, Any], int, str]]:
    yield "nothing found", document(), 0, ""
    yield "found", document(MATCH), 1, ""
    yield "an alias, and no severity", document(GHSA, WITHOUT_SEVERITY, db=status()), 2, ""
    yield "ignored", document(ignoredMatches=[{**MATCH, "appliedIgnoreRules": []}]), 0, "left out: 1"
    yield "data for the distribution", document(db=PROVIDERS), 0, ""
    yield (
        "data of a distribution that is like it",
        document(db=PROVIDERS, distro={"name": "centos", "version": "7"}),
        0,
        "",
    )
    yield "data that has matched", document({**MATCH, "vulnerability": NAMESPACED}, db=PROVIDERS, distro=LEAP), 1, ""
    yield "database of the old form", document(db=OLD_FORM), 0, ""
    for name in ("redhat", "oraclelinux", "amazonlinux", "azurelinux", "almalinux", "rockylinux", "raspbian", "wolfi"):
        yield f"{name}, no providers", document(distro={"name": name, "version": "9", "idLike": ["x"]}), 0, ""
    yield "likeness of old versions, none", document(distro={"name": "debian", "version": "10", "idLike": ""}), 0, ""
    yield "no os-release", document(distro={"name": "centos", "version": "6", "idLike": ["centos"]}), 0, ""
    yield "old database that Grype has accepted", document(db=OLD, configuration={"db": {"validate-age": True}}), 0, ""


def _incomplete() -> Iterator[tuple[str, dict[str, Any], int, str]]:
    unrecognised = "recognised no distribution"
    yield "empty distribution", document(MATCH, distro=UNNAMED), 1, unrecognised
    yield "null distribution", document(MATCH, distro=None), 1, unrecognised
    yield "no distribution", document(MATCH, distro=...), 1, unrecognised
    yield "null name", document(MATCH, distro={"name": None}), 1, unrecognised
    yield "ignored only, no distribution", document(ignoredMatches=[MATCH], distro=UNNAMED), 0, unrecognised
    for kind in ("directory", "file", "sbom-file", "purl", "unknown"):
        yield kind, document(MATCH, source={"type": kind, "target": "/src"}), 1, f"but a {kind}"
    yield "no source", document(MATCH, source=None), 1, "does not say which image"
    yield "broken database", document(db=status(error="no such table")), 0, "no such table"
    yield "broken database of the old form", document(db={**OLD_FORM, "error": "checksum mismatch"}), 0, "mismatch"
    yield "database that is not valid", document(db=status(valid=False)), 0, "not valid"
    yield "old database", document(db=OLD), 0, "40 days old"
    yield "old database, age not checked", document(db=OLD, configuration={"db": {"validate-age": False}}), 0, "40 days"
    yield "files left out", document(configuration={"exclude": ["/usr/lib/**"]}), 0, "leave out some files"
    yield "distribution without matching", document(**alerts("distro-disabled", "disabled")), 0, "does not look for"
    yield (
        "distribution without data, others with",
        document(MATCH_OF_LANGUAGE, db=PROVIDERS, distro=LEAP),
        1,
        "no data for the distribution (opensuse-leap",
    )
    yield "likeness of old versions", document(MATCH, distro={"name": "", "version": "", "idLike": ""}), 1, unrecognised
    for name in ("fedora", "photon", "openeuler", "gentoo", "busybox", "archlinux", "opensuseleap"):
        yield (
            f"{name}, no providers",
            document(distro={"name": name, "version": "9"}),
            0,
            "no data for the distribution",
        )
    mint, kali = {"name": "ubuntu", "idLike": ["ubuntu", "debian"]}, {"name": "debian", "idLike": ["debian"]}
    yield "taken for another one", document(distro={**mint, "version": "21.3"}), 0, "for ubuntu 21.3, which it is only"
    yield "taken for its parent", document(db=PROVIDERS, distro={**kali, "version": "2024.1"}), 0, "only like"
    yield (
        "no release",
        document(distro={"name": "debian", "version": ""}),
        0,
        "which release of the distribution (debian)",
    )
    yield "providers left out", document(configuration={"exclude-providers": ["debian"]}), 0, "data of some providers"
    yield "alert of a new type", document(**alerts("feed-missing", "no feed for this")), 0, "no feed for this"


def _invalid() -> Iterator[tuple[str, object]]:
    yield "null matches", document(matches=None)
    yield "no matches", document(matches=...)
    yield "matches in another case", {**document(), "Matches": [MATCH]}
    yield "distribution in another case", document(distro={"name": "debian", "version": "12", "Name": ""})
    yield "providers in another case", {**document(), "descriptor": {"db": None, "DB": {"providers": {"alpine": {}}}}}
    yield "another image", document(MATCH, source=image(OTHER))
    yield "no id", document({**MATCH, "vulnerability": {"severity": "High"}})
    yield "null descriptor", document(MATCH, descriptor=None)


def _case(name: str, content: object, outcome: Outcome, findings: int = 0, told: str = "", **more: str) -> ReportCase:
    return ReportCase(name, json.dumps(content), outcome, findings, told=told, **more)


GRYPE_CASES = (
    *(_case(name, content, Outcome.OK, *more) for name, content, *more in _complete()),
    *(_case(name, content, Outcome.INCOMPLETE, *more) for name, content, *more in _incomplete()),
    *(_case(name, content, Outcome.FAILED) for name, content in _invalid()),
    _case("nothing recognised", document(distro=UNNAMED), Outcome.UNSUPPORTED, told="not known to be clean"),
    _case("ended", document(**alerts("distro-eol", "ended")), Outcome.OK, end_of_life="debian 8"),
    _case(
        "distribution without data",
        document(db=PROVIDERS, distro=LEAP),
        Outcome.UNSUPPORTED,
        told="no data for the distribution (opensuse-leap",
    ),
    ReportCase("matches twice", json.dumps(document(MATCH))[:-1] + ', "matches": []}', Outcome.FAILED),
)
