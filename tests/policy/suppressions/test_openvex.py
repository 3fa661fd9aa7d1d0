"""OpenVEX documents: what they suppress."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from policy.suppressions.documents import DIGEST, INDEX_DIGEST, TODAY, document, image, suppresses, vulnerability
from portus_policy import Suppression, apply_suppressions, load_suppressions
from portus_scanners import SettingsError

MIB = 1024 * 1024
DEB = "pkg:deb/debian/openssl@3.0.1-1?arch=amd64"
APP = f"pkg:oci/app@{DIGEST}?repository_url=registry.example%2Fteam%2Fapp&tag=1.0"


def statement(**more: Any) -> dict[str, Any]:
    """Make a statement that suppresses."""
    return {
        "vulnerability": {"name": "CVE-2024-1"},
        "products": [{"@id": DEB}],
        "status": "not_affected",
        "justification": "vulnerable_code_not_present",
        **more,
    }


def vex(*statements: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Make a document."""
    return {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://openvex.dev/docs/example/vex-1",
        "author": "Alice <alice@example.com>",
        "timestamp": "2023-01-08T18:02:03.647787998-06:00",
        "version": 1,
        "statements": list(statements),
        **more,
    }


def load(folder: Path, *documents: object) -> tuple[Suppression, ...]:
    """Write and read documents."""
    paths = [folder / f"{number}.json" for number in range(len(documents))]
    for path, one in zip(paths, documents, strict=True):
        path.write_text(one if isinstance(one, str) else json.dumps(one), encoding="utf-8")
    return load_suppressions(paths)


def faults_of(folder: Path, one: object) -> list[str]:
    """Return the faults of a document."""
    with pytest.raises(SettingsError) as caught:
        load(folder, one)
    return [fault.removeprefix(f"{folder}/0.json: ") for fault in caught.value.faults]


def test_a_statement_is_a_rule(tmp_path: Path) -> None:
    """A statement that says not_affected becomes a rule with its justification, author and place."""
    made = statement(
        vulnerability={"@id": "https://x.example", "name": "CVE-2024-1", "aliases": ["GHSA-a"]},
        impact_statement="no TLS",
        status_notes="seen",
    )
    expected = Suppression(
        rule=f"{tmp_path}/0.json $.statements[0].products[0]",
        ids=("CVE-2024-1", "GHSA-a"),
        reason="vulnerable_code_not_present: no TLS: seen",
        by="Alice <alice@example.com>",
        purls=(DEB,),
    )
    assert (expected,) == load(tmp_path, vex(made))


def test_the_form_of_version_0_0_1(tmp_path: Path) -> None:
    """Vulnerabilities, products and subcomponents may be strings, subcomponents of the statement."""
    old = statement(vulnerability="CVE-2024-1", products=[APP], subcomponents=[DEB], impact_statement="no TLS")
    [one] = load(tmp_path, vex(old, **{"@context": "https://openvex.dev/ns"}))
    assert (("CVE-2024-1",), (DEB,)) == (one.ids, one.purls)
    assert suppresses(one, vulnerability(purls=(DEB,)))


@pytest.mark.parametrize(
    ("status", "expected"), [("not_affected", 1), ("fixed", 1), ("affected", 0), ("under_investigation", 0)]
)
def test_which_statements_suppress(tmp_path: Path, status: str, expected: int) -> None:
    """Not affected and fixed suppress; affected and under investigation do not."""
    assert expected == len(load(tmp_path, vex(statement(status=status))))


