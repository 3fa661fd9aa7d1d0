"""The command with the dummy scanner, in this process and in one of its own."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from attrs import evolve, frozen
from click.testing import CliRunner, Result
from portus_scan import scanning, session
from portus_scan.command import command
from portus_scanners import Engine, Image, ImageNotFoundError, Platform, Reference, Settings
from portus_scanners_testing import StandInRegistry
from portus_scanners_testing.images import debian_image, make_helm_chart

from .documents import make_image


class StubRegistry:
    """Resolves every reference but those of a repository ``missing``; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Platform | None]] = []
        self.on_resolve: Callable[[Reference], object] = lambda _: None

    async def resolve(self, reference: Reference, platform: Platform | None = None) -> Image:
        self.asked.append((reference.text, platform))
        self.on_resolve(reference)
        if "missing" in reference.repository:
            msg = "there is no such tag; look at its name"
            raise ImageNotFoundError(msg, registry=reference.registry, step="manifest", status=404)
        if "endless" in reference.repository:
            await asyncio.Event().wait()
        image = make_image(reference.text)
        return evolve(image, unsupported="a Helm chart") if "chart" in reference.repository else image

    async def resolve_all(self, reference: Reference) -> tuple[Image, ...]:
        image = await self.resolve(reference)
        others = [
            evolve(image, platform=Platform("linux", name), digest=f"sha256:{name:x<64}") for name in ("arm", "s390x")
        ]
        return image, *others, evolve(image, platform=None, unsupported="it is an attestation")


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> StubRegistry:
    """What the command's engines resolve with: no network."""
    stub = StubRegistry()

    def make_engine(settings: Settings, *, grace: float, **options: Any) -> Engine:
        return Engine(settings, registry=stub, grace=min(grace, 0.05), **options)

    monkeypatch.setattr(scanning, "Engine", make_engine)
    monkeypatch.setattr(session, "Engine", make_engine)
    return stub


@pytest.fixture(autouse=True)
def _stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaving at once must not end the tests themselves."""

    def leave(code: int) -> None:
        raise click.exceptions.Exit(int(code))

    monkeypatch.setattr(session, "leave_at_once", leave)


@pytest.fixture
def run(registry: StubRegistry) -> Callable[..., Result]:
    """``run("image", "app:1", env={...})`` in this process, stdout and stderr apart; ``stdin`` is a text."""

    def invoke(*arguments: str, env: dict[str, str] | None = None, stdin: str | None = None) -> Result:
        return CliRunner(env=env).invoke(command, arguments, input=stdin, prog_name="portus-scan")

    return invoke


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., str]:
    """``config({"image": "*", "behaviour": "empty"}, ...)`` scripts the dummy and returns the file's path."""

    def write(*script: dict[str, Any], **instances: list[dict[str, Any]]) -> str:
        sections: dict[str, Any] = {"dummy": {"server": "scripted", "script": list(script)}}
        for name, steps in instances.items():
            sections[name] = {"scanner": "dummy", "enabled": True, "script": steps}
        path = tmp_path / "config.yml"
        path.write_text(yaml.safe_dump({"security": sections}))
        return str(path)

    return write


@frozen
class Ended:
    """How a process ended."""

    code: int
    stdout: str
    stderr: str


async def run_here(*arguments: str) -> Ended:
    """Run the command to its end in a thread of this process, while the servers of the test answer.

    It takes a fraction of the time of `Process`, which is for what signals, the environment or Python's end do.
    """
    result = await asyncio.to_thread(CliRunner().invoke, command, arguments, prog_name="portus-scan")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ended(result.exit_code, result.stdout, result.stderr)


class Process:
    """The command in a process of its own.

    Args:
        arguments: Of ``portus-scan``.
        options: For `asyncio.create_subprocess_exec`.
    """

    def __init__(self, *arguments: str, **options: Any) -> None:
        self._arguments = arguments
        self._options = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE, **options}
        self._stderr = b""
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> Process:
        """Start it."""
        program = (sys.executable, "-X", "dev", "-W", "error", "-m", "portus_scan")
        self._process = await asyncio.create_subprocess_exec(*program, *self._arguments, **self._options)
        return self

    def interrupt(self, number: int = signal.SIGINT) -> None:
        """Send a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    @property
    def has_ended(self) -> bool:
        """Whether it has ended by itself."""
        return self._process is not None and self._process.returncode is not None

    async def read_stderr(self, words: str) -> None:
        """Wait until a line of stderr has these words."""
        assert self._process is not None
        assert self._process.stderr is not None
        while words.encode() not in (line := await self._process.stderr.readline()):
            self._stderr += line
            assert line, f"it has ended: {self._stderr.decode()}"
        self._stderr += line

    async def read_lines(self, number: int) -> None:
        """Wait for so many lines on stdout; they are lost to `end`."""
        assert self._process is not None
        assert self._process.stdout is not None
        for _ in range(number):
            assert await self._process.stdout.readline(), "it has ended"

    async def end(self) -> Ended:
        """Wait for its end."""
        assert self._process is not None
        stdout, stderr = await self._process.communicate()
        assert self._process.returncode is not None
        return Ended(self._process.returncode, (stdout or b"").decode(), (self._stderr + (stderr or b"")).decode())

    async def stop(self) -> None:
        """End it whatever it does, and close its pipes, though a coroutine of a test that was broken off reads them."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            process.kill()
            await process.wait()
        transport = getattr(process, "_transport")  # noqa: B009 (asyncio has no other way to close the pipes unread)
        transport.close()
        await asyncio.sleep(0)  # the pipes are closed in the next turn


@pytest.fixture
async def start() -> AsyncIterator[Callable[..., Any]]:
    """``await start("image", ...)`` starts the command in a process, which ends with the test."""
    started: list[Process] = []

    async def begin(*arguments: str, **options: Any) -> Process:
        process = Process(*arguments, **options)
        started.append(process)
        return await process.start()

    yield begin
    for process in started:
        await process.stop()


@pytest.fixture
async def real_registry() -> AsyncIterator[StandInRegistry]:
    """A registry on a socket, with an image ``team/app:1.0`` and a Helm chart ``team/chart:1.0``."""
    async with StandInRegistry() as stand_in:
        stand_in.push("team/app", "1.0", debian_image({"bash": "5.2-1"}))
        stand_in.push("team/chart", "1.0", make_helm_chart())
        yield stand_in


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """``install("acme", source)`` puts a distribution with a plugin on the path and returns the folder.

    With ``kind="reporter"`` it is a format.
    """

    def put(name: str, source: str, distribution: str = "", kind: str = "scanner") -> Path:
        distribution = distribution or f"portus-{kind}-{name}"
        site = tmp_path / "site"
        module = distribution.replace("-", "_")
        info = site / f"{module}-2.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 2.0\n")
        (info / "entry_points.txt").write_text(f"[portus.{kind}s]\n{name} = {module}:The{kind.title()}\n")
        (site / f"{module}.py").write_text(source)
        monkeypatch.delitem(sys.modules, module, raising=False)
        monkeypatch.syspath_prepend(site)
        return site

    return put
