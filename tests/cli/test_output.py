"""Text on stdout."""

from __future__ import annotations

import errno
import io
import os
import sys

import pytest
from portus_scan.terminal import write_stdout


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
    line = f"portus-scan: can't write to stdout: {os.strerror(error)}; write to a file: -o FORMAT=FILE\n"
    assert (False, line) == (written, capsys.readouterr().err)


def test_closed_stdout(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A process started without stdout says so."""
    monkeypatch.setattr(sys, "stdout", None)
    assert (False, True) == (write_stdout("text"), "stdout is closed" in capsys.readouterr().err)
