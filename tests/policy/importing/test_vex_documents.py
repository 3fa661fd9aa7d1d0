"""What CSAF and CycloneDX documents become: what they say does no harm, where a rule can say it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from portus_policy import ImportedSuppressions, import_suppressions
from portus_scanners import SettingsError

APP = f"pkg:oci/app@sha256:{'a' * 64}?repository_url=registry.example/team/app"
IMAGE = f"registry.example/team/app@sha256:{'a' * 64}"
LIB = "pkg:deb/debian/openssl@3.0.1-1"


def imported(tmp_path: Path, document: dict[str, Any]) -> ImportedSuppressions:
    """Import a document."""
    path = tmp_path / "given.json"
    path.write_text(json.dumps(document))
    return import_suppressions(path)


def product(name: str, purl: str = "") -> dict[str, Any]:
    """Make a product of a product tree."""
    helper = {"product_identification_helper": {"purl": purl}} if purl else {}
    return {"name": name, "product_id": name, **helper}


def relationship(name: str, part: str, whole: str) -> dict[str, Any]:
    """Make a product that is a part of another one."""
    return {
        "category": "default_component_of",
        "full_product_name": {"name": name, "product_id": name},
        "product_reference": part,
        "relates_to_product_reference": whole,
    }


TREE = {
    "full_product_names": [
        product("app", APP),
        product("lib", LIB),
        product("rhel"),
        product("any", "pkg:deb/debian/openssl"),
    ],
    "branches": [
        {
            "category": "vendor",
            "branches": [
                {"category": "product_version_range", "product": product("old", "pkg:npm/lodash")},
                {"category": "product_version", "product": product("one", "pkg:npm/lodash@1.2")},
                {"category": "architecture", "product": product("arm", "pkg:deb/debian/bash@1")},
            ],
        }
    ],
    "relationships": [
        relationship("lib in app", "lib", "app"),
        relationship("lib in rhel", "lib", "rhel"),
        relationship("lib in app in rhel", "lib in app", "rhel"),
    ],
}


def csaf(**status: list[str]) -> dict[str, Any]:
    """Make a document about one vulnerability."""
    ids = [name for names in status.values() for name in names]
    flags = [{"label": "vulnerable_code_not_present", "product_ids": ids}]
    return {
        "document": {
            "csaf_version": "2.0",
            "publisher": {"name": "acme"},
            "tracking": {"current_release_date": "2026-01-01T00:00:00Z"},
        },
        "product_tree": TREE,
        "vulnerabilities": [{"cve": "CVE-1", "product_status": status, "flags": flags}],
    }


@pytest.mark.parametrize(
    ("name", "status", "expected"),
    [
        ("app", "known_not_affected", [(IMAGE, ())]),
        ("lib", "known_not_affected", [("", (LIB,))]),
        ("lib", "fixed", [("", (LIB,))]),
        ("any", "known_not_affected", [("", ("pkg:deb/debian/openssl",))]),
        ("any", "fixed", []),
        ("one", "fixed", [("", ("pkg:npm/lodash@1.2",))]),
        ("lib in app", "known_not_affected", [(IMAGE, (LIB,))]),
        ("lib in rhel", "known_not_affected", []),
        ("lib in app in rhel", "known_not_affected", []),
        ("rhel", "known_not_affected", []),
        ("old", "known_not_affected", []),
        ("arm", "known_not_affected", []),
        ("nowhere", "known_not_affected", []),
        ("lib", "under_investigation", []),
        ("lib", "known_affected", []),
        ("lib", "recommended", []),
    ],
)
def test_csaf(tmp_path: Path, name: str, status: str, expected: list[object]) -> None:
    """A product is what its package URL says, in the whole that it is a part of; anything less clear makes no rule."""
    found = imported(tmp_path, csaf(**{status: [name]}))
    assert expected == [(one.image, one.purls) for one in found.rules]
    assert bool(found.left_out) == (not expected and status != "recommended")


@pytest.mark.parametrize(
    ("harmful", "kept"), [("lib", False), ("any", False), ("lib in app", False), ("lib in rhel", False), ("one", True)]
)
def test_what_a_document_says_elsewhere(tmp_path: Path, harmful: str, kept: bool) -> None:
    """What a document calls harmless, and maybe harmful in the same, a wider or a narrower place, stays."""
    found = imported(tmp_path, csaf(known_not_affected=["lib"], under_investigation=[harmful]))
    assert kept == bool(found.rules)
    assert any("under investigation" in line for line in found.left_out)


def test_csaf_without_a_reason(tmp_path: Path) -> None:
    """Not affected, and not why, makes no rule, as in OpenVEX."""
    document = csaf(known_not_affected=["lib"])
    document["vulnerabilities"][0]["flags"] = []
    assert () == imported(tmp_path, document).rules


def test_csaf_says_who_and_why(tmp_path: Path) -> None:
    """The reason has the place, the flags and the impact, of the product's group too; the publisher has decided."""
    document = csaf(known_not_affected=["lib"])
    document["product_tree"] = {**TREE, "product_groups": [{"group_id": "g", "product_ids": ["lib"]}]}
    document["vulnerabilities"][0]["threats"] = [{"category": "impact", "details": "not built in", "group_ids": ["g"]}]
    (rule,) = imported(tmp_path, document).rules
    assert rule.reason.endswith("known_not_affected: vulnerable_code_not_present: not built in")
    assert "acme" == rule.by


