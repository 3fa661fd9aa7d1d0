"""Earlier reports in other formats."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from attrs import evolve
from click.testing import CliRunner, Result
from portus_policy import GateResult, GateViolation, UnusedRule
from portus_scan import ReportJob
from portus_scan.command import command
from portus_scan.delivery.documents import join_documents, read_document
from portus_scan.delivery.stored_document import read_stored
from portus_scan.exits import CommandFault
from portus_scan.formats.json import JsonLinesReporter
from portus_scanners import Outcome, ReportDocument, Severity, dump_document, dump_line, load_document

from .documents import UNRESOLVED, make_document, make_finding, make_run

OK = evolve(make_document(make_run("clair", Outcome.OK, make_finding())), created=datetime(2026, 1, 2, tzinfo=UTC))
FAILED = evolve(make_document(make_run("clair", Outcome.FAILED)), created=datetime(2026, 1, 1, tzinfo=UTC))
PARTIAL = make_document(make_run("clair", Outcome.OK), make_run("zypper", Outcome.TIMED_OUT))
Write = Callable[[str, ReportDocument], str]


def convert(*arguments: str, stdin: str | None = None) -> Result:
    """Run ``portus-scan convert``."""
    return CliRunner().invoke(command, ["convert", *arguments], input=stdin, prog_name="portus-scan")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """``write("a.json", document)`` returns the file's path; JSON Lines where the name says so."""

    def put(name: str, document: ReportDocument) -> str:
        path = tmp_path / name
        lines = JsonLinesReporter().render(ReportJob(document=document))
        path.write_text("".join(lines) if name.endswith(".jsonl") else dump_document(document))
        return str(path)

    return put


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_a_report_comes_through_unchanged(write: Write, name: str) -> None:
    """What is read is what is written, the time of the scan too."""
    for wish in ("json", "jsonl"):
        assert OK == load_document(convert(write(name, OK), "-o", wish).stdout)


def test_the_table_is_the_default(write: Write) -> None:
    """Without -o a report is shown as it was after the scan."""
    result = convert(write("a.json", OK))
    assert (0, True) == (result.exit_code, "  CVE-2016-6304  high " in result.stdout)


@pytest.mark.parametrize(("document", "code"), [(OK, 0), (PARTIAL, 3), (FAILED, 4), (ReportDocument(), 4)])
def test_the_code_is_that_of_the_scan(write: Write, document: ReportDocument, code: int) -> None:
    """A failed scan does not look successful for having been converted."""
    assert code == convert(write("a.json", document), "-o", "json").exit_code


def test_several_are_one(write: Write) -> None:
    """Reports and errors stand in the order of the files, the same image as often as it is there."""
    third = evolve(OK, errors=(UNRESOLVED,), created=None)
    names = (write("a.json", FAILED), write("b.jsonl", OK), write("c.json", third))
    result = convert(*names, "-o", "json")
    document = load_document(result.stdout)
    assert (3, (*FAILED.reports, *OK.reports, *OK.reports), (UNRESOLVED,), OK.created) == (
        result.exit_code,
        document.reports,
        document.errors,
        document.created,
    )
    assert "registry.example/gone:1: there is no such tag" in result.stderr


def test_stdin_is_read(write: Write) -> None:
    """A dash is stdin, once only."""
    baseline = convert("-", "--baseline", "-", stdin=dump_document(OK))
    assert (0, 2, 2) == (
        convert("-", stdin=dump_document(OK)).exit_code,
        convert("-", "-", stdin=dump_document(OK)).exit_code,
        baseline.exit_code,
    )


def test_what_failed_is_said_when_no_table_is_shown(write: Write, tmp_path: Path) -> None:
    """With another format than the table, stderr names the scanners that did not end ok."""
    result = convert(write("a.json", PARTIAL), "-o", f"json={tmp_path / 'b.json'}")
    assert "zypper: timed out: it ended timed_out" in result.stderr


def test_an_image_that_nobody_was_asked_about_is_said(write: Write, tmp_path: Path) -> None:
    """A code that is not 0 is never without a word: an image without any scanner is named on stderr too."""
    result = convert(write("a.json", make_document()), "-o", f"json={tmp_path / 'b.json'}")
    expected = "portus-scan: registry.example/team/app:1.0: no scanner has looked at the image\n"
    assert (4, expected) == (result.exit_code, result.stderr)


def test_a_report_without_images_is_said(write: Write, tmp_path: Path) -> None:
    """So is a report in which there is nothing at all."""
    result = convert(write("a.json", ReportDocument()), "-o", f"json={tmp_path / 'b.json'}")
    assert (4, "portus-scan: no image was scanned\n") == (result.exit_code, result.stderr)


def test_a_file_where_a_folder_has_to_be(write: Write, tmp_path: Path) -> None:
    """A folder below what will be a file is refused before anything is written, in either order."""
    name, wishes = write("a.json", OK), (f"json={tmp_path / 'out'}", f"html={tmp_path / 'out' / 'site'}")
    for first, second in (wishes, wishes[::-1]):
        result = convert(name, "-o", first, "-o", second)
        assert (2, True, False) == (
            result.exit_code,
            "can't be in a file" in result.stderr,
            (tmp_path / "out").exists(),
        )


