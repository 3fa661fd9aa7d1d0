"""However a run ends, nothing of it is left: see also the fixture that looks after each test."""

from __future__ import annotations

import asyncio
import ctypes
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from portus_scanners import ScannerUnavailableError
from portus_scanners.backends import ProgramBackend

from .conftest import children, is_running

Backend = Callable[..., ProgramBackend]

IGNORE = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
READY = "os.write(2, b'%d\\n' % os.getpid())"
WAIT = "while True: signal.pause()"
STUBBORN = {
    "obedient": f"{READY}; signal.pause()",
    "ignores-term": f"{IGNORE}; {READY}\n{WAIT}",
    "stopped": f"{READY}; os.kill(os.getpid(), signal.SIGSTOP); signal.pause()",
    "stopped-and-ignores-term": f"{IGNORE}; {READY}; os.kill(os.getpid(), signal.SIGSTOP)\n{WAIT}",
    "children-ignore-term": f"if os.fork() == 0: {IGNORE}; {READY}\n{WAIT}",
    "all-ignore-term": f"{IGNORE}; os.fork(); os.fork(); {READY}\n{WAIT}",
    "busy": f"{READY}\nwhile True: os.write(2, b'x' * 4096)",
}


@pytest.fixture(params=list(STUBBORN.values()), ids=list(STUBBORN))
def stubborn(request: pytest.FixtureRequest, backend: Backend) -> ProgramBackend:
    """A program that says its number on stderr and then does not end."""
    return backend(f"import os, signal\n{request.param}", grace=0.05)


class Runs:
    """A task that runs a program, and the processes that have said their numbers."""

    def __init__(self, backend: ProgramBackend) -> None:
        self.processes: list[int] = []
        self._ready = asyncio.Event()
        self.task = asyncio.create_task(backend.run(on_line=self._hear))

    def _hear(self, line: str) -> None:
        if line.isdigit():
            self.processes.append(int(line))
            self._ready.set()

    async def ready(self) -> None:
        """Wait until the program runs."""
        await self._ready.wait()

    def still_running(self) -> list[int]:
        """Return the processes that have not ended."""
        return [process for process in self.processes if is_running(process)]


async def test_cancelling_ends_the_whole_group(stubborn: ProgramBackend) -> None:
    """After a cancellation has come through, no process of the group is left, whatever it did about TERM."""
    runs = Runs(stubborn)
    await runs.ready()
    runs.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await runs.task
    assert [] == runs.still_running()


@pytest.mark.parametrize("steps", [1, 2, 3, 5, 8, 13])
async def test_a_second_cancellation_leaves_nothing(backend: Backend, steps: int) -> None:
    """Cancelled again and again while it ends, a run still ends everything and removes its folder."""
    runs = Runs(backend(f"import os, signal\n{STUBBORN['all-ignore-term']}", grace=0.05))
    await runs.ready()
    while not runs.task.done():
        runs.task.cancel()
        for _ in range(steps):
            await asyncio.sleep(0)
    assert (True, []) == (runs.task.cancelled(), runs.still_running())


@pytest.mark.parametrize("steps", range(12))
async def test_cancelling_at_any_moment_of_the_start(backend: Backend, steps: int) -> None:
    """A run that is cancelled before, while or after its program starts leaves nothing."""
    runs = Runs(backend(f"import os, signal\n{STUBBORN['children-ignore-term']}", grace=0.05))
    for _ in range(steps):
        await asyncio.sleep(0)
    runs.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await runs.task
    assert [] == runs.still_running()


async def test_a_timeout_ends_the_group(stubborn: ProgramBackend) -> None:
    """A run over its own timeout is unavailable, and its group has ended."""
    with pytest.raises(ScannerUnavailableError, match=r"did not end within 0\.3 s") as raised:
        await stubborn.run(timeout=0.3)
    assert (True, set()) == (raised.value.retry, children())


async def test_an_error_in_on_line_ends_the_run(stubborn: ProgramBackend) -> None:
    """What on_line raises is raised by run(), after everything has ended."""
    heard: list[int] = []

    def fail(line: str) -> None:
        heard.append(int(line))
        raise LookupError(line)

    with pytest.raises(LookupError):
        await stubborn.run(on_line=fail)
    assert (1, False) == (len(heard), is_running(heard[0]))


async def test_an_error_in_on_line_about_the_last_line(backend: Backend) -> None:
    """A line that is told after the program has ended raises as well."""

    def fail(line: str) -> None:
        raise LookupError(line)

    with pytest.raises(LookupError, match="unended"):
        await backend("import os; os.write(2, b'unended')").run(on_line=fail)


