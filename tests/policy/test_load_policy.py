"""The sections gate:, severity: and suppressions: of a configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from portus_policy import CountedSeverity, GatePolicy, Policy, Suppression, Treatment, load_policy
from portus_scanners import Outcome, Settings, SettingsError, Severity, SeverityPolicy

Read = Callable[..., Policy]
SEVERITIES = "unknown, negligible, low, medium, high, critical, defcon1"


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """``read("gate: {fail_on: high}", ...)`` reads a configuration."""

    def load(text: str, **overrides: object) -> Policy:
        path = tmp_path / "config.yml"
        path.write_text(text)
        return load_policy(path, **overrides)

    return load


def faults(read: Read, text: str, **overrides: object) -> tuple[str, ...]:
    """Return what is wrong with a configuration."""
    with pytest.raises(SettingsError) as caught:
        read(text, **overrides)
    return caught.value.faults


def test_all_of_it(read: Read, tmp_path: Path) -> None:
    """Every key is read; sections of scanners need not be known, and no plugin is installed for them."""
    names = ("suppressions.yml", "vex/app.json")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f'{{"suppressions": [{{"id": "{name}", "reason": "why"}}]}}')
    policy = read("""
        security: {acme: {server: here}}
        gate:
          fail_on: {critical: 0, high: "5"}
          only_fixable: yes
          min_agreement: 2
          new_only: true
          severity: shown
          outcomes: {pending: allow, failed: fail}
          required: [clair]
          min_scanners: 1
          max_database_age: 2.5
          unknown_database_age: allow
          end_of_life: allow
        severity: {prefer: [trivy, clair]}
        suppressions: [suppressions.yml, vex/app.json]
    """)
    gate = GatePolicy(
        fail_on={Severity.CRITICAL: 0, Severity.HIGH: 5},
        only_fixable=True,
        min_agreement=2,
        new_only=True,
        severity=CountedSeverity.SHOWN,
        outcomes={Outcome.PENDING: Treatment.ALLOW, Outcome.FAILED: Treatment.FAIL},
        required=("clair",),
        min_scanners=1,
        max_database_age=2.5,
        unknown_database_age=Treatment.ALLOW,
        end_of_life=Treatment.ALLOW,
    )
    rules = tuple(
        Suppression(rule=f"{tmp_path / name}:1", ids=(name,), reason="why")
        for name in ("suppressions.yml", "vex/app.json")
    )
    assert Policy(gate=gate, severity=SeverityPolicy(prefer=("trivy", "clair")), suppressions=rules) == policy


@pytest.mark.parametrize("text", ["", "security: {}", "gate:", "severity:", "suppressions:"])
def test_without_a_policy(read: Read, text: str) -> None:
    """Sections that are left out, or have nothing behind them, ask for nothing."""
    assert Policy() == read(text)


def test_an_empty_gate_is_a_gate(read: Read) -> None:
    """``gate: {}`` asks that every scanner ends ok; a severity alone means none of it."""
    assert GatePolicy() == read("gate: {}").gate
    assert GatePolicy(fail_on=Severity.HIGH) == read("gate: {fail_on: high}").gate


def test_highest_is_a_policy(read: Read) -> None:
    """``severity: highest`` says it, though it is the default: reports are merged anew."""
    assert SeverityPolicy() == read("severity: highest").severity


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gate: high", "gate: expected a mapping such as {fail_on: high}"),
        ("gate: {fail_no: high}", "gate.fail_no: unknown key; did you mean fail_on?"),
        ("gate: {fail_on: hihg}", f"gate.fail_on['hihg']: expected one of {SEVERITIES}; did you mean high?"),
        (
            "gate: {fail_on: [high]}",
            "gate.fail_on: expected a severity, or a mapping such as {critical: 0, high: 5}",
        ),
        ("gate: {fail_on: {high: few}}", "gate.fail_on['high']: expected an integer, got a string"),
        ("gate: {outcomes: pending}", "gate.outcomes: expected a mapping such as {pending: allow}"),
        (
            "gate: {outcomes: {pending: alow}}",
            "gate.outcomes['pending']: expected one of fail, allow; did you mean allow?",
        ),
        ("gate: {required: clair}", "gate.required: expected a list, got a string"),
        ("gate: {only_fixable: 3}", "gate.only_fixable: expected true or false, got an integer"),
        (
            "gate: {only_fixable: true}",
            "gate: without fail_on no vulnerability counts: add it, or leave out only_fixable",
        ),
        (
            "gate: {outcomes: {cancelled: allow}}",
            "gate: outcomes can't have ok, which passes, or cancelled, which always fails",
        ),
        (
            "gate: {outcomes: {end_of_life: allow}}",
            "gate.outcomes: end_of_life is not an outcome: write end_of_life: allow under gate:",
        ),
        ("severity: lowest", "severity: expected highest, or a mapping such as {prefer: [trivy]}"),
        ("severity: {perfer: [a]}", "severity.perfer: unknown key; did you mean prefer?"),
        ("suppressions: a.yml", "suppressions: expected a list of files such as [suppressions.yml]"),
        ("suppressions: [3]", "suppressions: expected a list of files such as [suppressions.yml]"),
        ("gates: {}", "gates: unknown key; did you mean gate?"),
        ("gaet: {}", "gaet: unknown key; did you mean gate?"),
        ("Gate: {}", "Gate: unknown key; did you mean gate?"),
        ("severities: {}", "severities: unknown key; did you mean severity?"),
        ("suppression: []", "suppression: unknown key; did you mean suppressions?"),
        ("fail_on: high", "fail_on: belongs under gate:, where it is read"),
    ],
)
def test_faults(read: Read, text: str, expected: str) -> None:
    """Nothing that was meant is passed over: each fault is a line that says what to do."""
    assert (expected,) == faults(read, text)


@pytest.mark.parametrize("key", [one.name for one in attrs.fields(GatePolicy) if one.name != "severity"])
def test_keys_of_the_gate_at_the_top(read: Read, key: str) -> None:
    """A key of the gate beside the section does nothing there: that is a fault."""
    assert (f"{key}: belongs under gate:, where it is read",) == faults(read, f"{key}: 1")


def test_all_faults_at_once(read: Read) -> None:
    """Every section's faults are said together."""
    assert 3 == len(faults(read, "gate: {x: 1}\nseverity: lowest\nsuppressions: 3"))


