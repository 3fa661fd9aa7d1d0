"""One process at a time at a server: the lock file, who waits for it, and how long it is held."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
from portus_scanner_zypper_docker.server_turn import take_turn
from portus_scanners_testing import RecordingContext, StandInContext

SERVER = "http://zypper.example:3000"
OTHER_PROCESS = """
import asyncio
import os
from portus_scanner_zypper_docker.server_turn import take_turn
from portus_scanners_testing import StandInContext

async def main():
    async with take_turn(StandInContext(), "http://ZYPPER.example:3000/"):
        print("taken", flush=True)
        input()

asyncio.run(main())
"""


@pytest.fixture(autouse=True)
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user's folders are: ``runtime``, ``cache``, ``home``."""
    for variable, name in (("XDG_RUNTIME_DIR", "runtime"), ("XDG_CACHE_HOME", "cache"), ("HOME", "home")):
        (tmp_path / name).mkdir(exist_ok=True)  # one is the plugin tests' own
        monkeypatch.setenv(variable, str(tmp_path / name))
    return tmp_path


async def is_free(server: str = SERVER) -> bool:
    """Return whether the turn at a server could be taken at once."""
    async with take_turn(StandInContext(), server, wait=False) as turn:
        return turn.taken


def locks(folder: Path) -> list[Path]:
    """Return the lock files in a folder."""
    return list(folder.glob("portus-scanners/*.lock"))


async def test_the_lock_is_in_the_runtime_folder_and_private(homes: Path) -> None:
    """Mode 0600, in a folder of mode 0700; it stays there, unlocked."""
    async with take_turn(StandInContext(), SERVER) as turn:
        (lock,) = locks(homes / "runtime")
        assert (True, "", False) == (turn.taken, turn.fault, await is_free())
    assert (0o600, 0o700) == (lock.stat().st_mode & 0o777, lock.parent.stat().st_mode & 0o777)
    assert (True, [lock]) == (await is_free(), locks(homes / "runtime"))


@pytest.mark.parametrize(
    ("server", "same"),
    [
        ("http://Zypper.Example:3000/", True),
        ("https://zypper.example.:3000/path", True),
        ("http://zypper.example:3001", False),
        ("http://zypper.example", False),
        ("http://other.example:3000", False),
    ],
)
async def test_host_and_port_say_which_server_it_is(server: str, same: bool) -> None:
    """Whatever else is in the URL."""
    async with take_turn(StandInContext(), SERVER):
        assert same is not await is_free(server)


async def test_loopback_has_one_name() -> None:
    """``localhost`` is 127.0.0.1."""
    async with take_turn(StandInContext(), "http://localhost:3000"):
        assert [False, False] == [await is_free(f"http://{host}:3000") for host in ("127.0.0.1", "[::1]")]


async def test_another_process_is_waited_for() -> None:
    """Each look is shown as progress and is a wait, which counts for the deadline; a killed process holds nothing."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", OTHER_PROCESS, stdin=pipe, stdout=pipe)
    try:
        assert process.stdout is not None
        assert b"taken\n" == await process.stdout.readline()
        context = KillingContext(process, after=3)
        async with take_turn(context, SERVER) as turn:
            assert (True, "") == (turn.taken, turn.fault)
        assert [0.5] * 3 == context.waits
        assert [(0, 0, "waiting for another process that uses the server")] * 3 == context.calls_of("progress")
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


class KillingContext(RecordingContext):
    """Kills a process when the scanner has waited for it some times."""

    def __init__(self, process: asyncio.subprocess.Process, *, after: int) -> None:
        super().__init__()
        self._process = process
        self._after = after

    async def wait(self, seconds: float) -> None:
        await super().wait(seconds)
        if len(self.waits) == self._after:
            self._process.kill()
            await self._process.wait()


async def test_a_request_that_goes_on_keeps_the_turn() -> None:
    """The scan may have ended: who asks then would overlap with its request. An error of that request is no matter."""
    release = asyncio.Event()

    async def request() -> None:
        await release.wait()
        raise OSError

    async with take_turn(StandInContext(), SERVER) as turn:
        going_on = turn.keep(request())
    assert not await is_free()
    release.set()
    with pytest.raises(OSError):  # noqa: PT011 (the one above)
        await going_on
    assert await is_free()


async def test_a_cancelled_scan_gives_its_turn_back() -> None:
    """In its wait it has none, and after it none."""

    async def scan(entered: asyncio.Event) -> None:
        async with take_turn(StandInContext(), SERVER):
            entered.set()
            await asyncio.Event().wait()

    entered = [asyncio.Event(), asyncio.Event()]
    tasks = [asyncio.ensure_future(scan(event)) for event in entered]
    await entered[0].wait()
    tasks[1].cancel()
    await asyncio.wait({tasks[1]})
    assert not await is_free()
    tasks[0].cancel()
    await asyncio.wait({tasks[0]})
    assert (True, False) == (await is_free(), entered[1].is_set())


async def test_without_a_runtime_folder_it_is_in_the_cache(homes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the variable, or else the one in the home folder."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(homes / "missing"))
    async with take_turn(StandInContext(), SERVER):
        assert 1 == len(locks(homes / "cache"))
    monkeypatch.delenv("XDG_CACHE_HOME")
    async with take_turn(StandInContext(), SERVER):
        assert 1 == len(locks(homes / "home" / ".cache"))
    assert not (homes / "missing").exists()


async def test_no_link_is_followed(homes: Path) -> None:
    """Where somebody has put a link, the next folder is taken; what the link leads to is not touched."""
    async with take_turn(StandInContext(), SERVER):
        (lock,) = locks(homes / "runtime")
    victim = homes / "victim"
    victim.write_text("mine")
    victim.chmod(0o644)
    lock.unlink()
    lock.symlink_to(victim)
    async with take_turn(StandInContext(), SERVER) as turn:
        assert (True, "", [lock.name]) == (turn.taken, turn.fault, [one.name for one in locks(homes / "cache")])
    assert ("mine", 0o644) == (victim.read_text(), victim.stat().st_mode & 0o777)


@pytest.mark.parametrize("odd", ["link to a folder", "others write", "a file", "a pipe"])
async def test_a_place_that_is_not_ours_is_no_lock(homes: Path, odd: str) -> None:
    """A fault, no failure, and the turn is taken: there are no locks everywhere."""
    async with take_turn(StandInContext(), SERVER):
        (lock,) = locks(homes / "runtime")
    for base in (homes / "runtime", homes / "cache"):
        folder = base / "portus-scanners"
        spoil(folder, lock.name, odd)
    async with take_turn(StandInContext(), SERVER) as turn:
        assert (True, True) == (turn.taken, bool(turn.fault))
        assert await is_free()


def spoil(folder: Path, name: str, odd: str) -> None:
    """Put something else where a lock file would be."""
    for old in folder.glob("*"):
        old.unlink()
    if folder.exists():
        folder.rmdir()
    match odd:
        case "link to a folder":
            elsewhere = folder.with_name("elsewhere")
            elsewhere.mkdir()
            folder.symlink_to(elsewhere)
        case "others write":
            folder.mkdir()
            folder.chmod(0o777)
        case "a file":
            folder.write_text("")
        case _:
            folder.mkdir(mode=0o700)
            os.mkfifo(folder / name)
