"""What ends the command that should not: a fault of its own is 70, and nothing but the gate is 1."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import Result
from portus_scan import session
from portus_scan.command import LazyGroup

Run = Callable[..., Result]


@pytest.fixture
def break_it(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """``break_it(error)`` lets every sub-command raise it."""

    def put(error: BaseException) -> None:
        def fail() -> None:
            raise error

        monkeypatch.setattr(LazyGroup, "get_command", lambda *_: click.Command("broken", callback=fail))

    return put


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (RuntimeError("a\nb"), 70, "it crashed (RuntimeError: a b): this is a fault of portus-scan"),
        (KeyError("\x1b[2J"), 70, "please report it"),
        (MemoryError(), 70, "it crashed (MemoryError)"),
        (SystemExit(0), 70, "it crashed (SystemExit: 0)"),
        (SystemExit(1), 70, "it crashed (SystemExit: 1)"),
        (asyncio.CancelledError(), 70, "it crashed (CancelledError)"),
        (EOFError(), 70, "it crashed (EOFError)"),
        (ModuleNotFoundError("No module named 'x'"), 70, "No module named 'x'"),
        (OSError(errno.EMFILE, "Too many open files"), 70, "this machine has refused something"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 70, "it crashed (BrokenPipeError"),
        (PermissionError(errno.EACCES, "Permission denied"), 70, "Permission denied"),
        (click.FileError("x", "it is gone"), 2, "it is gone"),
        (click.ClickException("no"), 2, "no"),
        (click.Abort(), 130, "interrupted"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_what_is_not_a_failed_gate_is_not_1(
    run: Run, break_it: Callable[[BaseException], None], error: BaseException, code: int, words: str
) -> None:
    """One line on stderr says what it is; no error of the machine is taken for one of stdout."""
    break_it(error)
    result = run("broken")
    assert (code, 1, True) == (result.exit_code, len(result.stderr.strip().splitlines()), words in result.stderr)
    assert "\x1b" not in result.stderr
    assert "stdout" not in result.stderr


def test_the_traceback_is_in_the_log(
    run: Run, break_it: Callable[[BaseException], None], caplog: pytest.LogCaptureFixture
) -> None:
    """``-v`` shows where it happened, which a report needs."""
    break_it(ZeroDivisionError("here"))
    with caplog.at_level(logging.ERROR):
        run("-v", "broken")
    assert "Traceback" in caplog.text
    assert "ZeroDivisionError: here" in caplog.text


@pytest.mark.parametrize("part", ["click", "attrs", "portus_scanners", "portus_images"])
async def test_a_broken_installation_is_70(tmp_path: Path, part: str) -> None:
    """A part that is missing or of another version is a line that says so, not a traceback and a failed gate."""
    (tmp_path / f"{part}.py").write_text("raise ImportError('it is of another version')\n")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", "from portus_scan.__main__ import main; main()", "image", "--platform", "linux/amd64", "x"),
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    stdout, stderr = await process.communicate()
    assert (70, b"", 1) == (process.returncode, stdout, len(stderr.splitlines()))
    assert b"it is of another version" in stderr


def test_a_loop_that_will_not_close_leaves_with_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a plugin has left behind is waited for a moment; the answer's exit code stays."""
    left: list[int] = []
    loop = session.EventLoop()
    waiting = loop.runner.get_loop().create_future()

    async def stay() -> None:
        while not waiting.done():
            try:
                await asyncio.shield(waiting)
            except asyncio.CancelledError:
                continue

    async def begin() -> Any:
        task = asyncio.create_task(stay())
        await asyncio.sleep(0)
        return task

    def leave(code: int) -> None:
        left.append(code)
        loop.runner.get_loop().call_soon_threadsafe(waiting.set_result, None)

    monkeypatch.setattr(session, "GRACE", 0.01)
    monkeypatch.setattr(session, "leave_at_once", leave)
    with loop:
        loop.runner.run(begin())
        loop.code = session.ExitCode.PARTIAL
    assert [session.ExitCode.PARTIAL] == left