@pytest.mark.parametrize(
    ("product", "reference", "expected"),
    [
        (APP, "registry.example/team/app:1.0", True),
        (APP, "registry.example/team/app:other", True),
        (APP, "registry.example/team/other:1.0", False),
        (APP.replace("a" * 64, "c" * 64), "registry.example/team/app:1.0", False),
        (APP.replace(DIGEST, INDEX_DIGEST), f"registry.example/team/app@{INDEX_DIGEST}", True),
        (f"pkg:oci/app@{DIGEST}", "registry.example/team/app", True),
        (f"pkg:oci/app@{DIGEST}", "registry.example/team/other", False),
        ("pkg:oci/app?repository_url=registry.example/team/app", "registry.example/team/app:1.0", True),
        ("pkg:oci/app?repository_url=registry.example/team", "registry.example/team/app:1.0", True),
        ("pkg:oci/app?repository_url=registry.example/team/app&tag=1.0", "registry.example/team/app:1.0", True),
        ("pkg:oci/app?repository_url=registry.example/team/app&tag=1.0", "registry.example/team/app:2.0", False),
        ("pkg:oci/alpine?repository_url=index.docker.io/library", "alpine:3.19", True),
        ("pkg:oci/app@2.0?repository_url=registry.example/team/app", "registry.example/team/app:1.0", False),
        ("pkg:oci/app@1.0?repository_url=registry.example/team/app", "registry.example/team/app:1.0", True),
        ("pkg:docker/team/app?repository_url=registry.example&tag=2.0", "registry.example/team/app:1.0", False),
        ("pkg:docker/alpine@3.19", "alpine:3.19", True),
        ("docker.io/alpine:3.19", "alpine:3.19", True),
        ("docker.io/library/alpine:3.19", "docker.io/alpine:3.19", True),
        ("pkg:oci/alpine?repository_url=docker.io/alpine&tag=3.19", "alpine:3.19", True),
        ("pkg:docker/alpine@3.18", "alpine:3.19", False),
        ("pkg:docker/team/app@1.0?repository_url=registry.example", "registry.example/team/app:1.0", True),
        ("registry.example/team/app:1.0", "registry.example/team/app:1.0", True),
        ("registry.example/team/app:1.0", "registry.example/team/app:2.0", False),
        (DEB, "registry.example/team/app:1.0", True),
        ("pkg:deb/debian/bash", "registry.example/team/app:1.0", False),
    ],
)
def test_products(tmp_path: Path, product: str, reference: str, expected: bool) -> None:
    """A product is an image, by digest and repository, a package in any image, or the reference itself."""
    [one] = load(tmp_path, vex(statement(products=[{"@id": product}])))
    assert expected == suppresses(one, vulnerability(purls=(DEB,)), of=image(reference))


def test_a_release_is_that_of_the_image_by_any_name(tmp_path: Path) -> None:
    """A statement about a package of debian-12 holds in an image of Debian 12.13, as another tool writes it."""
    product = {"@id": APP, "subcomponents": [{"@id": "pkg:deb/debian/libssl3@3.0.19-1~deb12u2?distro=debian-12"}]}
    [one] = load(tmp_path, vex(statement(products=[product])))
    purl = "pkg:deb/debian/libssl3@3.0.19-1~deb12u2?arch=amd64&distro=debian-12.13"
    found = vulnerability(package="openssl", purls=(purl,))
    assert [True, False] == [
        suppresses(one, found),
        suppresses(one, evolve(found, purls=(purl.replace("12.13", "11"),))),
    ]


def test_identifiers_come_before_the_id(tmp_path: Path) -> None:
    """Where a product has a package URL among its identifiers, that one counts."""
    product = {"@id": "https://example.com/app", "identifiers": {"purl": APP, "cpe23": "cpe:2.3:a:x"}}
    [one] = load(tmp_path, vex(statement(products=[product])))
    assert f"registry.example/team/app@{DIGEST}" == one.image


