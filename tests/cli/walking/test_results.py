"""The file of what is finished."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from portus_scan.exits import CommandFault
from portus_scan.policy import CommandPolicy, WalkPolicy
from portus_scan.walking import records
from portus_scan.walking.counted import AnyReport, CountedReport
from portus_scan.walking.records import INTERRUPTED, ResultsFile, reference_of
from portus_scan.walking.writing import ResultWriter
from portus_scanners import (
    Image,
    ImageReport,
    LocalImage,
    LocalReference,
    Outcome,
    ReportDocument,
    UnresolvedImage,
    dump_line,
    load_document,
    load_line,
)
from properties import at_most

from ...core.strategies import image_reports
from ..documents import UNRESOLVED, make_finding, make_image, make_report, make_run

ENDS = [
    make_report(make_run("clair", Outcome.OK, make_finding()), image=make_image("r.example/team/app:1")),
    UNRESOLVED,
    make_report(make_run("clair", Outcome.FAILED), image=make_image("r.example/team/app:2")),
]
FINISHED = ENDS[:1]
"""What another scan would not answer better."""
STOPPED = UnresolvedImage(reference="r.example", step=INTERRUPTED, message="the walk was stopped")


def fill(path: Path, *, ended: bool = False, interrupted: UnresolvedImage | None = None) -> None:
    """Write the three images."""
    with ResultsFile(path) as file:
        for end in ENDS:
            file.append(end)
        if ended:
            file.end(ReportDocument(), interrupted)


def test_a_file_that_has_ended_is_a_document(tmp_path: Path) -> None:
    """Other commands read it: reports and what was not scanned, in their order."""
    fill(tmp_path / "r", ended=True)
    document = load_document((tmp_path / "r").read_bytes())
    assert ((ENDS[0], ENDS[2]), (UNRESOLVED,)) == (document.reports, document.errors)


async def test_what_was_written_before_a_fault_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of images that are written together, those before the one that can't be are known; none after it is written."""
    append = ResultsFile.append

    def fail_at_the_second(file: ResultsFile, end: ImageReport | UnresolvedImage) -> None:
        if end is ENDS[1]:
            raise CommandFault("can't write")
        append(file, end)

    monkeypatch.setattr(ResultsFile, "append", fail_at_the_second)
    with ResultsFile(tmp_path / "r") as file:
        written, fault = await ResultWriter(WalkPolicy(CommandPolicy(None)), file).write(ENDS)
    assert ([ENDS[0]], "can't write") == ([end for end, _ in written], str(fault))
    assert [dump_line(ENDS[0])] == (tmp_path / "r").read_text().splitlines(keepends=True)


def test_an_interrupted_walk_says_so_in_its_document(tmp_path: Path) -> None:
    """A reader of the file can't take it for the whole registry."""
    fill(tmp_path / "r", ended=True, interrupted=STOPPED)
    assert (UNRESOLVED, STOPPED) == load_document((tmp_path / "r").read_bytes()).errors


@pytest.mark.parametrize("tail", [b"", b"{", b'{"schema_version":1,"report":{"image":' + b"x" * 3_000_000])
@pytest.mark.parametrize("ended", [True, False])
def test_what_was_finished_is_read_again(tmp_path: Path, tail: bytes, ended: bool) -> None:
    """Each image once; what may end better is to be scanned again; part of a line, and an earlier end, are cut off."""
    path = tmp_path / "r"
    fill(path)
    whole = path.read_bytes()
    path.unlink()
    fill(path, ended=ended, interrupted=STOPPED if ended else None)
    path.write_bytes(path.read_bytes() + tail)
    with ResultsFile(path, resume=True) as file:
        assert (FINISHED, ENDS[1:]) == (list(file.read(whole=True)), list(file.to_retry()))
        assert [True, False, False, False] == [name in file for name in [*map(reference_of, ENDS), "r.example/new:1"]]
        assert file.was_whole is False
    assert whole == path.read_bytes()


