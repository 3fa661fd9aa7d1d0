"""Files of rules: what is read, and what is rejected with which line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from portus_policy import Suppression, load_suppressions
from portus_scanners import SettingsError

WHOLE = """\
suppressions:
  - id: CVE-2024-1
    package: openssl
    purl: pkg:deb/debian/openssl
    image: registry.example/team/*
    scanner: trivy
    versions: ">=1.0, <1.2"
    reason: >
      not reachable:
      no TLS here
    until: 2030-12-31
    by: alice
  - {id: [CVE-1, GHSA-a], reason: two names, until: "2030-01-01"}
"""


def _load(folder: Path, text: str | bytes, name: str = "rules.yml") -> tuple[Suppression, ...]:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_suppressions([path])


def _faults(folder: Path, text: str | bytes) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        _load(folder, text)
    return [fault.removeprefix(f"{folder}/") for fault in caught.value.faults]


def test_a_whole_rule(tmp_path: Path) -> None:
    """Every key is read, and the rule knows its line."""
    first, second = _load(tmp_path, WHOLE)
    expected = Suppression(
        rule=f"{tmp_path}/rules.yml:2",
        ids=("CVE-2024-1",),
        package="openssl",
        purls=("pkg:deb/debian/openssl",),
        image="registry.example/team/*",
        scanner="trivy",
        versions=">=1.0, <1.2",
        reason="not reachable: no TLS here",
        until=date(2030, 12, 31),
        by="alice",
    )
    assert expected == first
    assert (f"{tmp_path}/rules.yml:13", ("CVE-1", "GHSA-a"), date(2030, 1, 1)) == (
        second.rule,
        second.ids,
        second.until,
    )


def test_no_rules(tmp_path: Path) -> None:
    """A list without rules, and no file at all, make no rules."""
    assert ((), ()) == (_load(tmp_path, "suppressions: []\n"), load_suppressions([]))


def test_json_is_yaml(tmp_path: Path) -> None:
    """Our own rules may be written as JSON, whatever the file is called."""
    [one] = _load(tmp_path, '{"suppressions": [{"id": "CVE-1", "reason": "a"}]}', "rules.json")
    assert ("CVE-1",) == one.ids


def test_several_files_count_in_their_order(tmp_path: Path) -> None:
    """Rules come in the order of the files, paths given as strings too."""
    for name in ("b", "a"):
        (tmp_path / name).write_text(f"suppressions: [{{package: {name}, reason: r}}]", encoding="utf-8")
    assert ["b", "a"] == [one.package for one in load_suppressions([str(tmp_path / "b"), tmp_path / "a"])]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("  - {id: a}", ["2: reason is missing: say why"]),
        ("  - {reason: a}", ["2: it names no id, package or purl, and would suppress everything"]),
        ("  - {image: a/*, reason: a}", ["2: it names no id, package or purl, and would suppress everything"]),
        ("  - id: a\n    reason: ' '", ["3: reason: it is empty"]),
        (
            "  - id: a\n    raeson: b",
            ["3: unknown key 'raeson'; did you mean reason?", "2: reason is missing: say why"],
        ),
        ("  - id: a\n    reason: b\n    expires: 2030-01-01", ["4: unknown key 'expires'; there is id, package"]),
        ("  - id: a\n    id: b\n    reason: c", ["3: a key comes twice"]),
        ("  - {id: [a], ? [x] : y, reason: b}", ["2: unknown key ''"]),
        ("  - &a {id: a, reason: b}\n  - {<<: *a, package: p}", ["3: unknown key '<<'", "3: reason is missing"]),
        ("  - id: 7\n    reason: b", ["2: id: expected a string in quotes: '7'"]),
        ("  - id: a\n    versions: 1.0\n    reason: b", ["3: versions: expected a string in quotes: '1.0'"]),
        ("  - id: a\n    versions: '1.0'\n    reason: b", ["3: versions: '1.0' is not a range such as '<3.0.2'"]),
        (
            "  - purl: pkg:npm/a\n    versions: '<1.0.0.0'\n    reason: b",
            ["3: versions: '1.0.0.0' is not a version"],
        ),
        ("  - purl: pkg:swid/a\n    versions: '<1'\n    reason: b", ["3: versions: how versions of pkg:swid compare"]),
        ("  - id: a\n    reason: b\n    until: soon", ["4: until: expected a date such as 2030-12-31"]),
        ("  - id: a\n    reason: b\n    until: 2030-02-30", ["4: until: expected a date such as 2030-12-31"]),
        ("  - id: a\n    reason: b\n    until: 2030-01-01T10:00:00Z", ["4: until: expected a date such as"]),
        ("  - id: a\n    reason: b\n    until: 20300101", ["4: until: expected a date such as 2030-12-31"]),
        ("  - id: a\n    reason: b\n    until:", ["4: until: expected a date such as 2030-12-31"]),
        ("  - id: a\n    by: [x]\n    reason: b", ["3: by: expected a string"]),
        ("  - id: []\n    reason: b", ["2: id: it is empty"]),
        ("  - id: CVE-*\n    reason: b", ["2: id: an id can't be a pattern"]),
        ("  - package: a\n    image: '*'\n    reason: b", ["3: image: it names every image; leave it out"]),
        ("  - purl: openssl\n    reason: b", ["2: purl: 'openssl' is not a package URL such as"]),
        ("  - id: !!python/object/apply:os.system [id]\n    reason: b", ["2: id: expected a string"]),
        ("  - CVE-2024-1", ["2: expected a rule, a mapping such as", "2: reason is missing"]),
        ("  - {id: a}\n  - {id: b, reason: c}\n  - {id: d}", ["2: reason is missing", "4: reason is missing"]),
    ],
    ids=range(27),
)
def test_faults_of_rules(tmp_path: Path, rule: str, expected: list[str]) -> None:
    """Each fault of each rule is named with its line."""
    faults = _faults(tmp_path, f"suppressions:\n{rule}\n")
    assert len(expected) == len(faults)
    assert [] == [
        (part, fault) for part, fault in zip(expected, faults, strict=True) if f"rules.yml:{part}" not in fault
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "rules.yml:1: it is empty; expected a list suppressions:"),
        ("- {id: a, reason: b}", "rules.yml:1: expected a mapping with a list suppressions:"),
        ("suppression: []", "rules.yml:1: unknown key 'suppression'; did you mean suppressions?"),
        ("suppressions: []\nsuppressions: []", "rules.yml:2: a key comes twice"),
        ("suppressions: a", "rules.yml:1: suppressions: expected a list of rules"),
        ("{}", "rules.yml:1: there is no list suppressions:"),
        ("suppressions: []\n---\na: b", "rules.yml: it is not YAML (line 2, column 1)"),
        ("suppressions:\n\t- a", "rules.yml: it is not YAML (line 2, column 1)"),
        ("suppressions: [*a]", "rules.yml: it is not YAML"),
        (b"suppressions: [\x00]", "rules.yml: it is not YAML"),
        (b"\xff\xff\xff", "rules.yml: it is not YAML"),
        ("[" * 1000, "rules.yml: it is not YAML"),
        ("- " * 3000, "rules.yml: it is not YAML"),
        ("suppressions: " + "[" * 300 + "]" * 300, "rules.yml:1: expected a rule"),
        ("#" * (1024 * 1024 + 1), "rules.yml is larger than 1048576 bytes"),
        ("suppressions: [" + "a," * 10_001 + "]", "rules.yml:1: suppressions: more than 10000 rules"),
    ],
    ids=range(16),
)
def test_hostile_files(tmp_path: Path, text: str | bytes, expected: str) -> None:
    """Anything that is not a file of rules is an error of one line."""
    fault = _faults(tmp_path, text)[0]
    assert expected in fault.replace("the suppressions ", "").replace(f"{tmp_path}/", "")
    assert fault.isprintable()


def test_a_bomb_of_anchors(tmp_path: Path) -> None:
    """Aliases of aliases are not unfolded."""
    levels = "".join(f"    &l{n} [{', '.join([f'*l{n - 1}'] * 9)}],\n" for n in range(1, 30))
    assert "1: expected a rule" in _faults(tmp_path, f"suppressions: [\n    &l0 [a],\n{levels}]")[0].replace(
        ":2:", ":1:"
    )


def test_more_faults_than_anybody_reads(tmp_path: Path) -> None:
    """Of many faults the first are named, and the number of the others."""
    faults = _faults(tmp_path, "suppressions:\n" + "  - {id: a}\n" * 100)
    assert (21, "and 80 more") == (len(faults), faults[-1])


def test_faults_of_all_files(tmp_path: Path) -> None:
    """Files are all read before the faults are raised, a missing one too."""
    (tmp_path / "a").write_text("suppressions: a", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_suppressions([tmp_path / "none", tmp_path / "a", tmp_path / "b\0"])
    expected = [
        f"the suppressions {tmp_path}/none can't be read: No such file or directory",
        f"{tmp_path}/a:1: suppressions: expected a list of rules",
        f"the suppressions {tmp_path}/b can't be read: no file has such a name",
    ]
    assert expected == list(caught.value.faults)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(st.sampled_from("suppressions: -{}[]&*!\n\t\0\"'idreason@context"), max_size=60) | st.binary(max_size=30)
)
def test_any_file_is_read_or_rejected(tmp_path: Path, text: str | bytes) -> None:
    """A file is read, or raises SettingsError and nothing else."""
    faults: tuple[str, ...] = ()
    try:
        _load(tmp_path, text)
    except SettingsError as error:
        faults = error.faults
    assert all(fault.isprintable() for fault in faults)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("# accepted\nCVE-2024-1234\n", "a Trivy ignore file (.trivyignore)"),
        ("ignore:\n  - vulnerability: CVE-2024-1234\n", "a configuration of Grype (.grype.yaml)"),
        ('{"SchemaVersion": 2, "Results": []}', "a report of Trivy"),
        ('{"schema_version": 1, "reports": []}', "a report of portus-scan"),
    ],
)
def test_a_file_of_another_kind_is_named(tmp_path: Path, text: str, words: str) -> None:
    """What it looks like stands in place of its faults, with the forms that are read."""
    (fault,) = _faults(tmp_path, text)
    assert fault.startswith(f"rules.yml: it looks like {words}; suppressions are a YAML file")


def test_our_own_rules_keep_their_faults(tmp_path: Path) -> None:
    """A file that looks like suppressions, and is not valid, says what is wrong in which line."""
    assert ["rules.yml:2"] == [
        fault.partition(": ")[0] for fault in _faults(tmp_path, "suppressions:\n  - id: CVE-1\n")
    ]