@pytest.mark.parametrize(("found", "expected"), [((DEB,), True), (("pkg:deb/debian/bash@1",), False), ((), False)])
def test_subcomponents(tmp_path: Path, found: tuple[str, ...], expected: bool) -> None:
    """With subcomponents only these packages of the image are meant."""
    product = {"@id": APP, "subcomponents": [{"@id": "pkg:deb/debian/openssl"}, {"@id": "pkg:deb/debian/zlib"}]}
    [one] = load(tmp_path, vex(statement(products=[product])))
    assert expected == suppresses(one, vulnerability(purls=found))


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"products": [{"@id": "https://example.com/app"}]}, "neither a package URL nor an image reference"),
        ({"products": [{}]}, "it names no product"),
        ({"products": [{"@id": "pkg:nonsense"}]}, "not a package URL that can be read"),
        ({"products": [{"@id": "pkg:oci/app"}]}, "neither a digest nor a repository_url"),
        ({"products": [{"@id": "pkg:oci/app?arch=arm64&repository_url=registry.example/team/app"}]}, "no digest"),
        ({"products": [{"@id": "pkg:oci/app?repository_url=**"}]}, "its image is a pattern"),
        ({"products": [{"@id": "pkg:oci/%2A?repository_url=%2A"}]}, "its image is a pattern"),
        ({"products": [{"@id": "oci:**"}]}, "its image is a pattern"),
        ({"products": [{"@id": DEB, "subcomponents": [{"@id": DEB}]}]}, "it is about a part of a package"),
        ({"products": [{"@id": APP, "subcomponents": [{"@id": "x"}]}]}, "its subcomponents have no package URL"),
        ({"status": "fixed", "products": ["pkg:deb/debian/openssl"]}, "fixed, but not in which version"),
        ({"status": "fixed", "products": ["registry.example/app@x"]}, "neither a package URL nor"),
        (
            {"status": "fixed", "products": ["pkg:oci/app?repository_url=registry.example/team/app"]},
            "fixed, but not in which version",
        ),
    ],
)
def test_what_can_not_be_matched_is_an_unused_rule(tmp_path: Path, more: dict[str, Any], why: str) -> None:
    """A product that no report has suppresses nothing, and is listed with the reason."""
    rules = load(tmp_path, vex(statement(**more)))
    marked = apply_suppressions(document(vulnerability(purls=(DEB,))), rules, today=TODAY)
    assert marked.reports[0].vulnerabilities[0].suppressed is None
    [unused] = marked.unused_rules
    assert why in unused.message


EARLY, LATE = "2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z"


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({}, {"status": "affected"}, 0),
        ({"status": "affected"}, {}, 1),
        ({"timestamp": LATE}, {"status": "affected", "timestamp": EARLY}, 1),
        ({"timestamp": EARLY}, {"status": "under_investigation", "timestamp": LATE}, 0),
        ({}, {"status": "affected", "vulnerability": "CVE-9"}, 1),
        ({}, {"status": "affected", "vulnerability": {"name": "X", "aliases": ["cve-2024-1"]}}, 0),
        ({}, {"status": "affected", "products": ["pkg:deb/debian/bash"]}, 1),
        ({}, {"status": "affected", "products": ["pkg:deb/debian/openssl"]}, 0),
        ({"products": ["pkg:deb/debian/openssl"]}, {"status": "affected"}, 0),
        ({}, {"status": "affected", "products": ["pkg:deb/debian/openssl@9"]}, 1),
        ({"products": [APP]}, {"status": "affected", "products": [APP]}, 0),
        ({"products": [APP]}, {"status": "affected", "products": [APP.replace("a" * 64, "c" * 64)]}, 1),
        ({"products": [APP]}, {"status": "affected", "products": ["registry.example/team/app:1.0"]}, 0),
        ({"products": [APP], "subcomponents": [DEB]}, {"status": "affected", "products": [APP]}, 0),
        ({"products": [APP]}, {"status": "affected", "products": [APP], "subcomponents": [DEB]}, 0),
        ({}, {"status": "affected", "products": ["https://example.com/app"]}, 1),
        ({"products": [APP]}, {"status": "affected", "products": [APP], "subcomponents": ["openssl"]}, 0),
        (
            {"products": [APP], "subcomponents": [DEB]},
            {"status": "affected", "products": [APP], "subcomponents": ["pkg:deb/debian/bash", "openssl"]},
            0,
        ),
        ({}, {"status": "affected", "products": [DEB], "subcomponents": ["openssl"]}, 0),
        (
            {"products": ["registry.example/team/app"]},
            {"status": "affected", "products": ["pkg:oci/app?arch=arm64&repository_url=registry.example/team/app"]},
            0,
        ),
    ],
    ids=range(20),
)
@pytest.mark.parametrize("together", [True, False])
def test_the_latest_statement_counts(
    tmp_path: Path, first: dict[str, Any], second: dict[str, Any], expected: int, together: bool
) -> None:
    """A later statement that may be about the same thing overrides, in one document and across documents."""
    one, other = statement(**first), statement(**second)
    documents = [vex(one, other)] if together else [vex(one), vex(other)]
    assert expected == len(load(tmp_path, *documents))


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (vex(statement(status="maybe")), "$.statements[0].status: expected one of not_affected, affected, fixed"),
        (vex(statement(), statement(justification="x")), "$.statements[1].justification: expected one of"),
        (vex(statement(justification=None)), "$.statements[0]: not_affected needs a justification or an impact"),
        (vex(statement(justification=None, impact_statement=" ")), "$.statements[0]: not_affected needs a justif"),
        (vex(statement(products=[])), "$.statements[0].products: it is empty"),
        (vex({"status": "fixed", "vulnerability": "a"}), "$.statements[0].products: missing"),
        (vex(statement(products=[{"@id": 7}])), "$.statements[0].products[0].@id: expected a string, got an integer"),
        (vex(statement(products=[7])), "$.statements[0].products[0]: expected a string or an object"),
        (vex(statement(vulnerability={})), "$.statements[0].vulnerability.name: missing"),
        (vex(statement(vulnerability=" ")), "$.statements[0].vulnerability.name: it is empty"),
        (vex(statement(vulnerability="CVE-*")), "$.statements[0].products[0]: ids: an id can't be a pattern"),
        (vex(statement(timestamp="soon")), "$.statements[0].timestamp: expected a time"),
        (vex(timestamp="soon"), "$.timestamp: expected a time"),
        (vex(statements={}), "$.statements: expected a list, got an object"),
        ({**vex(), "@context": "https://example.com"}, "$.@context: expected https://openvex.dev/ns"),
        ({**vex(), "@context": ["https://openvex.dev/ns"]}, "$.@context: expected https://openvex.dev/ns"),
        ({"@context": "https://openvex.dev/ns"}, "$.author: missing"),
        ('{"@context": "https://openvex.dev/ns", ', "it is not JSON"),
        ('{"@context": "https://openvex.dev/ns", "a": 1, "a": 2}', "it is not JSON: a key comes twice in one object"),
        ('{"@context": ' + '{"a":' * 100_000, "it is not JSON: it is nested too deeply"),
    ],
    ids=range(20),
)
def test_faults_of_documents(tmp_path: Path, one: object, expected: str) -> None:
    """Anything that is not an OpenVEX document is rejected, with the place in it."""
    faults = faults_of(tmp_path, one)
    assert any(expected in fault for fault in faults), faults
    assert all(fault.isprintable() for fault in faults)


