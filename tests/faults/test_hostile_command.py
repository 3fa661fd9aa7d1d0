"""Hostile scanners in the command: the document is whole, the exit code true, and the program ends."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from portus_scanners import Outcome, ReportDocument, load_document
from portus_scanners_testing.images import debian_image, write_docker_archive

from .conftest import ENTRY_POINTS, hostile, names_of

ENDLESS = ["task_left", "task_left_exits", "thread_left", "worker_left", "swallows", "finish_swallows"]
"""Each keeps the program from ending in a way of its own; what one of them needs would hide the others' faults."""

PATIENT = 50
"""Seconds for what ends by itself, among a hundred others."""


class Ended:
    """How a process ended."""

    def __init__(self, code: int, stdout: bytes, stderr: bytes) -> None:
        self.code = code
        self.stdout = stdout.decode()
        self.stderr = stderr.decode()

    @property
    def document(self) -> ReportDocument:
        """What is on stdout, all of it."""
        return load_document(self.stdout)


@pytest.fixture
def archive(tmp_path: Path) -> str:
    """An image that needs no registry."""
    write_docker_archive(tmp_path / "app.tar", {"app:1": debian_image({"bash": "5.2-1"})})
    return f"docker-archive:{tmp_path / 'app.tar'}"


async def scan(archive: str, path: str, *names: str, **settings: dict[str, Any]) -> Ended:
    """Run the command with the scanners of these names and the dummy; those that never end have a second."""
    sections: dict[str, Any] = {
        name: {"enabled": True, "timeout": 1 if hostile(name).outcome is Outcome.TIMED_OUT else PATIENT}
        for name in names
        if name != "settings_odd"
    }
    config = Path(archive.partition(":")[2]).with_name("config.yml")
    config.write_text(json.dumps({"security": {"dummy": {"enabled": True}, **sections, **settings}}))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "portus_scan", "image", archive, "--config", str(config), "-o", "json"),
        env={**os.environ, "PYTHONPATH": path},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        stdout, stderr = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode is not None
    return Ended(process.returncode, stdout, stderr)


async def test_a_hundred_hostile_scanners_in_one_command(archive: str, hostile_path: str) -> None:
    """Whatever they return, raise, print and close: one document on stdout, each run's true end, and 3."""
    names = [name for name in ENTRY_POINTS if name not in ENDLESS + names_of("escaping")]
    ended = await scan(archive, hostile_path, *names, settings_odd={"enabled": True})
    (report,) = ended.document.reports
    expected = {name: hostile(name).outcome.value for name in names} | {"dummy": "ok"}
    assert expected == {run.scanner: run.outcome.value for run in report.results}
    assert (3, "vulnerable") == (ended.code, report.verdict.value)


@pytest.mark.parametrize("name", ENDLESS)
async def test_the_command_ends_whatever_is_left_running(archive: str, hostile_path: str, name: str) -> None:
    """A task that swallows its cancellation and a thread that waits forever can't keep the program from ending."""
    ended = await scan(archive, hostile_path, name)
    (report,) = ended.document.reports
    outcome = hostile(name).outcome.value
    assert {"dummy": "ok", name: outcome} == {run.scanner: run.outcome.value for run in report.results}
    assert (0 if outcome == "ok" else 3) == ended.code


async def test_what_foreign_code_prints_is_not_in_the_document(archive: str, hostile_path: str) -> None:
    """print, a write to descriptor 1 and a child's output go to stderr, in a table as well."""
    ended = await scan(archive, hostile_path, "noise")
    assert (0, 1) == (ended.code, len(ended.document.reports))
    assert ["noise of a child", "noise of print", "noise of write"] == sorted(ended.stderr.splitlines())


def test_every_scanner_is_in_a_test() -> None:
    """Those that last are tried in the command, all others in the engine as well."""
    assert set(ENDLESS) <= set(names_of("lasting"))
