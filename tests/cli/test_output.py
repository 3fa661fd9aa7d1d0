"""Files and stdout."""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from portus_scan.faults import CommandFault
from portus_scan.output import Output, write_stdout


def fail(*_: object) -> None:
    """Be a full disk."""
    raise OSError(errno.ENOSPC, "No space left on device")


def test_check_changes_nothing(tmp_path: Path) -> None:
    """The look before the scan leaves an old file as it is, and no new one."""
    old = tmp_path / "old"
    old.write_text("before")
    Output.check(str(old))
    Output.check(str(tmp_path / "new"))
    assert ([old], "before") == (list(tmp_path.iterdir()), old.read_text())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet=st.characters(exclude_categories=("Cs",), exclude_characters="\r")))
def test_file_has_the_text(tmp_path: Path, text: str) -> None:
    """The file has the text in UTF-8."""
    path = tmp_path / "report"
    Output.check(str(path)).write(text)
    assert text == path.read_text(encoding="utf-8")


def test_old_file_stays_when_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """When the disk is full the old file is unharmed, nothing is left beside it, and the text is on stdout."""
    path = tmp_path / "report"
    path.write_text("before")
    output = Output.check(str(path))
    monkeypatch.setattr(os, "fsync", fail)
    written = output.write("after\n")
    captured = capsysbinary.readouterr()
    assert (False, "before", [path], b"after\n", True) == (
        written,
        path.read_text(),
        list(tmp_path.iterdir()),
        captured.out,
        b"No space left on device" in captured.err,
    )


def test_mode_of_the_old_file_is_kept(tmp_path: Path) -> None:
    """A file that others may not read is not opened up."""
    path = tmp_path / "report"
    path.write_text("before")
    path.chmod(0o600)
    Output.check(str(path)).write("after")
    assert (0o600, "after") == (stat.S_IMODE(path.stat().st_mode), path.read_text())


def test_new_file_obeys_the_umask(tmp_path: Path) -> None:
    """A new file has the mode that any other new file has."""
    other, path = tmp_path / "other", tmp_path / "report"
    other.write_text("")
    Output.check(str(path)).write("after")
    assert stat.S_IMODE(other.stat().st_mode) == stat.S_IMODE(path.stat().st_mode)


def test_link_stays_a_link(tmp_path: Path) -> None:
    """What a link points to is replaced, not the link."""
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("before")
    link.symlink_to(target)
    Output.check(str(link)).write("after")
    assert (True, "after") == (link.is_symlink(), target.read_text())


def test_device_is_not_replaced() -> None:
    """A device is written to, and stays what it is."""
    assert (True, True) == (Output.check(os.devnull).write("text"), Path(os.devnull).is_char_device())


@pytest.mark.parametrize("name", ["", "/", "gone/report", "file/report", "x" * 300])
def test_unwritable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A place that can't be written is a fault that names it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandFault, match="can't write"):
        Output.check(name)


def test_write_protected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write-protected file is not replaced."""
    path = tmp_path / "report"
    path.write_text("")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(CommandFault, match="write-protected"):
        Output.check(str(path))


def test_stdout_in_a_small_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the encoding of stdout lacks is written as an escape."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    assert (True, b"caf\\xe9\n") == (write_stdout("café\n"), raw.getvalue())


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_stdout_that_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: int) -> None:
    """A stdout that can't be written is one line on stderr."""

    class Full(io.BytesIO):
        def write(self, _data: object, /) -> int:
            raise OSError(error, os.strerror(error))

    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(Full(), encoding="utf-8"))
    written = write_stdout("text")
    line = f"portus-scan: can't write to stdout: {os.strerror(error)}; use --output FILE\n"
    assert (False, line) == (written, capsys.readouterr().err)


def test_closed_stdout(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A process started without stdout says so."""
    monkeypatch.setattr(sys, "stdout", None)
    assert (False, True) == (write_stdout("text"), "stdout is closed" in capsys.readouterr().err)