def test_the_faults_of_a_large_document_are_bounded(tmp_path: Path) -> None:
    """After ten statements that are not valid no other is read."""
    faults = faults_of(tmp_path, vex(statements=[7] * 100_000))
    assert [f"$.statements[{number}]: expected an object, got an integer" for number in range(10)] == faults


def test_large_documents(tmp_path: Path) -> None:
    """An OpenVEX document may have 16 MiB, and every statement of it counts."""
    names = [f"CVE-2024-{number:05}" for number in range(12_000)]
    one = vex(*(statement(vulnerability=name, status_notes="why " * 30) for name in names))
    assert 2 * MIB < len(json.dumps(one)) < 16 * MIB
    assert names == [name for each in load(tmp_path, one) for name in each.ids]
    too_large = vex(statement(status_notes="why " * 5 * MIB))
    assert [f"the suppressions {tmp_path}/0.json is larger than {16 * MIB} bytes"] == faults_of(tmp_path, too_large)


def test_other_large_files(tmp_path: Path) -> None:
    """Files of our own are bounded as before, and one of another program is named, whatever its size."""
    own = "suppressions:\n" + "  - {id: CVE-1, reason: because}\n" * 40_000
    assert [f"the suppressions {tmp_path}/0.json is larger than {MIB} bytes"] == faults_of(tmp_path, own)
    (fault,) = faults_of(tmp_path, {"SchemaVersion": 2, "Results": [], "ArtifactName": "x" * 2 * MIB})
    assert "it looks like a report of Trivy" in fault


def test_a_mark_at_the_beginning_does_no_harm(tmp_path: Path) -> None:
    """A byte order mark and white space before the document are passed over."""
    assert 1 == len(load(tmp_path, "\ufeff \n" + json.dumps(vex(statement()))))


def test_our_rules_come_before_those_of_documents(tmp_path: Path) -> None:
    """Files of both kinds go together."""
    own = '{"suppressions": [{"id": "CVE-1", "reason": "a"}]}'
    assert [("CVE-2024-1",), ("CVE-1",)] == [one.ids for one in load(tmp_path, vex(statement()), own)][::-1]