def test_a_resumed_file_goes_on_behind_what_is_there(tmp_path: Path) -> None:
    """In the end it is the document of both runs."""
    path = tmp_path / "r"
    fill(path, ended=True, interrupted=STOPPED)
    new = make_report(image=make_image("r.example/new:1"))
    with ResultsFile(path, resume=True) as file:
        list(file.read())
        file.append(new)
        file.end(ReportDocument())
    document = load_document(path.read_bytes())
    assert ((ENDS[0], ENDS[2], new), (UNRESOLVED,)) == (document.reports, document.errors)


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    """The message says how to go on with it."""
    fill(tmp_path / "r")
    before = (tmp_path / "r").read_bytes()
    with pytest.raises(CommandFault, match="--resume"):
        ResultsFile(tmp_path / "r")
    assert before == (tmp_path / "r").read_bytes()


def test_only_one_process_writes(tmp_path: Path) -> None:
    """Two would each repeat what the other has finished."""
    with ResultsFile(tmp_path / "r"), pytest.raises(CommandFault, match="another portus-scan"):
        ResultsFile(tmp_path / "r", resume=True)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"verdict":"vulnerable"', '"verdict":"maybe"'),
        ('"verdict":"vulnerable"', '"verdict":"clean"'),
        ('"verdict":"vulnerable",', ""),
        ('"verdict":"vulnerable"', '"verdict":"clean","verdict":"vulnerable"'),
        ('"vulnerabilities":[{', '"others":[{'),
        ('"vulnerabilities":[{', '"vulnerabilities":[{"severity":"dire"},{'),
        ('"results":[{', '"others":[{'),
        ('"results":[{', '"results":[7,{'),
        ('"scanner":"clair"', '"scanner":""'),
        ('"outcome":"ok"', '"outcome":"done"'),
        ('"outcome":"ok"', '"outcome":"unsupported"'),
        ('"outcome":"ok"', '"outcome":"ok","error":"it was away"'),
        ('"complete":true', '"complete":false'),
        ('"complete":true,', ""),
        ('"findings":[{', '"others":[{'),
        ('"report":{"complete"', '"other":{"complete"'),
        ('"report":{"complete"', '"report":null,"other":{"complete"'),
        ('"reference":"r.example', '"reference":"r example'),
        ('"digest":"sha256:a', '"other":"sha256:a'),
    ],
)
def test_a_line_that_is_no_report_is_named(tmp_path: Path, old: str, new: str, whole: bool) -> None:
    """What is unknown, missing, repeated or denied by the rest makes no finished image; the file is left as it is."""
    path = tmp_path / "r"
    fill(path)
    text = path.read_text()
    assert old in text.splitlines()[0]
    path.write_text(broken := text.replace(old, new, 1))
    with ResultsFile(path, resume=True) as file, pytest.raises(CommandFault, match="line 1 is not a report"):
        list(file.read(whole=whole))
    assert broken == path.read_text()


@settings(max_examples=at_most(30))
@given(image_reports)
def test_a_walk_reads_of_a_report_what_the_whole_one_says(report: ImageReport) -> None:
    """What it counts, and whether the image is finished, is the same, whatever is left unread."""
    assume(report.image.local is None)
    part = load_line(dump_line(report), CountedReport)
    assert isinstance(part, CountedReport)
    assert counted(report) == counted(part)


def counted(report: AnyReport) -> object:
    """Return all that a walk looks at."""
    image = (report.image.reference, report.image.digest, report.image.index_digest)
    runs = [(run.scanner, run.outcome, run.error) for run in report.results]
    return image, report.verdict, runs, [one.severity for one in report.vulnerabilities]


def test_a_local_image_is_in_no_file_of_a_walk(tmp_path: Path) -> None:
    """Its reference means a file here; read as that of a registry, it would stand for another image."""
    image = Image(
        reference=LocalReference.parse("docker-archive:app.tar"), digest="sha256:" + "a" * 64,
        local=LocalImage(form="docker-archive", path="/app.tar"),
    )  # fmt: skip
    (tmp_path / "r").write_text(dump_line(make_report(image=image)))
    with ResultsFile(tmp_path / "r", resume=True) as file, pytest.raises(CommandFault, match="a local image"):
        list(file.read(whole=False))


