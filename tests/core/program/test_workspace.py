"""The private folder: what may be in it, and that it goes."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from portus_scanners import InvalidReportError, ScannerError, ScannerUnavailableError, Secret
from portus_scanners.backends import ProgramBackend, lasting_folder
from portus_scanners.backends.program import folders

Backend = Callable[..., ProgramBackend]


async def test_files_are_private(backend: Backend) -> None:
    """The folder is 0700, sub-folders too, files 0600, whatever the umask; what was there is replaced."""
    async with backend("").open_workspace() as workspace:
        (workspace.folder / "open").write_text("old")
        os.link(workspace.folder / "open", workspace.folder / "other")
        paths = [workspace.write("a/b/c.json", Secret("{}")), workspace.write("open", "ü"), workspace.write("x", b"\0")]
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (workspace.folder, paths[0].parent, *paths)]
        assert [0o700, 0o700, 0o600, 0o600, 0o600] == modes
        assert [b"{}", "ü".encode(), b"\0", b"old"] == [
            workspace.read(name) for name in ("a/b/c.json", "open", "x", "other")
        ]


async def test_two_runs_share_a_workspace(backend: Backend) -> None:
    """What one run has written, the next one and we can read."""
    text = "import sys; open('report', 'a').write(sys.argv[1])"
    async with backend(text).open_workspace() as workspace:
        await workspace.run("one")
        await workspace.run("two")
        assert b"onetwo" == workspace.read("report")


@pytest.mark.parametrize("name", ["", ".", "/etc/passwd", "../x", "a/../../x", "a\0b"])
async def test_names_stay_in_the_folder(backend: Backend, name: str) -> None:
    """A name that leads out of the folder, or names no file, is refused for writing and reading."""
    async with backend("").open_workspace() as workspace:
        with pytest.raises(ValueError, match="not a valid name of a file"):
            workspace.write(name, "x")
        with pytest.raises(ValueError, match="not a valid name of a file"):
            workspace.read(name)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda _path, _out: None, "No such file"),
        (lambda path, out: path.symlink_to(out / "file"), "leads out"),
        (lambda path, _out: path.symlink_to(path), "report"),
        (lambda path, _out: path.mkdir(), "not a regular file"),
        (lambda path, _out: os.mkfifo(path), "not a regular file"),
        (lambda path, _out: path.symlink_to("/dev/zero"), "leads out"),
        (lambda path, _out: path.write_bytes(bytes(101)), "longer than 100 bytes"),
    ],
    ids=["missing", "link-out", "link-loop", "folder", "fifo", "device", "long"],
)
async def test_files_that_are_no_report(
    backend: Backend, tmp_path: Path, make: Callable[[Path, Path], None], words: str
) -> None:
    """What is missing, not a regular file inside the folder, or too long is an invalid report, and hangs nobody up."""
    (tmp_path / "file").write_text("not the program's")
    async with backend("", max_output=100).open_workspace() as workspace:
        make(workspace.folder / "report", tmp_path)
        with pytest.raises(InvalidReportError, match=words):
            workspace.read("report")


async def test_a_file_of_exactly_the_limit(backend: Backend) -> None:
    """The limit itself is accepted; a limit of the call's own goes before the backend's; links inside are followed."""
    async with backend("", max_output=100).open_workspace() as workspace:
        workspace.write("report", bytes(100))
        (workspace.folder / "link").symlink_to("report")
        assert bytes(100) == workspace.read("report") == workspace.read("link")
        with pytest.raises(InvalidReportError, match="longer than 99"):
            workspace.read("report", limit=99)


async def test_writing_does_not_follow_the_programs_links(backend: Backend, tmp_path: Path) -> None:
    """A link that a program has left is replaced, one in the place of a sub-folder is refused."""
    (tmp_path / "file").write_text("mine")
    async with backend("").open_workspace() as workspace:
        (workspace.folder / "name").symlink_to(tmp_path / "file")
        (workspace.folder / "sub").symlink_to(tmp_path)
        workspace.write("name", "new")
        for name in ("sub/file", "sub/new/file"):
            with pytest.raises(ScannerError, match="leads out"):
                workspace.write(name, "new")
        (workspace.folder / "folder").mkdir()
        with pytest.raises(ScannerError, match="can't be written"):
            workspace.write("folder", "new")
    assert ("mine", False) == ((tmp_path / "file").read_text(), (tmp_path / "new").exists())


def test_folders_without_rights_are_removed(unprivileged: Path) -> None:
    """Read-only and locked sub-folders that a program left are removed, and nothing that a link names is touched."""
    outside, folder = unprivileged / "outside", unprivileged / "folder"
    outside.mkdir(mode=0o500)
    for name, mode in (("a/b/c", 0o500), ("d/e", 0o000)):
        (folder / name).mkdir(parents=True)
        (folder / name / "file").write_text("x")
        (folder / name / "link").symlink_to(outside)
        (folder / name).chmod(mode)
    (folder / "a").chmod(0o500)
    folder.chmod(0o500)
    assert "" == folders.remove_folder(folder)
    assert ([outside], 0o500) == (list(unprivileged.iterdir()), stat.S_IMODE(outside.stat().st_mode))
    outside.rmdir()


async def test_a_folder_that_cannot_be_removed_is_named(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names the folder and the reason; the answer stands."""
    real, left = folders.remove_folder, []

    def refuse(folder: Path) -> str:
        left.append(folder)
        return "Device or resource busy"

    monkeypatch.setattr(folders, "remove_folder", refuse)
    assert 0 == (await backend("").run()).status
    assert [f"the temporary folder {left[0]} could not be removed: Device or resource busy"] == caplog.messages
    real(left[0])


