"""However the command leaves, no program and no private folder is left: in a process of its own, with signals."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from portus_scanners_testing import ProgramFault, ScriptedProgram, StandInRegistry

from . import plugins
from .conftest import Ended, Process

STUBBORN = ProgramFault(hang=True, stubborn=True, child=True, stderr=b"early\n")
OBEDIENT = ProgramFault(hang=True, stderr=b"early\n")


class Scan:
    """The command while a program scans, and what may be left of it."""

    def __init__(self, process: Process, program: ScriptedProgram, folder: Path) -> None:
        self.process = process
        self._program = program
        self._folder = folder

    def left(self) -> tuple[bool, list[str]]:
        """Return whether somebody of the program's group is alive, and what is in the temporary folder."""
        (call,) = self._program.calls
        return _is_alive(call.process), [path.name for path in self._folder.iterdir()]

    async def end(self) -> Ended:
        """Wait for the end of the command."""
        return await self.process.end()

    def kill(self) -> None:
        """End the program whatever it does."""
        for call in self._program.calls:
            if _is_alive(call.process):
                os.killpg(call.process, signal.SIGKILL)


def _is_alive(group: int) -> bool:
    """Whether somebody of a process group is there who is no zombie."""
    stats = [_read_stat(path) for path in Path("/proc").glob("[0-9]*/stat")]
    return any(state not in "ZX" and number == str(group) for state, _parent, number, *_ in stats)


def _read_stat(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ["X", "", ""]


Begin = Callable[..., Awaitable[Scan]]


@pytest.fixture
def begin(
    start: Callable[..., Awaitable[Process]],
    install: Callable[..., Path],
    real_registry: StandInRegistry,
    tmp_path: Path,
) -> Iterator[Begin]:
    """``await begin(fault)`` starts a scan by a program with that fault, and waits until the program runs."""
    scans: list[Scan] = []

    async def make(fault: ProgramFault, **options: object) -> Scan:
        program = ScriptedProgram(tmp_path)
        program.break_with(fault)
        folder = tmp_path / "temporary"
        folder.mkdir()
        settings = {"PORTUS_SECURITY_ACME_ENABLED": "true", "PORTUS_SECURITY_ACME_PROGRAM": str(program.path)}
        places = {"PYTHONPATH": str(install("acme", plugins.PROGRAM)), "TMPDIR": str(folder)}
        reference = real_registry.reference("team/app", "1.0")
        process = await start("image", reference, env={**os.environ, **settings, **places}, **options)
        scans.append(Scan(process, program, folder))
        return scans[-1]

    yield make
    for scan in scans:
        scan.kill()


async def test_a_hangup_ends_the_program(begin: Begin) -> None:
    """SIGHUP is as SIGTERM: what was found is kept, the program and its private folder are gone."""
    scan = await begin(OBEDIENT)
    await scan.process.read_stderr("early")
    scan.process.interrupt(signal.SIGHUP)
    ended = await scan.end()
    assert (130, (False, [])) == (ended.code, scan.left())


async def test_a_hangup_that_is_ignored_stays_so(begin: Begin) -> None:
    """Under nohup SIGHUP counts for nothing: the Ctrl-C after it is the first, and what was found is printed."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a new process inherits that
    try:
        scan = await begin(OBEDIENT)
    finally:
        signal.signal(signal.SIGHUP, before)
    await scan.process.read_stderr("early")
    scan.process.interrupt(signal.SIGHUP)
    scan.process.interrupt(signal.SIGINT)
    ended = await scan.end()
    assert (130, True, (False, [])) == (ended.code, "stopped on request" in ended.stdout, scan.left())


async def test_the_second_signal_kills_the_program(begin: Begin) -> None:
    """A second Ctrl-C leaves neither a program that ignores TERM, nor its child, nor its private folder."""
    scan = await begin(STUBBORN)
    await scan.process.read_stderr("early")
    scan.process.interrupt(signal.SIGINT)
    await scan.process.read_stderr("stopping")
    scan.process.interrupt(signal.SIGINT)
    ended = await scan.end()
    assert (130, "", (False, [])) == (ended.code, ended.stdout, scan.left())


async def test_a_program_that_outlives_the_grace_is_killed(begin: Begin) -> None:
    """After one Ctrl-C a program that ignores TERM is not left behind either, when the command stops to wait for it."""
    scan = await begin(STUBBORN)
    await scan.process.read_stderr("early")
    scan.process.interrupt(signal.SIGINT)
    ended = await scan.end()
    assert (130, (False, [])) == (ended.code, scan.left())


async def test_a_terminal_that_is_closed_ends_the_program(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that goes away with the live display on it leaves neither the program nor its folder."""
    monkeypatch.setenv("TERM", "xterm-256color")
    ours, theirs = pty.openpty()
    scan = await begin(OBEDIENT, stderr=theirs)
    os.close(theirs)
    text = b""
    while b"early" not in text:
        text += await asyncio.to_thread(os.read, ours, 65536)
    os.close(ours)
    scan.process.interrupt(signal.SIGHUP)
    ended = await scan.end()
    assert (130, (False, [])) == (ended.code, scan.left())
