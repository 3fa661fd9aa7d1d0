"""The gate of ``portus-scan image``: options, exit codes, what is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result
from portus_policy import GateResult, GateViolation
from portus_scan.exits import ExitCode, judge_document
from portus_scan.formats.words import gate_lines, violation_words
from portus_scanners import (
    EndOfLife,
    Outcome,
    ReportDocument,
    ScannerReport,
    ScannerRun,
    dump_document,
    make_image_report,
)

from .documents import UNRESOLVED, make_document, make_image, make_report, make_run

APP = "registry.example/team/app:1.0"
MISSING = "registry.example/missing:1"
EMPTY = {"behaviour": "empty"}
FAILS = {"behaviour": "failed"}
SCRIPT: dict[str, Any] = {"findings": [{"id": "CVE-2024-0001", "severity": "High", "package": "a"}]}

Run = Callable[..., Result]
Config = Callable[..., str]


@pytest.fixture
def with_policies(config: Config) -> Callable[..., str]:
    """``with_policies({"gate": {...}}, script, ...)`` writes a configuration with these sections."""

    def write(sections: dict[str, Any], *script: dict[str, Any], **instances: list[dict[str, Any]]) -> str:
        path = Path(config(*script, **instances))
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | sections))
        return str(path)

    return write


def test_without_a_policy(run: Run, config: Config) -> None:
    """Without a policy there is no gate, whatever is found."""
    result = run("image", APP, "--config", config(SCRIPT), "-o", "json")
    assert (0, "", None) == (result.exit_code, result.stderr, json.loads(result.stdout)["gate"])


def test_a_policy_that_nobody_asks_for_is_not_imported() -> None:
    """Without a policy none of its modules is imported: neither suppressions nor the gate nor the diff."""
    program = (
        "import sys; from portus_scan.command import command\n"
        f"try: command.main(['image', {APP!r}], prog_name='portus-scan')\n"
        "except SystemExit: pass\n"
        "print(*sorted(name for name in sys.modules if name.startswith('portus_policy.')))\n"
    )
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PORTUS_")}
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=50, env=environ
    )
    assert "" == ended.stdout.splitlines()[-1]


def test_fail_on(run: Run, config: Config) -> None:
    """A vulnerability of the severity is 1; stderr says which rule failed and by what, and the JSON has it."""
    result = run("image", APP, "--config", config(SCRIPT), "-o", "json", "--fail-on", "high")
    message = "1 vulnerability of severity high or above, 0 are allowed"
    line = f"portus-scan: gate: {APP}: fail_on: {message}: CVE-2024-0001\n"
    assert (1, line) == (result.exit_code, result.stderr)
    (violation,) = json.loads(result.stdout)["gate"]["violations"]
    assert ("fail_on", message) == (violation["rule"], violation["message"])


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--fail-on", "critical"], 0),
        (["--fail-on", "critical=0,high=1"], 0),
        (["--fail-on", "critical=0, HIGH=0"], 1),
        (["--fail-on", "high", "--only-fixable"], 0),
        (["--min-scanners", "2"], 1),
        (["--max-database-age", "7"], 1),
    ],
)
def test_options(run: Run, config: Config, options: list[str], code: int) -> None:
    """Each option does what it says, alone."""
    assert code == run("image", APP, "--config", config(SCRIPT), *options).exit_code


def test_options_go_before_the_file(run: Run, with_policies: Callable[..., str]) -> None:
    """Keys that are given as options go before those of the file, the others stay."""
    script = with_policies({"gate": {"fail_on": "high", "only_fixable": True}}, SCRIPT)
    assert 0 == run("image", APP, "--config", script).exit_code
    assert 1 == run("image", APP, "--config", script, "--no-only-fixable").exit_code


def test_an_allowed_outcome_is_not_3(run: Run, config: Config) -> None:
    """A scanner that did not end ok fails the gate; where its outcome is allowed the code is 0."""
    script = config(EMPTY, other=[FAILS])
    assert 3 == run("image", APP, "--config", script).exit_code
    assert 1 == run("image", APP, "--config", script, "--fail-on", "high").exit_code
    assert 0 == run("image", APP, "--config", script, "--fail-on", "high", "--allow", "failed").exit_code
    required = ("--allow", "failed", "--require", "other")
    assert 1 == run("image", APP, "--config", script, *required).exit_code


def test_an_ended_support(run: Run, with_policies: Callable[..., str], tmp_path: Path) -> None:
    """A stored report of a distribution whose support has ended fails each gate, unless file or option allow it."""
    says = ScannerReport(end_of_life=EndOfLife(source="Trivy 0.76.0", distribution="ubuntu 15.04"))
    ok = ScannerRun(scanner="trivy", plugin="trivy", outcome=Outcome.OK, report=says)
    stored = tmp_path / "stored.json"
    stored.write_text(dump_document(ReportDocument(reports=(make_image_report(make_image(), [ok]),))))
    convert = ("convert", str(stored), "-o", "json")
    plain = run(*convert)
    assert (0, "unknown") == (plain.exit_code, json.loads(plain.stdout)["reports"][0]["verdict"])
    result = run(*convert, "--fail-on", "high")
    line = f"gate: {APP}: end_of_life: trivy: the support of ubuntu 15.04 has ended, says Trivy 0.76.0"
    assert (1, True) == (result.exit_code, line in result.stderr)
    assert 0 == run(*convert, "--fail-on", "high", "--allow", "end-of-life").exit_code
    allowing = with_policies({"gate": {"fail_on": "high", "end_of_life": "allow"}}, EMPTY)
    assert 0 == run(*convert, "--config", allowing).exit_code
    assert 0 == run(*convert, "--config", allowing, "--allow", "pending").exit_code
    forbidding = with_policies({"gate": {"fail_on": "high", "outcomes": {"pending": "allow"}}}, EMPTY)
    assert 1 == run(*convert, "--config", forbidding, "--allow", "failed").exit_code


def test_an_image_that_can_not_be_resolved(run: Run, config: Config) -> None:
    """An image that could not be scanned fails the gate beside one that was; alone it is 4."""
    script = config(EMPTY)
    assert 1 == run("image", MISSING, APP, "--config", script, "--fail-on", "high").exit_code
    assert 4 == run("image", MISSING, "--config", script, "--fail-on", "high").exit_code


def test_prefer(run: Run, config: Config) -> None:
    """The preferred scanner's severity is shown, and makes no gate; the gate goes by the highest all the same."""
    low = {"findings": [SCRIPT["findings"][0] | {"severity": "Low"}]}
    arguments = ("image", APP, "--config", config(SCRIPT, other=[low]), "-o", "json", "--prefer", "other")
    document = json.loads(run(*arguments).stdout)
    assert ("low", None) == (document["reports"][0]["vulnerabilities"][0]["severity"], document["gate"])
    assert 1 == run(*arguments, "--fail-on", "high").exit_code