def test_a_line_that_is_too_long_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not read to its end."""
    fill(tmp_path / "r")
    monkeypatch.setattr(records, "LONGEST_VALUE", 20)
    with ResultsFile(tmp_path / "r", resume=True) as file, pytest.raises(CommandFault, match="line 1 is longer"):
        list(file.read())


def test_what_is_to_be_resumed_must_be_there(tmp_path: Path) -> None:
    """A slip in the name would else scan everything anew."""
    with pytest.raises(CommandFault, match="without --resume"):
        ResultsFile(tmp_path / "r", resume=True)


@pytest.mark.parametrize(
    "content", [b'{"schema_version":1,"reports":[]}', b"my notes", b"{\n", b'{"a":1}\n', b"\0\0notes", b" "]
)
def test_another_file_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    """A slip in the name must not cost a user his file, be its last line whole or not."""
    path = tmp_path / "r"
    path.write_bytes(content)
    with ResultsFile(path, resume=True) as file, pytest.raises(CommandFault, match="nothing was changed"):
        list(file.read())
    assert content == path.read_bytes()


def test_images_behind_the_end_are_not_cut_off(tmp_path: Path) -> None:
    """Two files that a user has put together are not what a killed program leaves."""
    path = tmp_path / "r"
    fill(path, ended=True)
    path.write_bytes(path.read_bytes() * 2)
    before = path.read_bytes()
    with ResultsFile(path, resume=True) as file, pytest.raises(CommandFault, match="line 5 follows the end"):
        list(file.read())
    assert before == path.read_bytes()


def test_what_a_machine_that_went_down_leaves_is_cut_off(tmp_path: Path) -> None:
    """A file system may have made the file longer and not have written what belongs there: zeros."""
    path = tmp_path / "r"
    fill(path)
    whole = path.read_bytes()
    path.write_bytes(whole + b"\0" * 5000)
    with ResultsFile(path, resume=True) as file:
        assert FINISHED == list(file.read())
    assert whole == path.read_bytes()


@pytest.mark.parametrize("outcome", Outcome)
def test_which_outcomes_may_end_better(tmp_path: Path, outcome: Outcome) -> None:
    """All but ok, and an image that a scanner can't read, are scanned again, one of two scanners being enough."""
    with ResultsFile(tmp_path / "r") as file:
        file.append(make_report(make_run("clair", Outcome.OK), make_run("trivy", outcome)))
    with ResultsFile(tmp_path / "r", resume=True) as file:
        assert (outcome in {Outcome.OK, Outcome.UNSUPPORTED}) == (len(list(file.read())) == 1)


AGAIN = [
    make_report(make_run("clair", Outcome.OK), image=make_image("r.example/team/app:2")),
    UnresolvedImage(reference=UNRESOLVED.reference, step="manifest", message="still not there"),
]


@pytest.mark.parametrize("whole", [True, False])
def test_a_line_that_is_there_twice_counts_once(tmp_path: Path, whole: bool) -> None:
    """It is counted once, and the end leaves one; another answer about a finished image is of no walk, and named."""
    path = tmp_path / "r"
    fill(path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join((lines[0], *lines)))
    with ResultsFile(path, resume=True) as file:
        assert 1 == len(list(file.read(whole=whole)))
        file.end(ReportDocument())
    assert [*lines, dump_line(ReportDocument()).encode()] == path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join((*lines, lines[2].replace(b"team/app:2", b"team/app:1"))))
    with ResultsFile(path, resume=True) as file, pytest.raises(CommandFault, match=r"line 4 is about r\.example/team"):
        list(file.read(whole=whole))


