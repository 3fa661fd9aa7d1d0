"""The file of what is finished."""

from __future__ import annotations

from pathlib import Path

import pytest
from portus_scan.exits import CommandFault
from portus_scan.walking import records
from portus_scan.walking.records import INTERRUPTED, ResultsFile, reference_of
from portus_scanners import Outcome, ReportDocument, UnresolvedImage, load_document

from ..documents import UNRESOLVED, make_finding, make_image, make_report, make_run

ENDS = [
    make_report(make_run("clair", Outcome.OK, make_finding()), image=make_image("r.example/team/app:1")),
    UNRESOLVED,
    make_report(make_run("clair", Outcome.FAILED), image=make_image("r.example/team/app:2")),
]
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


def test_an_interrupted_walk_says_so_in_its_document(tmp_path: Path) -> None:
    """A reader of the file can't take it for the whole registry."""
    fill(tmp_path / "r", ended=True, interrupted=STOPPED)
    assert (UNRESOLVED, STOPPED) == load_document((tmp_path / "r").read_bytes()).errors


@pytest.mark.parametrize("tail", [b"", b"{", b'{"schema_version":1,"report":{"image":' + b"x" * 3_000_000])
@pytest.mark.parametrize("ended", [True, False])
def test_what_was_finished_is_read_again(tmp_path: Path, tail: bytes, ended: bool) -> None:
    """Each image once; what a killed program left of a line, and an earlier end, are cut off."""
    path = tmp_path / "r"
    fill(path)
    whole = path.read_bytes()
    path.unlink()
    fill(path, ended=ended, interrupted=STOPPED if ended else None)
    path.write_bytes(path.read_bytes() + tail)
    with ResultsFile(path, resume=True) as file:
        assert ENDS == list(file.read())
        assert [True, True, True, False] == [name in file for name in [*map(reference_of, ENDS), "r.example/new:1"]]
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


def test_a_line_that_is_no_report_is_named(tmp_path: Path) -> None:
    """And the file is left as it is."""
    path = tmp_path / "r"
    fill(path)
    broken = path.read_bytes().replace(b'"verdict":"unknown"', b'"verdict":"maybe"')
    path.write_bytes(broken)
    with ResultsFile(path, resume=True) as file, pytest.raises(CommandFault, match="line 3 is not a report"):
        list(file.read())
    assert broken == path.read_bytes()


def test_a_line_that_is_too_long_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not read to its end."""
    fill(tmp_path / "r")
    monkeypatch.setattr(records, "LONGEST_LINE", 20)
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
        assert ENDS == list(file.read())
    assert whole == path.read_bytes()
