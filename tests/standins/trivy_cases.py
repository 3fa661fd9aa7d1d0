"""What Trivy's reports say of how far it has seen an image: the cases that every reader of them is held to.

The plugin that runs Trivy and the one that reads its reports from files import nothing of each other; one rule holds
in both because both run these cases.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from portus_scanners import Outcome

from .report_case import CONFIG, OTHER, ReportCase

DEBIAN = {"Family": "debian", "Name": "12.5"}
OLD = {"Family": "ubuntu", "Name": "15.04", "EOSL": True}
UNRECOGNISED = {"Family": "none", "Name": ""}
NOTHING_FOUND: dict[str, Any] = {"Class": "os-pkgs", "Type": "debian", "Packages": [{"ID": "a@1", "Name": "a"}]}
FOUND = {**NOTHING_FOUND, "Vulnerabilities": [{"VulnerabilityID": "CVE-2099-0001", "PkgName": "a"}]}
NO_PACKAGES = {"Class": "os-pkgs", "Type": "debian"}
LANGUAGE = {"Class": "lang-pkgs", "Type": "gobinary", "Packages": [{"ID": "b@1", "Name": "b"}]}


def document(results: object, system: object = DEBIAN, config: str = CONFIG) -> dict[str, Any]:
    """Return a report with these results; ``...`` leaves a member out."""
    members = {"OS": system, "ImageID": config}
    return {
        "SchemaVersion": 2,
        "Trivy": {"Version": "0.76.0"},
        "ArtifactName": "team/app:1.0",
        "ArtifactType": "container_image",
        "Metadata": {name: value for name, value in members.items() if value is not ...},
        **({} if results is ... else {"Results": results}),
    }


def modified(kind: str) -> dict[str, Any]:
    """Return a result of which everything was suppressed, as ``--show-suppressed`` writes it."""
    finding = {"VulnerabilityID": "CVE-2099-0001", "PkgName": "a", "Severity": "CRITICAL"}
    told = {"Type": kind, "Status": "ignored", "Source": ".trivyignore", "Finding": finding}
    return {**NO_PACKAGES, "ExperimentalModifiedFindings": [told]}


def _of_results() -> Iterator[tuple[str, object, Outcome, int, str]]:
    """Yield reports about a distribution that Trivy recognised."""
    yield "nothing found", [NOTHING_FOUND], Outcome.OK, 0, ""
    yield "found", [FOUND], Outcome.OK, 1, ""
    yield "found in both", [FOUND, LANGUAGE], Outcome.OK, 1, ""
    yield "only languages", [LANGUAGE], Outcome.INCOMPLETE, 0, "none of the packages of the distribution (debian 12.5)"
    yield "empty beside languages", [NO_PACKAGES, LANGUAGE], Outcome.INCOMPLETE, 0, "none of the packages of the"
    for kind in ("conda-pkg", "julia"):
        listed = f"has no advisories for packages of the type {kind}"
        yield kind, [FOUND, {**LANGUAGE, "Type": kind}], Outcome.INCOMPLETE, 1, listed
        yield f"{kind} alone", [NOTHING_FOUND, {**LANGUAGE, "Type": kind}], Outcome.INCOMPLETE, 0, listed
    yield "unknown class", [FOUND, {**LANGUAGE, "Class": "new-pkgs"}], Outcome.INCOMPLETE, 1, "new-pkgs"
    yield "suppressed", [modified("vulnerability")], Outcome.OK, 0, "left out: 1"
    for name, results in {
        "no packages": [NO_PACKAGES],
        "misconfigurations only": [{"Class": "config", "Type": "dockerfile", "Misconfigurations": [{"ID": "DS-1"}]}],
        "secrets only": [{"Class": "secret", "Secrets": [{"RuleID": "key"}]}],
        "licenses only": [{"Class": "license"}],
        "suppressed misconfiguration": [modified("misconfiguration")],
        "no results": [],
        "null results": None,
        "results left out": ...,
    }.items():
        yield name, results, Outcome.UNSUPPORTED, 0, "not known to be clean"


def _of_systems() -> Iterator[tuple[str, object, object, Outcome, str, str]]:
    """Yield reports about other distributions."""
    yield "no distribution", ..., [LANGUAGE], Outcome.INCOMPLETE, "", "recognised no distribution"
    yield "null distribution", None, [LANGUAGE], Outcome.INCOMPLETE, "", "recognised no distribution"
    yield "no release", {"Family": "debian"}, [NOTHING_FOUND], Outcome.INCOMPLETE, "", "number of this release (debian)"
    for name in ("kali-rolling", "trixie/sid"):
        told = f"number of this release (debian {name})"
        yield name, {"Family": "debian", "Name": name}, [NOTHING_FOUND], Outcome.INCOMPLETE, "", told
    for name in ("2 (Karoo)", "AMI release 2018.03"):
        yield f"amazon {name}", {"Family": "amazon", "Name": name}, [NOTHING_FOUND], Outcome.OK, "", ""
    yield "unrecognised", UNRECOGNISED, [LANGUAGE], Outcome.INCOMPLETE, "", "did not recognise"
    yield "unrecognised, with packages", UNRECOGNISED, [NOTHING_FOUND], Outcome.INCOMPLETE, "", "did not recognise"
    yield "no distribution, nothing", ..., [], Outcome.UNSUPPORTED, "", "recognised nothing"
    yield "ended", OLD, [NOTHING_FOUND], Outcome.OK, "ubuntu 15.04", ""
    yield "ended, only languages", OLD, [LANGUAGE], Outcome.INCOMPLETE, "ubuntu 15.04", "none of the packages"
    yield "ended, unrecognised", {**UNRECOGNISED, "EOSL": True}, [LANGUAGE], Outcome.INCOMPLETE, "", "did not recognise"
    yield "blank", {"Family": " ", "Name": "12"}, [NOTHING_FOUND], Outcome.INCOMPLETE, "", "did not recognise"
    yield "not ended", {**OLD, "EOSL": False}, [NOTHING_FOUND], Outcome.OK, "", ""


def _invalid() -> Iterator[tuple[str, object]]:
    yield "list", [NOTHING_FOUND]
    yield "empty", {}
    yield "old schema", {**document([NOTHING_FOUND]), "SchemaVersion": 1}
    yield "another image", document([NOTHING_FOUND], config=OTHER)
    yield "results of another type", document("none")
    yield "null vulnerabilities", document([{**NOTHING_FOUND, "Vulnerabilities": None}])
    yield "null packages", document([{**FOUND, "Packages": None}])
    found = FOUND["Vulnerabilities"]
    yield "vulnerabilities in lower case", document([{**NOTHING_FOUND, "vulnerabilities": found}])
    yield "results in lower case", {**document([NOTHING_FOUND]), "results": [FOUND]}
    yield "end of support in lower case", document([NOTHING_FOUND], {**DEBIAN, "eosl": True})
    yield "no id", document([{**NOTHING_FOUND, "Vulnerabilities": [{"PkgName": "a"}]}])
    yield "no package", document([{**NOTHING_FOUND, "Vulnerabilities": [{"VulnerabilityID": "CVE-2099-0001"}]}])


TRIVY_CASES = (
    *(
        ReportCase(name, json.dumps(document(results)), outcome, findings, told=told)
        for name, results, outcome, findings, told in _of_results()
    ),
    *(
        ReportCase(name, json.dumps(document(results, system)), outcome, end_of_life=ended, told=told)
        for name, system, results, outcome, ended, told in _of_systems()
    ),
    ReportCase("null", "null", Outcome.UNSUPPORTED),
    *(ReportCase(name, json.dumps(content), Outcome.FAILED) for name, content in _invalid()),
)
RESULTS_TWICE = json.dumps(document([FOUND]))[:-1] + ', "Results": [{"Class": "os-pkgs", "Packages": [{"ID": "a@1"}]}]}'
"""A report whose first results a reader that keeps the last of two members would lose."""
