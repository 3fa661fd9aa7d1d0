"""What a scanner runs its program with: the backend, and the private folder that a run takes place in."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from attrs import define, field, frozen
from portus_images import BlobAccess, Image, Secret, docker_config, one_line

from ...errors import InvalidReportError, ScannerError, ScannerUnavailableError
from ...scanner import ScannerContext
from ..answer import SecretMask
from . import folders
from .cancellation import HeldCancellation
from .command import OWN_FOLDERS, check_arguments, find_program, make_environment, proxy_passwords, start_error
from .output import DEFAULT_MAX_OUTPUT, ProgramAnswer, ProgramOutput
from .process import ProgramProcess
from .remains import live_folders

_POSIX = os.name == "posix"


@frozen
class _Program:
    """A program as its backend knows it."""

    name: str
    environment: Mapping[str, str | Secret]
    max_output: int
    grace: float
    context: ScannerContext


class ProgramBackend:
    """A program on this machine, as a scanner uses it: no shell, limits on everything, nothing left behind.

    The program gets a process group of its own. However a run ends (by itself, by its timeout, by the engine's
    deadline, by an error), what is left of that group gets TERM, *grace* seconds later KILL, and is reaped before the
    run returns.

    Args:
        context: The scanner's context: its logger, and its credentials for registries.
        program: A name that is looked up on ``PATH``, or a path.
        environment: Variables for each run, besides the few that are passed on (docs/reference/programs.md lists
            them). Secrets belong here or in a file, never in the arguments; they are masked in all that is shown.
        max_output: Bytes of stdout, or of a file, that are accepted.
        grace: Seconds between TERM and KILL; the engine waits 5 seconds for a scanner to end.
    """

    def __init__(
        self,
        context: ScannerContext,
        program: str,
        *,
        environment: Mapping[str, str | Secret] = {},
        max_output: int = DEFAULT_MAX_OUTPUT,
        grace: float = 2.0,
    ) -> None:
        self._program = _Program(program, dict(environment), max_output, grace, context)

    @asynccontextmanager
    async def open_workspace(self) -> AsyncIterator[ProgramWorkspace]:
        """Make a private temporary folder, and remove it at the end whatever happens.

        Raises:
            ScannerUnavailableError: No folder can be made.
            ScannerError: This is not a POSIX system.
        """
        if not _POSIX:
            raise ScannerError(f"the program {self._program.name} can be run on POSIX systems only")
        workspace = ProgramWorkspace(self._program, folders.make_folder(OWN_FOLDERS.values()))
        try:
            yield workspace
        finally:
            await workspace.aclose()

    async def run(
        self,
        *arguments: str | Path,
        stdin: bytes = b"",
        environment: Mapping[str, str | Secret] = {},
        on_line: Callable[[str], None] | None = None,
        timeout: float | None = None,
        pulls: Image | None = None,
    ) -> ProgramAnswer:
        """Run the program once, in a workspace of its own: for one that writes its report to stdout.

        See `ProgramWorkspace.run`.
        """
        async with self.open_workspace() as workspace:
            return await workspace.run(
                *arguments, stdin=stdin, environment=environment, on_line=on_line, timeout=timeout, pulls=pulls
            )


class ProgramWorkspace:
    """A private temporary folder (mode 0700) and a program that runs in it, any number of times.

    Made by `ProgramBackend.open_workspace`, at whose end the folder is removed. The sub-folders ``home`` and ``tmp``
    are the program's own.

    Attributes:
        folder: Absolute, without symbolic links; the program's current folder.
    """

    def __init__(self, program: _Program, folder: Path) -> None:
        self._program = program
        self.folder = folder
        self._secrets: set[str] = set()
        self._runs: set[_ProgramRun] = set()
        self._closed = False
        live_folders.add(folder)
        self._learn(program.environment.values())

    def hide(self, secret: Secret) -> None:
        """Mask a secret that is only a part of a file or of a value, in all that is shown of later runs."""
        self._learn([secret])

    def write(self, name: str, data: bytes | str | Secret) -> Path:
        """Write a file that only we can read (mode 0600); what is there is replaced.

        Args:
            name: Relative to the folder, with ``/`` for sub-folders, which are made.
            data: A string is encoded as UTF-8; a `Secret` is masked in all that is shown of later runs.

        Returns:
            The file's path, for an argument.

        Raises:
            ValueError: The name leads out of the folder.
            ScannerError: The file can't be written.
        """
        if isinstance(data, Secret):
            self._learn([data])
            data = data.reveal()
        return folders.write_file(self.folder, name, data.encode() if isinstance(data, str) else data)

    def read(self, name: str, limit: int | None = None) -> bytes:
        """Return what a program has written to a file.

        Args:
            name: As in `write`.
            limit: Bytes that are accepted; without one, the backend's ``max_output``.

        Raises:
            InvalidReportError: There is no such file, it is not a regular file inside the folder, or it is too long.
            ValueError: The name leads out of the folder.
        """
        return folders.read_file(self.folder, name, self._program.max_output if limit is None else limit)

    async def run(
        self,
        *arguments: str | Path,
        stdin: bytes = b"",
        environment: Mapping[str, str | Secret] = {},
        on_line: Callable[[str], None] | None = None,
        timeout: float | None = None,
        pulls: Image | None = None,
    ) -> ProgramAnswer:
        """Run the program to its end, and end everything that it has started.

        Args:
            *arguments: Passed as they are: there is no shell. Every user can see them: no secrets.
            stdin: What the program can read; it need not.
            environment: Variables besides those of the backend.
            on_line: Called with each line of stderr as it comes, for progress: clean, masked, 4096 characters at most,
                no empty ones; a carriage return ends a line too. What it raises ends the program and is raised here.
            timeout: Seconds; None leaves it to the engine's deadline.
            pulls: What the program pulls: ``DOCKER_CONFIG`` is a folder with the credentials for its registry alone.

        Raises:
            ScannerUnavailableError: The program is not there, can't be started, or did not end in time.
            InvalidReportError: It wrote more than ``max_output`` bytes to stdout.
            ScannerError: An argument or variable can't be passed, or the workspace was closed meanwhile.
            TypeError: An argument is a `Secret`.
            RegistryError: The registry of *pulls* gives no credentials (`NotInRegistryError`: it is a local image).
        """
        if self._closed:
            raise RuntimeError("the workspace is closed")
        if pulls is not None:
            environment = {"DOCKER_CONFIG": await self._log_in(pulls), **environment}
        program = self._program
        self._learn(environment.values())
        checked = check_arguments(program.name, arguments, self._secrets)
        run = _ProgramRun(
            program,
            command=(find_program(program.name), *checked),
            folder=self.folder,
            environment=make_environment(self.folder, {**program.environment, **environment}),
            stdin=stdin,
            mask=SecretMask([*self._secrets, *proxy_passwords()]),
            timeout=timeout,
            on_line=on_line,
        )
        self._runs.add(run)
        try:
            return await run.execute()
        finally:
            self._runs.discard(run)

    async def _log_in(self, image: Image) -> str:
        """Write the credentials for an image's registry, and return the folder that they are in."""
        registry, own = image.registry, [layer for layer in image.layers if not layer.urls]
        access = await self._program.context.blob(image, own[0], from_here=True) if own else BlobAccess(url="")
        config, secrets = docker_config(registry, access)
        self._learn(secrets)
        return str(self.write("docker/config.json", config).parent)

    async def aclose(self) -> None:
        """End the runs that still go on, then remove the folder, however often this is cancelled."""
        self._closed = True
        with HeldCancellation() as held:
            runs = set(self._runs)
            for run in runs:
                run.stop(ScannerError("its workspace was closed before it had ended"))
            for run in runs:
                await held.wait(run.ended)
            await self._remove(held)
            live_folders.discard(self.folder)

    async def _remove(self, held: HeldCancellation) -> None:
        try:
            removing = asyncio.get_running_loop().run_in_executor(None, folders.remove_folder, self.folder)
        except RuntimeError:  # no new thread can be started: the interpreter is shutting down
            fault = folders.remove_folder(self.folder)
        else:
            await held.wait(removing)
            fault = removing.result()
        if fault:
            self._program.context.logger.warning("the temporary folder %s could not be removed: %s", self.folder, fault)

    def _learn(self, values: Iterable[object]) -> None:
        texts = [value.reveal() for value in values if isinstance(value, Secret)]
        self._secrets.update(text for text in texts if text.strip())


