"""The tests of the contract: scanners that keep it pass all of them, and each test fails a scanner that does not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytestmark = pytest.mark.timeout(400)

SAMPLES = Path(__file__).with_name("samples")
GOOD = ("SampleScanner", "PolledScanner", "ProgramScanner")
BROKEN = {
    # packaging
    "UnregisteredScanner": {"entry_point_names_the_class": "is it installed"},
    "LooseScanner": {"distribution_requires_the_core": "must require portus-scanners"},
    "FutureScanner": {"contract_number_is_stated": "99"},
    "NoisyScanner": {"import_has_no_effects": "thank you for choosing"},
    "CuriousScanner": {"import_has_no_effects": 'os.environ.get("ACME_REGION")'},
    "UnreadableScanner": {"settings_load_from_strings": "since has the type datetime"},
    "AnythingScanner": {"unknown_setting_is_rejected": "DID NOT RAISE"},
    "ChangingScanner": {"settings_are_frozen": "DID NOT RAISE"},
    "BareScanner": {"secret_settings_are_masked": "api_token"},
    # reports
    "LosingScanner": {"scan_finds_what_the_backend_knows": "CVE-2099-1"},
    "OneTrackScanner": {"scan_of_another_image_finds_other_things": "CVE-2099-3"},
    "FlatScanner": {"severities_are_mapped": "UNKNOWN"},
    "RepeatingScanner": {"report_is_well_formed": "more than once"},
    "PaddedScanner": {"report_is_well_formed": "padded"},
    "RestlessScanner": {"report_is_deterministic": "scan 1"},
    "OwnReportScanner": {"report_survives_json": "OwnReport"},
    "MixingScanner": {"scans_at_once_do_not_mix": "CVE-2099-"},
    # endings
    "StubbornScanner": {
        "deadline_is_kept": "had to be abandoned",
        "scan_can_be_stopped": "had to be abandoned",
        "cancellation_at_any_await_leaves_nothing": "it would not end",
    },
    "PretendingScanner": {"cancellation_at_any_await_leaves_nothing": "it ended with ScannerReport"},
    "TaskLeavingScanner": {"cancellation_at_any_await_leaves_nothing": "task Task-"},
    "FileLeavingScanner": {"cancellation_at_any_await_leaves_nothing": "file tmp"},
    "SocketLeavingScanner": {"cancellation_at_any_await_leaves_nothing": "socket:"},
    "ProcessLeavingScanner": {"cancellation_at_any_await_leaves_nothing": "sleep"},
    "ReportLeavingScanner": {"scan_leaves_nothing": "after a scan that ended well"},
    "HandleLeavingScanner": {"scan_leaves_nothing": "after a scan that went wrong"},
    "SleepingScanner": {"event_loop_is_never_blocked": "time.sleep(2.5)"},
    "SynchronousScanner": {"waiting_does_not_block_the_event_loop": "urlopen"},
    # answers
    "PortusScanner": {
        "refused_connection_is_unavailable": "expected ScannerUnavailableError",
        "client_error_is_an_error": "is not noticed",
        "server_error_is_unavailable": "is not noticed",
        "disconnect_is_unavailable": "is not noticed",
        "reset_in_mid_body_is_unavailable": "is not noticed",
        "truncated_json_is_invalid": "is not noticed",
        "html_is_invalid": "is not noticed",
        "empty_body_is_invalid": "is not noticed",
        "huge_body_is_rejected": "expected ScannerError",
        "redirect_is_not_followed": "is not noticed",
    },
    "LeakingScanner": {"no_secret_is_told": "token: canary"},
    "PrintingScanner": {"no_secret_is_told": "canary"},
    "QuotingScanner": {"no_secret_is_told": "canary"},
    "GreedyScanner": {
        "huge_body_is_rejected": "MB were held",
        "redirect_is_not_followed": "a redirect to another server was followed",
    },
    "HastyScanner": {"chunked_answers_are_read": "gave no report"},
    "SkippingScanner": {"wrong_type_anywhere_is_no_clean_report": "the report is complete, with only"},
    "NullIsNoneScanner": {"null_anywhere_is_no_clean_report": "the report is complete, with only"},
    "AbsentIsNoneScanner": {"missing_member_anywhere_is_no_clean_report": "the report is complete, with only"},
    "PedanticScanner": {"unknown_members_are_passed_over": "unknown members"},
    "StrictWordsScanner": {"unknown_severity_is_kept": "unknown severity"},
    "CrashingScanner": {"server_error_is_unavailable": "expected ScannerUnavailableError"},
    "GloomyScanner": {"health_tells_up": "I do not feel well"},
    "GuessingScanner": {"database_has_an_identity": "the data had not changed"},
    "TwoWordsScanner": {"database_has_an_identity": "say it in the same words"},
    "HospitableScanner": {"health_of_a_stranger_is_not_good": "healthy, though the server answers 200 with"},
    "CredulousScanner": {"health_of_a_stranger_is_not_good": "answers 200 with an empty object"},
    "CheerfulScanner": {"health_tells_down": "500"},
    # polling
    "SleepingPolledScanner": {
        "still_working_is_pending": "timed_out",
        "scan_waits_while_the_backend_works": "await `self.context.wait` instead",
    },
    "ImpatientScanner": {"every_poll_is_waited_for": "the scan ended"},
    "GivingUpScanner": {"still_working_is_pending": "ended failed"},
    "FailedIsCleanScanner": {"failed_scan_is_an_error": "raise a ScannerError"},
    "FailedIsWorkingScanner": {"failed_scan_is_an_error": "StillWorkingError"},
    "EndlessScanner": {"unknown_state_is_invalid": "StillWorkingError"},
    "DoneAnywayScanner": {"unknown_state_is_invalid": "$.state: 'done' was replaced by 'gaudy' in answer 1"},
    "HesitantScanner": {"unknown_state_is_invalid": "waited 1 times more"},
    "ForgetfulScanner": {
        "failed_scan_is_an_error": "override the fixture `failing`",
        "unknown_state_is_invalid": "set state_member, or refused",
    },
    "RefusingScanner": {"scan_finds_what_the_backend_knows": "only these can be"},
    # programs
    "BareProgramScanner": {
        "missing_program_is_unavailable": "FileNotFoundError",
        "nothing_of_it_survives": "process",
        "environment_is_clean": "CANARY_OF_THE_ENVIRONMENT",
        "huge_output_is_rejected": "MB were held",
    },
    "BlockingProgramScanner": {"waiting_does_not_block_the_event_loop": "subprocess.run"},
    "CarelessProgramScanner": {
        "failure_is_an_error": "ScannerReport",
        "death_by_signal_is_an_error": "ScannerReport",
        "garbage_is_invalid": "ScannerReport",
        "truncated_json_is_invalid": "ScannerReport",
        "wrong_type_anywhere_is_no_clean_report": "the report is complete, with only",
    },
    "HalfCarelessProgramScanner": {
        "failure_is_an_error": "ScannerReport",
        "death_by_signal_is_an_error": "ScannerReport",
    },
    "VagueProgramScanner": {"failure_is_an_error": "the disk is full"},
    "PoorProgramScanner": {"program_can_pull": "can't be pulled"},
    "TellingProgramScanner": {"no_secret_is_an_argument": "canary"},
    "TrustingProgramScanner": {"health_tells_down": "the program is not installed"},
}
WAYS = {
    "Reading": {"environment_is_left_alone": 'os.environ.get("ACME_TOKEN")'},
    "Copying": {"environment_is_left_alone": "dict(os.environ)"},
    "Writing": {"environment_is_left_alone": "ACME_IMAGE was changed"},
    "HealthReading": {"environment_is_left_alone": 'os.getenv("ACME_TOKEN")'},
    "Setting": {"settings_are_left_alone": "timeout"},
    "Replacing": {"settings_are_left_alone": "self.settings is another object"},
    "Starting": {"settings_are_left_alone": "timeout"},
    "ThreadLeaving": {"scan_leaves_nothing": "thread Thread-"},
    "UmaskLeaving": {"scan_leaves_nothing": "umask is now 077"},
    "FolderLeaving": {"scan_leaves_nothing": "working folder is now /"},
    "HandlerLeaving": {"scan_leaves_nothing": "handler of SIGUSR1 is now"},
    "TimeoutLeaving": {"scan_leaves_nothing": "default timeout of sockets is now 7.0"},
    "LevelLeaving": {"scan_leaves_nothing": "level of the root logger is now 50"},
    "Encoding": {"no_secret_is_told": "a credential is told"},
    "Progressing": {"no_secret_is_told": "a credential is told"},
    "Warning_": {"no_secret_is_told": "a credential is told"},
    "Running": {"event_loop_is_never_blocked": "subprocess.run"},
    "Dozing": {"event_loop_is_never_blocked": "time.sleep(0.5)"},
    "Napping": {"event_loop_is_never_blocked": "time.sleep(0.01)"},
    "Joining": {"event_loop_is_never_blocked": "event.wait(0.6)"},
    "Calculating": {"event_loop_is_never_blocked": "the event loop is blocked"},
    "Believing": {"answer_about_another_image_is_rejected": "answers with another digest"},
    "Mistaking": {"every_severity_is_mapped": "'Critical' has replaced"},
}
"""The same ways to break a promise, with each kind of backend."""
HALVES = {"ways": {f"{way}{kind}": tests for kind in GOOD for way, tests in WAYS.items()}, "others": BROKEN}
"""What one run of pytest, and one group, has to show: they run side by side."""
FINE = {
    ("PatientScanner", "client_error_is_an_error"): "",
    ("PatientScanner", "html_is_invalid"): "",
    ("PatientScanner", "empty_body_is_invalid"): "",
    ("PatientScanner", "truncated_json_is_invalid"): "",
    ("TwiceAskingScanner", "every_poll_is_waited_for"): "",
    ("FlagScanner", "failed_scan_is_an_error"): "skipped: refused: it never fails",
    ("FlagScanner", "unknown_state_is_invalid"): "skipped: refused: its state is a boolean",
    ("SleepingInAsyncioPolledScanner", "scan_waits_while_the_backend_works"): "",
    ("QuietScanner", "health_tells_down"): "",
    ("LevelScanner", "unknown_severity_is_kept"): "",
    ("WordlessScanner", "unknown_severity_is_kept"): "skipped: no finding has a severity_label",
    **{
        ("LineScanner", test): "skipped: the answers are not JSON"
        for test in (
            "wrong_type_anywhere_is_no_clean_report",
            "null_anywhere_is_no_clean_report",
            "missing_member_anywhere_is_no_clean_report",
            "unknown_members_are_passed_over",
            "unknown_severity_is_kept",
        )
    },
}
"""Right scanners of other kinds, and how the test that is not made for them ends: well, or skipped."""
PAIRS = [(half, name, test) for half, broken in HALVES.items() for name, tests in broken.items() for test in tests]


def _run(folder: Path, *selected: str, plugins: tuple[str, ...] = ()) -> dict[tuple[str, str], list[str]]:
    """Run these classes, or tests of classes: `Class` or `Class::test`.

    Return for each class and test the failures of its parameters, empty ones included.
    """
    samples, report = folder / "samples", folder / "report.xml"
    shutil.copytree(SAMPLES, samples)  # away from our own conftest
    (samples / "wanted").write_text("\n".join(selected))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-p",
        "no:asyncio",
        "-c",
        os.devnull,
    ]
    # One line a failure: for more pytest parses the source, and when a server's thread does so at the same time (for a
    # traceback), Python 3.11 ends the run with a SystemError (https://github.com/python/cpython/issues/106905).
    command += ["--import-mode=importlib", f"--rootdir={samples}", f"--junitxml={report}", "--tb=line"]
    command += [f"-p{plugin}" for plugin in ("chosen", *plugins)]
    ended = subprocess.run(
        [*command, samples / "cases.py"],
        env={**os.environ, "PYTHONPATH": str(samples), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        cwd=samples, capture_output=True, text=True, timeout=380, check=False,
    )  # fmt: skip
    assert ended.returncode in {0, 1} and report.exists(), ended.stdout + ended.stderr  # noqa: PT018 (one cause)
    return _read(report)


def _read(report: Path) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):  # noqa: S314 (our own)
        name = case.attrib["classname"].rpartition(".")[2].removeprefix("Test")
        test = re.sub(r"\[.*", "", case.attrib["name"]).removeprefix("test_")
        faults = [child for child in case if child.tag in {"failure", "error", "skipped"}]
        text = "".join(f"{child.tag}: {child.attrib.get('message', '')}\n{child.text or ''}" for child in faults)
        found.setdefault((name, test), []).append(text)
    return found


@pytest.fixture(scope="module")
def failures_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[tuple[str, str], list[str]]]:
    """What the tests say of one half of the broken scanners, each test alone with the scanner that breaks it."""

    @cache
    def run(wanted: str) -> dict[tuple[str, str], list[str]]:
        tests = [f"Test{name}::test_{test}" for half, name, test in PAIRS if half == wanted]
        return _run(tmp_path_factory.mktemp(wanted), *tests, plugins=("hurried",))

    return run


@pytest.mark.parametrize(
    ("half", "name", "test"),
    [pytest.param(*pair, marks=pytest.mark.xdist_group(f"contract-{pair[0]}")) for pair in PAIRS],
)
def test_a_broken_promise_is_caught(
    failures_of: Callable[[str], dict[tuple[str, str], list[str]]], half: str, name: str, test: str
) -> None:
    """The scanner that breaks a promise fails the test of that promise, for the right reason."""
    found, reason = failures_of(half)[name, test], HALVES[half][name][test]
    assert [] == [text for text in found if text and reason not in text]
    assert any(found), "the test passes"


def test_scanners_that_keep_the_contract_pass(tmp_path: Path) -> None:
    """The samples that keep every promise pass every test of their kind, and none is skipped.

    Where a backend says less, a test passes, or is skipped with the reason.
    """
    whole = [f"Test{name}" for name in GOOD]
    found = _run(tmp_path, *whole, *(f"Test{name}::test_{test}" for name, test in FINE))
    assert {*GOOD, *(name for name, _ in FINE)} == {name for name, _ in found}
    ends = {key: FINE.get(key, "") for key in found}
    assert {} == {key: texts for key, texts in found.items() for text in texts if not _ends(text, ends[key])}


def _ends(text: str, end: str) -> bool:
    """Return whether a test has ended so: well, without a text, or skipped with the reason."""
    return text.startswith(end) if end else not text


def test_every_test_has_a_scanner_that_fails_it() -> None:
    """No test of the contract is without a scanner that it catches."""
    from portus_scanners_testing import PolledScannerContract, ProgramScannerContract

    tests = {name for kind in (PolledScannerContract, ProgramScannerContract) for name in dir(kind)}
    assert {name.removeprefix("test_") for name in tests if name.startswith("test_")} == {test for *_, test in PAIRS}
