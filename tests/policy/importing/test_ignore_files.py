"""What the ignore files and allow lists of other programs become: never wider than they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given, strategies as st
from policy.suppressions.documents import TODAY, document, image, rated, suppresses, vulnerability
from portus_policy import ImportedSuppressions, apply_suppressions, import_suppressions, load_suppressions
from portus_scanners import Package, SettingsError, Vulnerability

Import = Callable[..., ImportedSuppressions]


@pytest.fixture
def imported(tmp_path: Path) -> Import:
    """``imported(text)`` writes a file, imports it, and reads what comes of it as a user would."""

    def read(text: str, name: str = "given") -> ImportedSuppressions:
        path = tmp_path / name
        path.write_text(text)
        found = import_suppressions(path)
        ours = tmp_path / "ours.yml"
        ours.write_text(found.to_yaml())
        assert [_said(one) for one in found.rules] == [_said(one) for one in load_suppressions([ours])]
        return found

    return read


def _said(rule: object) -> list[object]:
    names = ("ids", "package", "purls", "image", "versions", "exact", "until", "by", "reason")
    return [getattr(rule, name) for name in names]


def test_a_trivy_ignore_file(imported: Import) -> None:
    """Each id is a rule with the comment above it; a date ends as it begins, so that the day before is the last."""
    found = imported(
        "# fine\nCVE-2018-1\n\nCVE-2018-2 exp:2023-01-01 # soon\nCVE-2018-3 exp:\nCVE-2018-4 exp:2023-1-1\n"
    )
    assert [("CVE-2018-1", None), ("CVE-2018-2", date(2022, 12, 31))] == [
        (one.ids[0], one.until) for one in found.rules
    ]
    assert ["given:2: fine", "given:4: soon"] == [
        one.reason.removeprefix("imported from ")[-len("given:2: fine") :] for one in found.rules
    ]
    assert ["5: CVE-2018-3", "6: CVE-2018-4"] == [
        one.split("given:")[1].rpartition(": its")[0] for one in found.left_out
    ]


@pytest.mark.parametrize("expiry", ["0001-01-01", "2023-02-30", "20230101", "2023-W01-1", "soon"])
def test_an_end_that_trivy_does_not_read(imported: Import, expiry: str) -> None:
    """An end that can't be read makes no rule without one."""
    assert () == imported(f"CVE-2018-1 exp:{expiry}").rules


def test_a_line_of_go_is_a_line(imported: Import) -> None:
    """What Python takes for an end of line, and Go does not, makes no second rule."""
    found = imported("CVE-2018-1\x0cCVE-2018-2\u2028CVE-2018-3")
    assert [("CVE-2018-1",)] == [one.ids for one in found.rules]


TRIVY_YAML = """
vulnerabilities:
  - {id: CVE-1, statement: not used}
  - {id: CVE-2, paths: [usr/lib/x]}
  - {id: CVE-3, purls: ["pkg:deb/debian/openssl"], expired_at: 2023-01-01}
  - {id: CVE-4, purls: []}
  - {id: CVE-5, purls: [1]}
  - {id: CVE-6, expired_at: 2023-01-01T12:00:00-20:00}
  - {id: CVE-7, expired_at: tomorrow}
  - {statement: nothing}
misconfigurations:
  - {id: AVD-DS-0001}
"""


def test_a_trivy_ignore_file_in_yaml(imported: Import) -> None:
    """Files in the image, an end that is not a date and what is not about vulnerabilities are left out."""
    found = imported(TRIVY_YAML)
    expected = [("CVE-1", None), ("CVE-3", date(2022, 12, 31)), ("CVE-6", date(2023, 1, 1))]
    assert expected == [(one.ids[0], one.until) for one in found.rules]
    assert ("pkg:deb/debian/openssl",) == found.rules[1].purls
    left = [re.sub(r".*given:", "", one) for one in found.left_out]
    assert [4, 6, 7, 9, 10, 11] == [int(one.partition(":")[0]) for one in left]