def test_misspelt_sections_are_faults_of_the_settings_too() -> None:
    """A misspelt gate is an error where only the scanners are read as well."""
    with pytest.raises(SettingsError, match="did you mean gate"):
        Settings.from_mapping({"gaet": {"fail_on": "high"}})


def test_sections_of_portus_are_passed_over(read: Read) -> None:
    """None of Portus' own sections is taken for a slip."""
    keys = (
        "email gravatar delete ldap oauth jwt_expiration_time registry machine_fqdn pagination display_name signup "
        "check_ssl_usage user_permission anonymous_browsing first_user_admin background log"
    )
    assert Policy() == read("".join(f"{key}: {{}}\n" for key in keys.split()))


def test_overrides(read: Read) -> None:
    """What is given goes before the file, key by key, and may complete it."""
    policy = read(
        "gate: {only_fixable: true, min_scanners: 1}\nseverity: {prefer: [a]}",
        gate={"fail_on": {"high": "2"}, "min_scanners": 2},
        prefer=("b",),
    )
    gate = GatePolicy(fail_on={Severity.HIGH: 2}, only_fixable=True, min_scanners=2)
    assert (gate, SeverityPolicy(prefer=("b",))) == (policy.gate, policy.severity)


def test_files_of_rules_that_are_given(read: Read, tmp_path: Path) -> None:
    """They come after those of the file; without a file they are all."""
    for name in "ab":
        (tmp_path / name).write_text(f"suppressions: [{{id: {name}, reason: why}}]")
    both = read("suppressions: [b]", suppressions=[tmp_path / "a"]).suppressions
    alone = load_policy(suppressions=[str(tmp_path / "a")]).suppressions
    assert [("b",), ("a",)] == [one.ids for one in both or ()]
    assert [("a",)] == [one.ids for one in alone or ()]


def test_overrides_alone() -> None:
    """Without a file what is given makes the gate."""
    assert GatePolicy(required=("a",)) == load_policy(gate={"required": ["a"]}).gate


def test_faults_of_overrides_name_their_source(read: Read) -> None:
    """A fault of what was given names the option."""
    found = faults(read, "", gate={"fail_on": {"hihg": 0}}, sources={"fail_on": "--fail-on"})
    assert (f"--fail-on['hihg']: expected one of {SEVERITIES}; did you mean high?",) == found


def test_unknown_scanners() -> None:
    """A required or preferred scanner that is not enabled is a fault, with the nearest right name."""
    policy = Policy(gate=GatePolicy(required=("clair", "trvy")), severity=SeverityPolicy(prefer=("zyper", "trivy")))
    with pytest.raises(SettingsError) as caught:
        policy.check_scanners(["clair", "trivy"])
    assert (
        "gate.required: no enabled scanner is called 'trvy'; did you mean trivy?",
        "severity.prefer: no enabled scanner is called 'zyper'",
    ) == caught.value.faults
    assert policy.check_scanners(["clair", "trvy", "zyper", "trivy"]) is None