@define(eq=False, slots=False)
class _ProgramRun:
    """One run of a program, until nothing of it is left. `execute` is called once, `stop` may be called at any time."""

    _program: _Program
    _command: Sequence[str] = field(kw_only=True)
    _folder: Path = field(kw_only=True)
    _environment: Mapping[str, str] = field(kw_only=True)
    _stdin: bytes = field(kw_only=True)
    _mask: SecretMask = field(kw_only=True)
    _timeout: float | None = field(kw_only=True)
    _on_line: Callable[[str], None] | None = field(kw_only=True)
    _fault: ScannerError | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        wants_lines = self._on_line is not None
        self._output = ProgramOutput(max_output=self._program.max_output, mask=self._mask, lines=wants_lines)
        self._news = asyncio.Event()
        self._process = ProgramProcess(self._output, self._news.set, grace=self._program.grace)
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when nothing of the program is left."""

    def stop(self, fault: ScannerError) -> None:
        """End the program; `execute` then raises *fault*, or that of an earlier call."""
        self._fault = self._fault or fault
        self._news.set()

    async def execute(self) -> ProgramAnswer:
        """Run the program to its end; raises what `ProgramWorkspace.run` does."""
        try:
            await self._start()
            await self._follow()
        finally:
            await self._end()
        self._output.finish()
        self._pass_lines_on()
        return self._answer()

    async def _start(self) -> None:
        try:
            await self._process.start(
                self._command, folder=self._folder, environment=self._environment, stdin=self._stdin
            )
        except OSError as error:
            raise start_error(self._program.name, error) from error

    async def _follow(self) -> None:
        """Pass lines on until the program has ended or must be ended."""
        alarm = None
        if self._timeout is not None:
            late = ScannerUnavailableError(f"{self._name} did not end within {self._timeout:g} s")
            alarm = asyncio.get_running_loop().call_later(self._timeout, self.stop, late)
        try:
            while not (self._process.exited or self._fault or self._output.overflowed):
                await self._news.wait()
                self._news.clear()
                self._pass_lines_on()
        finally:
            if alarm is not None:
                alarm.cancel()

    async def _end(self) -> None:
        try:
            with HeldCancellation() as held:
                if not await self._process.end(held):
                    self._program.context.logger.warning("%s: not all of its processes could be ended", self._name)
        finally:
            self.ended.set_result(None)

    def _answer(self) -> ProgramAnswer:
        if self._output.overflowed:
            raise InvalidReportError(f"{self._name} wrote more than {self._program.max_output} bytes to stdout")
        if self._fault is not None:
            raise self._fault
        status = self._process.status
        assert status is not None  # noqa: S101 (without a fault it has ended by itself)
        return ProgramAnswer(status=status, stdout=self._output.stdout, stderr=self._output.stderr, mask=self._mask)

    def _pass_lines_on(self) -> None:
        if self._on_line is not None:
            for line in self._output.take_lines():
                self._on_line(line)

    @property
    def _name(self) -> str:
        return one_line(Path(self._program.name).name)