GRYPE = """
check-for-app-update: false
ignore:
  - vulnerability: CVE-1
  - {vulnerability: CVE-2, package: {name: openssl}}
  - {vulnerability: CVE-3, package: {name: lodash, version: "1.2", type: npm}}
  - {vulnerability: CVE-4, include-aliases: true, reason: same thing}
  - {vulnerability: CVE-5, include-aliases: true, package: {name: x}}
  - {vulnerability: CVE-6, fix-state: unknown}
  - {vulnerability: CVE-7, namespace: "debian:distro:debian:12"}
  - {vulnerability: CVE-8, package: {name: "a|b"}}
  - {vulnerability: CVE-9, package: {location: "/usr/**"}}
  - {vulnerability: CVE-10, package: {name: openssl, type: deb}}
  - {vulnerability: CVE-11, package: {version: "1.2"}}
  - fix-state: not-fixed
  - package: {name: "linux-.*"}
  - package: {type: gem}
  - vex-status: not_affected
"""


def test_grype(imported: Import) -> None:
    """A rule of which one condition can't be said is left out as a whole, and never loses it."""
    found = imported(GRYPE)
    assert [("CVE-1",), ("CVE-2",), ("CVE-3",), ("CVE-4",), ()] == [one.ids for one in found.rules]
    assert ["", "openssl", "lodash", "", "linux-*"] == [one.package for one in found.rules]
    assert [True, True, True, False, True] == [one.exact for one in found.rules]
    assert "=1.2" == found.rules[2].versions
    assert 10 == len(found.left_out)


PACKAGES = ("openssl", "libssl3", "openssl1.1", "opensslx1")
IDS = ("CVE-2024-1", "CVE-2024-2", "GHSA-a")
findings = st.tuples(st.sampled_from(IDS), st.sampled_from(PACKAGES), st.sampled_from(("1.0", "1.0-1", "2.0")))


@given(st.lists(findings, min_size=1, max_size=3), st.sampled_from((*IDS, "")), st.sampled_from(("", "1.0", "2.0")))
def test_what_a_rule_of_grype_does_not_ignore_is_not_suppressed(
    tmp_path_factory: pytest.TempPathFactory, found: list[tuple[str, str, str]], name: str, version: str
) -> None:
    """A vulnerability of several findings is suppressed only if Grype would ignore each of them."""
    for pattern in ("openssl", "openssl1.1", "openssl.*", "open.*1"):
        package = {"name": pattern, **({"version": version} if version else {})}
        entry = {**({"vulnerability": name} if name else {}), "package": package}
        path = tmp_path_factory.getbasetemp() / "grype.yaml"
        path.write_text(yaml.safe_dump({"ignore": [entry]}))
        (rule,) = import_suppressions(path).rules
        ignored = all(
            name in {"", one} and re.fullmatch(pattern, at) and version in {"", has} for one, at, has in found
        )
        assert ignored or not suppresses(rule, _merged(found))


def _merged(found: list[tuple[str, str, str]]) -> Vulnerability:
    packages = tuple(Package(name, version, "debian:12") for _, name, version in found)
    return vulnerability(
        found[0][0],
        aliases=tuple({one for one, _, _ in found}),
        packages=packages,
        source_packages=(Package("openssl", "1.0", "debian:12"),),
        ratings=tuple(rated("trivy", one) for one, _, _ in found),
    )


KLAR = """
general: [RHSA-2018:1345]
images:
  centos: [CVE-2017-1]
  fluent/fluent-bit: [CVE-2017-14062, CVE-2018-6485]
  team/app:1: [CVE-2017-2]
"""


