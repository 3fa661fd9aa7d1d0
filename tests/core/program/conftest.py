"""Programs made on the spot, and a look at what they leave behind."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import textwrap
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from portus_scanners.backends import ProgramBackend
from portus_scanners_testing import StandInContext


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], str]:
    """``program("print(1)")`` makes an executable Python program of this text; gives its path."""
    made: list[Path] = []

    def make(text: str) -> str:
        path = tmp_path / f"program{len(made)}"
        path.write_text(f"#!{sys.executable} -IS\n{textwrap.dedent(text)}")
        path.chmod(0o755)
        made.append(path)
        return str(path)

    return make


@pytest.fixture
def backend(program: Callable[[str], str]) -> Callable[..., ProgramBackend]:
    """``backend("print(1)", grace=0.1)`` is a backend whose program has this text."""
    return lambda text, **options: ProgramBackend(StandInContext(), program(text), **options)


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    """A FIFO, on which a program and a test wait for each other."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


def children() -> set[int]:
    """Return the processes whose parent we are, zombies too."""
    stats = [_read(path) for path in Path("/proc").glob("[0-9]*/stat")]
    fields = [(int(stat.split()[0]), int(stat.rpartition(")")[2].split()[1])) for stat in stats if stat]
    return {process for process, parent in fields if parent == os.getpid()}


def is_running(process: int) -> bool:
    """Whether a process is there and no zombie."""
    stat = _read(Path(f"/proc/{process}/stat"))
    return bool(stat) and stat.rpartition(")")[2].split()[0] != "Z"


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):  # ended meanwhile
        return ""


def descriptors() -> dict[str, str]:
    """Return what is open, by number."""
    found = {}
    for path in Path("/proc/self/fd").iterdir():
        try:
            found[path.name] = str(path.readlink())
        except FileNotFoundError:  # the listing's own
            continue
    return found


def other_tasks() -> set[asyncio.Task[Any]]:
    """Return all tasks but the current one."""
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}


@pytest.fixture(autouse=True)
async def _nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Every test of this folder leaves no process, zombie, descriptor, task or temporary folder."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    before = children(), descriptors(), other_tasks()
    yield
    assert before == (children(), descriptors(), other_tasks())
    assert [] == list(temporary.iterdir())


@pytest.fixture
def unprivileged(tmp_path: Path) -> Iterator[Path]:
    """A folder of a user to whom file modes apply: root becomes another one meanwhile."""
    folder = Path(tempfile.mkdtemp(dir="/tmp")).resolve()
    uid = os.geteuid()
    if uid == 0:
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
    try:
        yield folder
    finally:
        os.seteuid(uid)
        if folder.exists():
            folder.chmod(0o700)
            folder.rmdir()
