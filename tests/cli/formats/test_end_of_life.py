"""The end of a distribution's support is in every format, in the same words, and nowhere looks clean."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path

import pytest
from attrs import evolve
from click.testing import CliRunner
from portus_scan import FolderReporter, ReportJob, TextReporter, discover_reporters
from portus_scan.command import command
from portus_scanners import EndOfLife, Outcome, ReportDocument, ScannerReport, ScannerRun, dump_document, load_document
from portus_scanners.plugins import load_plugin

from ..documents import make_document, make_finding, make_run

SENTENCE = "the support of ubuntu 15.04 has ended, says Trivy 0.76.0"
VERDICT = "the support of the distribution has ended"
ENDED = EndOfLife(source="Trivy 0.76.0", distribution="ubuntu 15.04")
NAMES = ("csv", "cyclonedx", "gitlab", "html", "json", "jsonl", "junit", "markdown", "sarif", "table")


def ended(run: ScannerRun) -> ScannerRun:
    """Return the run with a report that says that the support has ended."""
    return evolve(run, report=evolve(run.report or ScannerReport(complete=False), end_of_life=ENDED))


def render(name: str, document: ReportDocument) -> str:
    """Return what a format writes, all files of a folder together, without what escapes the sentence."""
    plugin = next(one for one in discover_reporters() if one.name == name)
    reporter = load_plugin(plugin).result
    assert isinstance(reporter, type)
    made, job = reporter(), ReportJob(document=document)
    if isinstance(made, FolderReporter):
        return unescape("".join(b"".join(file.pieces()).decode() for file in made.render(job)))
    assert isinstance(made, TextReporter)
    return "".join(made.render(job)).replace("\\\\", "")


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"json", "jsonl"}))
@pytest.mark.parametrize("found", [(), (make_finding(),)], ids=["nothing found", "found"])
def test_the_sentence_is_in_every_format(name: str, found: tuple[object, ...]) -> None:
    """Whether or not something was found, and after a scanner that says nothing of it."""
    run = ended(make_run("trivy", Outcome.OK, *found))  # type: ignore[arg-type]
    document = make_document(make_run("clair", Outcome.OK), run)
    assert SENTENCE in render(name, document)
    assert SENTENCE not in render(name, make_document(make_run("clair", Outcome.OK)))


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_report_shows_the_same(name: str) -> None:
    """What is read back from JSON is shown as what was written, also of a run that failed later."""
    runs = (ended(make_run("trivy", Outcome.OK)), ended(make_run("grype", Outcome.FAILED)))
    document = make_document(*runs)
    assert render(name, document) == render(name, load_document(dump_document(document)))


def test_all_formats_are_held_to_this() -> None:
    """A new format has to be on the list."""
    assert set(NAMES) == {one.name for one in discover_reporters() if one.distribution == "portus-scan"}


def test_what_programs_read_is_no_success() -> None:
    """SARIF has a result, JUnit an error, GitLab a scan without success, CycloneDX an entry: nothing else is listed."""
    document = make_document(ended(make_run("trivy", Outcome.OK)))
    (run,) = json.loads(render("sarif", document))["runs"]
    assert (["portus-scan/not-complete"], False) == (
        [one["ruleId"] for one in run["results"]],
        run["invocations"][0]["executionSuccessful"],
    )
    assert "failure" == json.loads(render("gitlab", document))["scan"]["status"]
    assert ["PORTUS-SCAN-NOT-COMPLETE"] == [
        one["id"] for one in json.loads(render("cyclonedx", document))["vulnerabilities"]
    ]
    assert '<testsuites name="portus-scan" tests="2" failures="0" errors="1"' in render("junit", document)


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ((ended(make_run("trivy", Outcome.OK)),), f"unknown: {VERDICT}"),
        (
            (ended(make_run("trivy", Outcome.OK)), make_run("clair", Outcome.FAILED)),
            f"unknown: 1 of 2 scanners failed; {VERDICT}",
        ),
        (
            (ended(make_run("trivy", Outcome.OK)), ended(make_run("trivy2", Outcome.OK, make_finding()))),
            f"vulnerable: 1 vulnerability (1 high); there may be more: {VERDICT}",
        ),
    ],
    ids=["alone", "beside a failure", "said by two, found"],
)
def test_the_verdict_says_it(runs: tuple[ScannerRun, ...], words: str) -> None:
    """In words, without names that come from elsewhere."""
    assert words in render("table", make_document(*runs))


def test_who_does_not_see_the_table_is_told(tmp_path: Path) -> None:
    """Where no table is on stdout, stderr says it, as it names scanners that failed."""
    path = tmp_path / "report.json"
    path.write_text(dump_document(make_document(ended(make_run("trivy", Outcome.OK)))))
    result = CliRunner().invoke(command, ["convert", str(path), "-o", "json"], prog_name="portus-scan")
    assert f"registry.example/team/app:1.0: scanner trivy: {SENTENCE}" in result.stderr


@pytest.mark.parametrize("name", ["CVE-2016-6304", "CVE-2099-9999"], ids=["found by another", "found by none"])
def test_the_silence_of_such_a_scanner_proves_nothing(tmp_path: Path, name: str) -> None:
    """``explain`` says so where another scanner has found the vulnerability, and where none has."""
    path = tmp_path / "report.json"
    runs = (ended(make_run("trivy", Outcome.OK)), make_run("clair", Outcome.OK, make_finding()))
    path.write_text(dump_document(make_document(*runs)))
    result = CliRunner().invoke(command, ["explain", name, str(path)], prog_name="portus-scan")
    assert (True, True) == ("proves nothing" in result.output, f"trivy: {SENTENCE}" in result.output)