def test_the_display_is_filtered_and_the_data_is_not(write: Write) -> None:
    """--min-severity hides rows from people, and nothing from programs."""
    name = write("a.json", OK)
    table = convert(name, "--min-severity", "CRITICAL").stdout
    assert ("1 below critical not shown (1 high)" in table, OK) == (
        True,
        load_document(convert(name, "--min-severity", "critical", "-o", "json").stdout),
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{}", "is not a report: $.schema_version: expected 1, got null"),
        (b"\xff\xfe\xff", "is not a report: $: not JSON"),
        (dump_line(UNRESOLVED).encode(), "line 2: the line of the document is missing"),
        (b"", "is not a report: $: not JSON"),
    ],
    ids=["object", "bytes", "cut", "empty"],
)
def test_what_is_no_report(tmp_path: Path, content: bytes, words: str) -> None:
    """A file that is no report is a usage error with the place of the fault; nothing is written."""
    path, out = tmp_path / "a.json", tmp_path / "out.json"
    path.write_bytes(content)
    result = convert(str(path), "-o", f"json={out}")
    assert (2, "", True, False) == (result.exit_code, result.stdout, words in result.stderr, out.exists())


@pytest.mark.parametrize("arguments", ["convert FILE", "diff FILE FILE", "explain CVE-1 FILE"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"SchemaVersion": 2, "Results": []}', "it looks like a report of Trivy; the scanner report_file reads it"),
        ('{"bomFormat": "CycloneDX"}', "it looks like a CycloneDX document"),
        ("<html>", "it looks like an HTML page"),
        ('{"schema_version": 2, "reports": []}', "is not a report: $.schema_version: expected 1, got 2"),
    ],
    ids=["trivy", "cyclonedx", "html", "ours"],
)
def test_a_file_of_another_program_is_named(tmp_path: Path, arguments: str, content: str, words: str) -> None:
    """Each sub-command that reads reports says what it was given instead."""
    path = tmp_path / "given"
    path.write_text(content)
    result = CliRunner().invoke(command, arguments.replace("FILE", str(path)).split(), prog_name="portus-scan")
    assert (2, "", True) == (result.exit_code, result.stdout, words in result.stderr)


def test_a_report_may_be_replaced_by_itself(write: Write) -> None:
    """A report is read before its file is written."""
    name = write("a.json", OK)
    assert (0, OK) == (convert(name, "-o", f"json={name}").exit_code, load_document(Path(name).read_text()))


def test_a_report_that_is_too_large(write: Write) -> None:
    """Not more than the limit is read, and that is said."""
    with pytest.raises(CommandFault, match="more than 100 bytes"):
        read_document(write("a.json", OK), limit=100)


def test_a_failed_output_prints_no_json(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be written is said; the report is there already, and need not be kept."""
    monkeypatch.setattr("portus_scan.delivery.places.write_file", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    result = convert(write("a.json", OK), "-o", f"json={tmp_path / 'b.json'}")
    assert (2, "", True) == (result.exit_code, result.stdout, "b.json': full" in result.stderr)


VIOLATION = GateViolation(rule="fail_on", message="1 of severity high")
PASSED = GateResult(passed=True, rules=("a",))
REFUSED = GateResult(passed=False, rules=("a", "b"), violations=(VIOLATION,))


@pytest.mark.parametrize(
    ("gates", "expected"),
    [
        ([PASSED, PASSED], PASSED),
        ([PASSED, REFUSED], REFUSED),
        ([REFUSED, None], REFUSED),
        ([PASSED, None], None),
        ([None, None], None),
    ],
    ids=["both passed", "one failed", "failed and none", "passed and none", "none"],
)
def test_joined_gates(gates: list[GateResult | None], expected: GateResult | None) -> None:
    """Together they have passed only where each has; where one was not judged, passing is not claimed."""
    assert expected == join_documents([evolve(OK, gate=gate) for gate in gates]).gate


def test_one_document_is_not_touched() -> None:
    """A single document stays what it is, its gate and unused rules too; those of several are put together."""
    rule = UnusedRule(rule="a:1", expired=False, message="x")
    document = evolve(OK, gate=REFUSED, unused_rules=(rule,))
    assert (document, (rule, rule)) == (join_documents([document]), join_documents([document] * 2).unused_rules)


def test_severities_are_those_of_the_core() -> None:
    """The words of --min-severity are the core's, in its order."""
    from portus_scan.options import SEVERITIES

    assert tuple(one.value for one in Severity) == SEVERITIES


def test_a_file_of_many_images_is_not_held_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Write
) -> None:
    """Formats and gate make the same of reports that stay in their file, or in a copy of stdin, as of others."""
    reports = tuple(
        evolve(one.reports[0], image=evolve(one.reports[0].image, digest=f"sha256:{number:064x}"))
        for number, one in enumerate([OK, FAILED, PARTIAL, OK])
    )
    name = write("many.json", evolve(OK, reports=reports, errors=(UNRESOLVED,)))
    formats = ("table", "json", "jsonl", "csv", "sarif", "junit", "gitlab", "markdown", "cyclonedx", "html")

    def made(folder: str, *names: str, stdin: str | None = None) -> dict[str, bytes]:
        outputs = [f"--output={one}={tmp_path / folder / one}" for one in formats]
        result = CliRunner().invoke(
            command, ["convert", *names, *outputs, "--fail-on", "low", "--baseline", name], input=stdin
        )
        assert 1 == result.exit_code, result.output
        files = sorted(path for path in (tmp_path / folder).rglob("*") if path.is_file())
        return {str(path.relative_to(tmp_path / folder)): path.read_bytes() for path in files}

    (tmp_path / "kept").mkdir()
    expected = made("kept", name)
    monkeypatch.setattr("portus_scan.delivery.documents.read_stored", partial(read_stored, most_kept=0))
    for folder, names, stdin in (("file", [name], None), ("stdin", ["-"], Path(name).read_text())):
        (tmp_path / folder).mkdir()
        assert expected == made(folder, *names, stdin=stdin)
