"""Files and folders that formats are written to."""

from __future__ import annotations

import errno
import os
import select
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from portus_scan import ReportFile
from portus_scan.delivery.places import FilePlace, FolderPlace, FormatFault, is_inside
from portus_scan.exits import CommandFault


def fail(*_: object) -> None:
    """Be a full disk."""
    raise OSError(errno.ENOSPC, "No space left on device")


def test_check_changes_nothing(tmp_path: Path) -> None:
    """The look before the scan leaves an old file as it is, and no new one."""
    old = tmp_path / "old"
    old.write_text("before")
    FilePlace.check(str(old))
    FilePlace.check(str(tmp_path / "new"))
    assert ([old], "before") == (list(tmp_path.iterdir()), old.read_text())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet=st.characters(exclude_categories=("Cs",), exclude_characters="\r")))
def test_file_has_the_text(tmp_path: Path, text: str) -> None:
    """The file has the text in UTF-8."""
    path = tmp_path / "report"
    FilePlace.check(str(path)).write([text])
    assert text == path.read_text(encoding="utf-8")


def test_old_file_stays_when_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """When the disk is full the old file is unharmed, nothing is left beside it, and that is said."""
    path = tmp_path / "report"
    path.write_text("before")
    output = FilePlace.check(str(path))
    monkeypatch.setattr(os, "fsync", fail)
    written = output.write(["af", "ter\n"])
    assert (False, "before", [path], True) == (
        written,
        path.read_text(),
        list(tmp_path.iterdir()),
        "No space left on device" in capsys.readouterr().err,
    )


def test_mode_of_the_old_file_is_kept(tmp_path: Path) -> None:
    """A file that others may not read is not opened up."""
    path = tmp_path / "report"
    path.write_text("before")
    path.chmod(0o600)
    FilePlace.check(str(path)).write(["af", "ter"])
    assert (0o600, "after") == (stat.S_IMODE(path.stat().st_mode), path.read_text())


def test_new_file_obeys_the_umask(tmp_path: Path) -> None:
    """A new file has the mode that any other new file has."""
    other, path = tmp_path / "other", tmp_path / "report"
    other.write_text("")
    FilePlace.check(str(path)).write(["af", "ter"])
    assert stat.S_IMODE(other.stat().st_mode) == stat.S_IMODE(path.stat().st_mode)


def test_link_stays_a_link(tmp_path: Path) -> None:
    """What a link points to is replaced, not the link."""
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("before")
    link.symlink_to(target)
    FilePlace.check(str(link)).write(["af", "ter"])
    assert (True, "after") == (link.is_symlink(), target.read_text())


def test_pipe_is_left_alone_until_there_is_text(tmp_path: Path) -> None:
    """A look at a named pipe does not open it: its reader would see an end before anything is written."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    watch = select.poll()
    watch.register(reader)
    try:
        output = FilePlace.check(str(path))
        assert [] == watch.poll(0)  # a writer that came and went leaves a hang-up behind
        assert (True, b"text") == (output.write(["text"]), os.read(reader, 10))
    finally:
        os.close(reader)


def test_device_is_not_replaced() -> None:
    """A device is written to, and stays what it is."""
    assert (True, True) == (FilePlace.check(os.devnull).write(["text"]), Path(os.devnull).is_char_device())


@pytest.mark.parametrize("name", ["", "/", "gone/report", "file/report", "x" * 300])
def test_unwritable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A place that can't be written is a fault that names it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandFault, match="can't write"):
        FilePlace.check(name)


def test_write_protected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write-protected file is not replaced."""
    path = tmp_path / "report"
    path.write_text("")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(CommandFault, match="write-protected"):
        FilePlace.check(str(path))