async def test_the_folder_goes_although_the_task_is_cancelled_again(backend: Backend) -> None:
    """A cancellation during the removal comes through after it."""
    inside = asyncio.Event()

    async def hold() -> None:
        async with backend("").open_workspace() as workspace:
            for number in range(300):
                workspace.write(f"{number}/file", "x")
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hold())
    await inside.wait()
    while not task.done():
        task.cancel()
        await asyncio.sleep(0)
    assert task.cancelled()


async def test_the_folder_goes_when_there_are_no_threads(backend: Backend) -> None:
    """When the event loop's threads have been shut down, the folder is removed all the same."""
    async with backend("").open_workspace() as workspace:
        await asyncio.get_running_loop().shutdown_default_executor()
    assert not workspace.folder.exists()


async def test_closing_ends_the_runs_that_go_on(backend: Backend) -> None:
    """A run that another task has begun ends with the workspace, and says so; none can be begun after that."""
    ready = asyncio.Event()
    async with backend("import os, signal; os.write(2, b'x\\n'); signal.pause()").open_workspace() as workspace:
        task = asyncio.create_task(workspace.run(on_line=lambda _line: ready.set()))
        await ready.wait()
    with pytest.raises(ScannerError, match="closed before it had ended"):
        await task
    with pytest.raises(RuntimeError, match="closed"):
        await workspace.run()


async def test_no_folder_can_be_made(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a usable temporary folder the scanner is unavailable, and the message says what to set."""
    monkeypatch.setattr(folders.tempfile, "tempdir", "/no/such/folder")
    with pytest.raises(ScannerUnavailableError, match="set TMPDIR"):
        await backend("").run()


def test_a_lasting_folder_is_made_for_us_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is in the user's home, not in the program's, has mode 0700, and is the same each time."""
    monkeypatch.setenv("HOME", str(tmp_path))
    made = lasting_folder("~/.cache/acme/db")
    assert (tmp_path / ".cache/acme/db", 0o700) == (made, stat.S_IMODE(made.stat().st_mode))
    assert made == lasting_folder(str(made))


def test_a_lasting_folder_that_can_not_be_made_is_said(tmp_path: Path) -> None:
    """The scanner is unavailable until the setting is changed: another try would not help."""
    (tmp_path / "file").touch()
    with pytest.raises(ScannerUnavailableError, match="nothing can be kept in") as caught:
        lasting_folder(str(tmp_path / "file"))
    assert caught.value.retry is False