@pytest.mark.parametrize("ignores", [IGNORE, "pass"], ids=["ignores-term", "obedient"])
async def test_children_that_outlive_the_program_are_ended(backend: Backend, ignores: str) -> None:
    """When the program has ended, what it has started and left is ended too; its answer stands."""
    text = f"""
        import os, signal
        ours, theirs = os.pipe()
        if os.fork() == 0:
            {ignores}
            {READY}
            os.write(theirs, b"x")
            while True: signal.pause()
        os.read(ours, 1)
        print("answer", end="", flush=True)
        os._exit(7)
    """
    answer = await backend(text, grace=0.05).run()
    assert (7, b"answer") == (answer.status, answer.stdout)
    assert not is_running(int(answer.stderr))


async def test_a_daemon_that_holds_the_pipes_does_not_hang_us(backend: Backend, fifo: Path) -> None:
    """A process that has left the group and holds stdin, stdout and stderr open does not keep the run from ending."""
    text = """
        import os, sys
        ours, theirs = os.pipe()
        if os.fork() == 0:
            os.setsid()
            os.write(theirs, b"x")
            open(sys.argv[1]).read()
            os._exit(0)
        os.read(ours, 1)
        print("answer", end="", flush=True)
    """
    answer = await backend(text).run(fifo, stdin=bytes(10_000_000))
    assert (0, b"answer") == (answer.status, answer.stdout)
    with fifo.open("w"):  # lets the daemon go
        pass


@pytest.fixture
def subreaper() -> Iterator[None]:
    """Orphans come to us, as they do to the first process of a container."""
    libc, set_child_subreaper = ctypes.CDLL(None), 36
    libc.prctl(set_child_subreaper, 1, 0, 0, 0)
    yield
    libc.prctl(set_child_subreaper, 0, 0, 0, 0)


@pytest.mark.usefixtures("subreaper")
async def test_orphans_that_come_to_us_are_reaped(backend: Backend) -> None:
    """Where we are the first process of a container, no zombie of the group is left."""
    answer = await backend(
        f"import os, signal\nif os.fork() == 0: {IGNORE}\nelse: os._exit(0)\n{WAIT}", grace=0.05
    ).run()
    assert (0, set()) == (answer.status, children())


async def test_pipes_that_are_closed_early(backend: Backend) -> None:
    """A program that closes stdout and stderr and goes on is waited for."""
    text = "import os; os.write(1, b'x'); os.close(1); os.close(2); os.read(0, 1); os.read(0, 1); os._exit(5)"
    answer = await backend(text).run(stdin=b"y")
    assert (5, b"x") == (answer.status, answer.stdout)


async def test_all_that_was_written_is_read(backend: Backend) -> None:
    """What is in the pipe when the program ends is not lost."""
    answers = [await backend("import os; os.write(1, b'x' * 65536); os._exit(0)").run() for _ in range(5)]
    assert [65536] * 5 == [len(answer.stdout) for answer in answers]


def test_the_end_of_the_event_loop_leaves_nothing(backend: Backend) -> None:
    """asyncio.run() ends programs of tasks that nobody has awaited: it cancels every task there is."""
    runs: list[Runs] = []

    async def leave() -> None:
        runs.append(Runs(backend(f"import os, signal\n{STUBBORN['all-ignore-term']}", grace=0.05)))
        await runs[0].ready()

    asyncio.run(leave())
    assert (True, []) == (runs[0].task.cancelled(), runs[0].still_running())


async def test_a_group_that_may_not_be_ended_is_left_and_named(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the system lets nobody end a program, the run ends all the same, and the log says so."""
    from portus_scanners.backends.program import process

    real = os.killpg

    def refuse(_group: int, _number: int) -> None:
        raise PermissionError

    monkeypatch.setattr(process, "_REAP", 0.05)
    monkeypatch.setattr(process, "_DRAIN", 0.05)
    monkeypatch.setattr(process, "_CLOSE", 0.05)
    monkeypatch.setattr(os, "killpg", refuse)
    with pytest.raises(ScannerUnavailableError, match="did not end"):
        await backend("import signal; signal.pause()", grace=0.05).run(timeout=0.05)
    monkeypatch.setattr(os, "killpg", real)
    assert ["not all of its processes could be ended"] == [text.partition(": ")[2] for text in caplog.messages]
    while children():  # noqa: ASYNC110 (closing the pipes has killed it; asyncio's watcher reaps it)
        await asyncio.sleep(0)