def test_new_only(run: Run, config: Config, tmp_path: Path) -> None:
    """With a baseline only what it does not have counts; without one the command says what to give."""
    script, baseline = config(SCRIPT), tmp_path / "baseline.json"
    options = ("image", APP, "--config", script, "--fail-on", "high", "--new-only")
    result = run(*options)
    assert (2, "", True) == (result.exit_code, result.stdout, "give an earlier report with --baseline" in result.stderr)
    baseline.write_text(dump_document(ReportDocument()))
    assert 1 == run(*options, "--baseline", str(baseline)).exit_code
    assert 0 == run("image", APP, "--config", script, "-o", f"json={baseline}").exit_code
    assert 0 == run(*options, "--baseline", str(baseline)).exit_code


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--fail-on", "hihg"], "did you mean high?"),
        (["--fail-on", "high,critical"], "critical=0,high=5"),
        (["--fail-on", "high=1,high=2"], "critical=0,high=5"),
        (["--fail-on", "high=few"], "--fail-on['high']: expected an integer"),
        (["--allow", "cancelled"], "'cancelled' is not one of"),
        (["--only-fixable"], "without fail_on no vulnerability counts"),
        (["--require", "dumy"], "gate.required: no enabled scanner is called 'dumy'; did you mean dummy?"),
        (["--prefer", "dumy"], "severity.prefer: no enabled scanner is called 'dumy'; did you mean dummy?"),
        (["--baseline", "missing.json"], "can't read 'missing.json'"),
    ],
)
def test_usage(run: Run, config: Config, options: list[str], words: str) -> None:
    """A policy that can't be meant is 2 and one line; nothing is scanned."""
    result = run("image", APP, "--config", config(EMPTY), *options)
    assert (2, "", 1) == (result.exit_code, result.stdout, result.stderr.count("\n"))
    assert words in result.stderr