def test_klar(imported: Import) -> None:
    """An image of Klar is the name of a repository in any registry; official images are library/NAME to it."""
    found = imported(KLAR)
    assert [
        ("RHSA-2018:1345", ""),
        ("CVE-2017-14062", "*/fluent/fluent-bit"),
        ("CVE-2018-6485", "*/fluent/fluent-bit"),
    ] == [(one.ids[0], one.image) for one in found.rules]
    assert 2 == len(found.left_out)
    one = vulnerability("CVE-2017-14062", ratings=(rated("clair", "CVE-2017-14062"),))
    images = (
        "registry.example:5000/fluent/fluent-bit:1",
        "fluent/fluent-bit",
        "r.example/x/fluent/fluent-bit",
        "r.example/fluent-bit",
    )
    assert [True, True, False, False] == [suppresses(found.rules[1], one, image(text)) for text in images]


CLAIR_SCANNER = """
generalwhitelist:
  CVE-2017-6055: XML
images:
  ubuntu: {CVE-2017-5230: XSX}
  registry.example/team/app: {CVE-2017-1: ours}
  registry.example:5000/team/app: {CVE-2017-2: ours}
  registry.example: {CVE-2017-3: ours}
"""


def test_clair_scanner(imported: Import) -> None:
    """An image of clair-scanner is what stands before the first colon; its notes are reasons."""
    found = imported(CLAIR_SCANNER)
    assert ["", "ubuntu", "registry.example/team/app"] == [one.image for one in found.rules]
    assert found.rules[0].reason.endswith("given:3: XML")
    assert 2 == len(found.left_out)


def test_claircli(imported: Import) -> None:
    """An id of claircli goes with its package, and one distribution can't be said."""
    found = imported("common:\n  CVE-2017-1: openssl\n  RHSA-2017-1: bash\ndebian:\n  CVE-2017-2: bash\n")
    assert [("CVE-2017-1", "openssl", True)] == [(one.ids[0], one.package, one.exact) for one in found.rules]
    assert 2 == len(found.left_out)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"@context": "https://openvex.dev/ns/v0.2.0", "statements": []}', "give it as it is, with --suppressions"),
        ("suppressions:\n  - {id: CVE-1, reason: x}\n", "there is .trivyignore"),
        ("suppressions:\n  - id: CVE-1\n    reason: x\n", "give it as it is, with --suppressions"),
        ("ignore:\n  - vulnerability: CVE-1\n    vulnerability: CVE-2\n", ":3: 'vulnerability' is there twice"),
        ("ignore: []\nignore: [{vulnerability: CVE-1}]\n", ":2: 'ignore' is there twice"),
        ("hello", "there is .trivyignore"),
        ("", "there is .trivyignore"),
        ("{", "it is not JSON"),
        ("ignore: [", "it is not YAML"),
        ("ignore: &a [" + "*a, " * 3 + "]", "it is"),
        ('{"SchemaVersion": 2, "Results": []}', "looks like a report of Trivy"),
    ],
)
def test_a_file_that_is_none_of_these(imported: Import, text: str, expected: str) -> None:
    """What can't be imported is rejected with what it looks like."""
    with pytest.raises(SettingsError, match=re.escape(expected)):
        imported(text)


def test_aliases_of_aliases(imported: Import) -> None:
    """A file that unfolds to millions of values is rejected, not unfolded."""
    levels = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9))
    with pytest.raises(SettingsError, match="more than 200000 values"):
        imported(f"general: &a0 [CVE-1]\n{levels}\n")


def test_too_many_rules(imported: Import) -> None:
    """A file that makes more rules than ours may have is rejected, instead of written for nobody."""
    with pytest.raises(SettingsError, match="split it"):
        imported("\n".join(f"CVE-2018-{number}" for number in range(10_001)))


def test_an_imported_rule_expires(imported: Import) -> None:
    """A rule with an end applies up to its last day, and not on the day that its source names."""
    found = imported(f"CVE-2024-1 exp:{TODAY + timedelta(days=1)}")
    one = document(vulnerability(ratings=(rated("trivy", "CVE-2024-1"),)))
    days = (TODAY, TODAY + timedelta(days=1))
    marked = [apply_suppressions(one, found.rules, today=day).reports[0].vulnerabilities[0] for day in days]
    assert [True, False] == [each.suppressed is not None for each in marked]