@pytest.mark.parametrize("killed", [True, False])
@pytest.mark.parametrize("again", [AGAIN[:1], AGAIN[1:], AGAIN])
def test_an_image_that_was_scanned_again_is_there_once(
    tmp_path: Path, again: list[ImageReport | UnresolvedImage], killed: bool
) -> None:
    """The later answer counts, also where a program was killed between the two; what was not scanned again stays."""
    path = tmp_path / "r"
    fill(path, ended=True)
    with ResultsFile(path, resume=True) as file:
        list(file.read())
        for end in again:
            file.append(end)
        if not killed:
            file.end(ReportDocument())
    if killed:
        with ResultsFile(path, resume=True) as file:
            list(file.read())
            file.end(ReportDocument())
    later = {reference_of(end): end for end in again}
    kept = [end for end in ENDS if reference_of(end) not in later]
    document = load_document(path.read_bytes())
    expected = [*kept, *again]
    assert [end for end in expected if isinstance(end, ImageReport)] == list(document.reports)
    assert [end for end in expected if not isinstance(end, ImageReport)] == list(document.errors)


KILLED = """
import os, pathlib, signal, sys
from portus_scan.walking.records import ResultsFile
from portus_scanners import ReportDocument

with ResultsFile(pathlib.Path(sys.argv[1]), resume=True) as file:
    list(file.read())
    for end in tuple(file.to_retry()):
        file.append(end)
    setattr(os, sys.argv[2], lambda *args, **kwargs: os.kill(os.getpid(), signal.SIGKILL))
    file.end(ReportDocument())
"""


@pytest.mark.parametrize("step", ["pread", "fsync", "chmod", "replace"])
def test_a_kill_while_the_file_is_replaced_loses_nothing(tmp_path: Path, step: str) -> None:
    """Killed before the first piece, before all is on the disk, or before the old file goes: the next walk ends it."""
    path = tmp_path / "r"
    fill(path, ended=True)
    ended = subprocess.run([sys.executable, "-c", KILLED, path, step], check=False, timeout=50)
    assert -signal.SIGKILL == ended.returncode
    with ResultsFile(path, resume=True) as file:
        assert (FINISHED, ENDS[1:]) == (list(file.read()), list(file.to_retry()))
        file.end(ReportDocument())
    document = load_document(path.read_bytes())
    assert ((ENDS[0], ENDS[2]), (UNRESOLVED,)) == (document.reports, document.errors)


def test_a_repository_whose_tags_are_known_now_is_no_fault_any_longer(tmp_path: Path) -> None:
    """It has its images' lines instead."""
    fill(tmp_path / "r", ended=True)
    with ResultsFile(tmp_path / "r", resume=True) as file:
        list(file.read())
        file.settle(UNRESOLVED.reference)
        file.end(ReportDocument())
    assert () == load_document((tmp_path / "r").read_bytes()).errors


def test_a_link_to_the_file_stays_one(tmp_path: Path) -> None:
    """What it points to is replaced."""
    fill(tmp_path / "r", ended=True)
    (tmp_path / "link").symlink_to("r")
    with ResultsFile(tmp_path / "link", resume=True) as file:
        list(file.read())
        file.append(AGAIN[0])
        file.end(ReportDocument())
    assert (True, False) == ((tmp_path / "link").is_symlink(), (tmp_path / "r").is_symlink())
    assert 3 == len(load_document((tmp_path / "r").read_bytes()).reports) + 1


@pytest.mark.parametrize("version", ["0", "2", "null"])
def test_another_version_of_the_form_is_refused_by_name(tmp_path: Path, version: str) -> None:
    """The message says which it is, and that another version of the program goes on with it."""
    path = tmp_path / "r"
    fill(path)
    path.write_bytes(path.read_bytes().replace(b'"schema_version":1', f'"schema_version":{version}'.encode()))
    before = path.read_bytes()
    with ResultsFile(path, resume=True) as file, pytest.raises(CommandFault, match=f"another version.*got {version}"):
        list(file.read())
    assert before == path.read_bytes()


def test_a_file_that_was_cut_meanwhile_is_no_endless_task(tmp_path: Path) -> None:
    """What was to be scanned again can't be read any longer: that is said."""
    fill(tmp_path / "r", ended=True)
    with ResultsFile(tmp_path / "r", resume=True) as file:
        list(file.read())
        file.append(AGAIN[0])
        os.truncate(tmp_path / "r", 10)
        with pytest.raises(CommandFault, match="changed by another program"):
            file.end(ReportDocument())
        with pytest.raises(CommandFault, match="changed by another program"):
            list(file.to_retry())