def file(path: str, content: bytes = b"new") -> ReportFile:
    """Return a file of a format."""
    return ReportFile(path=path, content=content)


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file in a folder, by its path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class TestFolder:
    """A folder of files."""

    def test_files_are_replaced_and_others_stay(self, tmp_path: Path) -> None:
        """The files of the format are there, in folders of their own; what else was there is as it was."""
        site = tmp_path / "a" / "site"
        folder = FolderPlace.check(str(site))
        assert not site.parent.exists()
        assert folder.write([file("index.html", b"old"), file("app/1.0.html")])
        (site / "mine.txt").write_text("mine")
        assert FolderPlace.check(str(site)).write([file("index.html"), file("style.css")])
        assert {"index.html": b"new", "app/1.0.html": b"new", "style.css": b"new", "mine.txt": b"mine"} == contents(
            site
        )

    @pytest.mark.parametrize("end", [FormatFault("it raised"), OSError(28, "No space left on device"), None])
    def test_an_old_folder_is_whole_until_the_new_one_is(self, tmp_path: Path, end: Exception | None) -> None:
        """A format that fails half way, a full disk, a folder in a file's place: the old files stay, all of them."""
        folder = FolderPlace.check(str(tmp_path / "site"))
        assert folder.write([file("a/1.html", b"old"), file("index.html", b"old")])
        (tmp_path / "site" / "b").mkdir()

        def files() -> Iterator[ReportFile]:
            yield file("a/1.html")
            yield file("index.html")
            if end is not None:
                raise end
            yield file("b")

        with suppress(FormatFault):
            assert not folder.write(files())
        assert {"a/1.html": b"old", "index.html": b"old"} == contents(tmp_path / "site")

    @pytest.mark.parametrize("name", ["file", "file/site", "a\0b"])
    def test_unwritable(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        """A folder that can't be written is a fault before anything is scanned; so is a file of that name."""
        monkeypatch.chdir(tmp_path)
        (tmp_path / "file").write_text("")
        with pytest.raises(CommandFault, match="can't write"):
            FolderPlace.check(name)

    @pytest.mark.parametrize(
        "path",
        ["", "/etc/passwd", "../up", "a/../../up", "a//b", "./a", "a/", "a\0b", "a\\b", "C:a", "a\nb", "..", "\x1b[2J"],
    )
    def test_nothing_is_written_outside(self, tmp_path: Path, path: str) -> None:
        """A path that is not plain is the format's fault, whatever it would mean."""
        with pytest.raises(FormatFault, match="not a relative path"):
            FolderPlace.check(str(tmp_path / "site")).write([file(path)])
        assert {} == contents(tmp_path)

    @given(st.text(max_size=12) | st.lists(st.sampled_from(["..", ".", "", "a", "/", "\\"])).map("/".join))
    def test_what_is_inside_stays_inside(self, path: str) -> None:
        """No path that is let through leads out of its folder, on POSIX."""
        folder = Path("/srv/site")
        assert not is_inside(path) or Path(os.path.normpath(folder / path)).is_relative_to(folder)

    def test_links_are_not_followed(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A folder below that is a link is refused; a file that is a link is replaced, and what it led to stays."""
        site, other = tmp_path / "site", tmp_path / "other"
        site.mkdir()
        other.mkdir()
        (other / "file").write_bytes(b"mine")
        (site / "out").symlink_to(other)
        (site / "index.html").symlink_to(other / "file")
        folder = FolderPlace.check(str(site))
        assert (True, False) == (folder.write([file("index.html")]), folder.write([file("out/file")]))
        assert ({"file": b"mine"}, True) == (contents(other), "out is a link" in capsys.readouterr().err)

    def test_a_path_comes_once(self, tmp_path: Path) -> None:
        """Two files of one path are the format's fault: one would hide the other."""
        with pytest.raises(FormatFault, match="twice"):
            FolderPlace.check(str(tmp_path)).write([file("a"), file("a")])

    def test_a_full_disk(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """What can't be written is said; the file that was there is unharmed."""
        (tmp_path / "index.html").write_bytes(b"old")
        folder = FolderPlace.check(str(tmp_path))
        monkeypatch.setattr(os, "fsync", fail)
        assert (False, {"index.html": b"old"}) == (folder.write([file("index.html")]), contents(tmp_path))
        assert "No space left on device" in capsys.readouterr().err