def bom(
    state: str = "not_affected", ref: str = "lib", subject: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """Make a CycloneDX document about one vulnerability."""
    analysis = {"state": state, "detail": "not called"} if state else {}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
        "metadata": {"component": subject} if subject else {},
        "components": [
            {"bom-ref": "lib", "purl": "pkg:deb/debian/openssl", "version": "3.0.1-1"},
            {"bom-ref": "nameless", "name": "openssl"},
            {"bom-ref": "twice", "purl": "pkg:deb/debian/bash@1"},
            {"bom-ref": "twice", "purl": "pkg:deb/debian/bash@2"},
        ],
        "vulnerabilities": [{"id": "CVE-1", "analysis": analysis, "affects": [{"ref": ref, **more}]}],
    }


CONTAINER = {"bom-ref": "app", "type": "container", "purl": APP}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (bom(), [("", (LIB,))]),
        (bom(subject=CONTAINER), [(IMAGE, (LIB,))]),
        (bom(ref="app", subject=CONTAINER), [(IMAGE, ())]),
        (bom(subject={"bom-ref": "x", "type": "application", "purl": "pkg:npm/shop@1"}), []),
        (bom(subject={"bom-ref": "x", "type": "application", "name": "shop"}), []),
        (bom(subject={"type": "container", "name": "shop"}), []),
        (bom(subject={"type": "container", "name": "r.example/shop", "version": "1"}), [("r.example/shop:1", (LIB,))]),
        (bom("false_positive"), [("", (LIB,))]),
        (bom("resolved"), [("", (LIB,))]),
        (bom("in_triage"), []),
        (bom("exploitable"), []),
        (bom(""), []),
        (bom(ref="nameless"), []),
        (bom(ref="twice"), []),
        (bom(ref="nowhere"), []),
        (bom(versions=[{"version": "3.0.1-1", "status": "unaffected"}]), []),
        (bom(ref="urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#lib"), [("", (LIB,))]),
        (bom(ref="urn:cdx:11111111-395b-41f5-a30f-a58921a69b79/1#lib"), []),
    ],
)
def test_cyclonedx(tmp_path: Path, document: dict[str, Any], expected: list[object]) -> None:
    """A component holds in what the document describes; triage, ranges and other documents make no rule."""
    found = imported(tmp_path, document)
    assert expected == [(one.image, one.purls) for one in found.rules]
    assert bool(expected) != bool(found.left_out)


def test_cyclonedx_that_contradicts_itself(tmp_path: Path) -> None:
    """Of two analyses of equal age about one component, the harmful one counts."""
    document = bom()
    document["vulnerabilities"] += bom("exploitable")["vulnerabilities"]
    assert () == imported(tmp_path, document).rules


@pytest.mark.parametrize("document", [bom(), csaf(known_not_affected=["lib"])])
def test_a_member_that_is_there_twice(tmp_path: Path, document: dict[str, Any]) -> None:
    """Which of the two counts, nobody can say: nothing is imported."""
    path = tmp_path / "vex.json"
    path.write_text(json.dumps(document)[:-1] + ', "vulnerabilities": []}')
    with pytest.raises(SettingsError, match="has two members 'vulnerabilities'"):
        import_suppressions(path)


@pytest.mark.parametrize("value", [None, 1, "x", [], {}, [None], {"a": []}])
@pytest.mark.parametrize("key", ["vulnerabilities", "components", "metadata", "product_tree", "document"])
def test_documents_of_another_shape(tmp_path: Path, key: str, value: object) -> None:
    """A member of another type makes no rule and no traceback."""
    for document in (bom(), csaf(known_not_affected=["lib"])):
        if key == "document" and "document" in document:
            continue
        assert len(imported(tmp_path, {**document, key: value}).rules) <= 1