def test_required_but_not_selected(run: Run, config: Config) -> None:
    """A required scanner that --scanner leaves out fails the gate: it is enabled, but was not asked."""
    script = config(EMPTY, other=[EMPTY])
    result = run("image", APP, "--config", script, "--scanner", "dummy", "--require", "other")
    assert (1, "", True) == (result.exit_code, result.stderr, "other was not asked" in result.stdout)


def test_precedence() -> None:
    """Nothing scanned is 4 before the gate's 1, and that goes before 3."""
    failed = GateResult(passed=False, violations=(GateViolation(rule="a", message="b"),))
    partial = make_document(make_run("a", Outcome.OK), errors=(UNRESOLVED,))
    assert ExitCode.GATE == judge_document(ReportDocument(reports=partial.reports, errors=partial.errors, gate=failed))
    nothing = make_document(make_run("a", Outcome.FAILED))
    assert ExitCode.NOTHING == judge_document(ReportDocument(reports=nothing.reports, gate=failed))
    assert ExitCode.NOTHING == judge_document(nothing, {Outcome.FAILED})


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.OK])
def test_allowed_outcomes_do_not_make_3(outcome: Outcome) -> None:
    """An allowed outcome makes no 3; one that is not, an image without results and an unresolved one still do."""
    document = make_document(make_run("a", Outcome.OK), make_run("b", outcome))
    assert ExitCode.OK == judge_document(document, {outcome})
    assert ExitCode.PARTIAL == judge_document(document, set(Outcome) - {outcome})
    beside = ReportDocument(reports=(*document.reports, make_report(image=make_image("other:1"))))
    assert ExitCode.PARTIAL == judge_document(beside, set(Outcome))
    unresolved = ReportDocument(reports=document.reports, errors=(UNRESOLVED,))
    assert ExitCode.PARTIAL == judge_document(unresolved, set(Outcome))


def test_words() -> None:
    """The page says whether it passed, what does not hold, and by which rules."""
    violation = GateViolation(
        rule="fail_on", message="7 are too many", reference=APP, vulnerabilities=tuple(f"CVE-{n}" for n in range(7))
    )
    line = f"{APP}: fail_on: 7 are too many: CVE-0, CVE-1, CVE-2, CVE-3, CVE-4 and 2 more"
    result = GateResult(passed=False, rules=("fail_on: none",), violations=(violation,))
    assert ["gate: FAILED (fail_on: none)", line] == list(gate_lines(result))
    assert "gate: PASSED" == next(gate_lines(GateResult(passed=True)))


def test_hostile_words() -> None:
    """Nothing of an image or a backend reaches the terminal as it is, or at any length."""
    hostile = "\x1b[2J\u202e\n" + "x" * 10_000
    line = violation_words(
        GateViolation(rule=hostile, message=hostile, reference=hostile, vulnerabilities=(hostile,) * 9)
    )
    assert (True, True) == (line.isprintable(), len(line) < 3000)
