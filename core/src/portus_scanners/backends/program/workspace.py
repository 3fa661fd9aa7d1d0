"""The private folder in which a program runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from attrs import frozen
from portus_images import Secret

from ...errors import ScannerError
from ..masking import SecretMask
from . import folders
from .answer import ProgramAnswer
from .cancellation import HeldCancellation
from .command import check_arguments, find_program
from .environment import make_environment, proxy_passwords
from .remains import live_folders
from .run import Order, Run

__all__ = ["ProgramWorkspace"]


@frozen(kw_only=True)
class Program:
    """A program as its backend knows it."""

    name: str
    """On ``PATH``, or a path."""
    environment: Mapping[str, str | Secret]
    max_output: int
    grace: float
    logger: logging.Logger


class ProgramWorkspace:
    """A private temporary folder (mode 0700) and a program that runs in it, any number of times.

    Made by `ProgramBackend.open_workspace`, at whose end the folder is removed. The sub-folders ``home`` and ``tmp``
    are the program's own.
    """

    def __init__(self, program: Program, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._secrets: set[str] = set()
        self._runs: set[Run] = set()
        self._closed = False
        live_folders.add(folder)
        self._learn(program.environment.values())

    @property
    def folder(self) -> Path:
        """Absolute, without symbolic links; the program's current folder."""
        return self._folder

    def hide(self, secret: Secret) -> None:
        """Mask a secret that is only a part of a file's text or of a value, in all that is shown of later runs."""
        self._learn([secret])

    def write(self, name: str, data: bytes | str | Secret) -> Path:
        """Write a file that only we can read (mode 0600); what is there is replaced.

        Args:
            name: Relative to the folder, with ``/`` for sub-folders, which are made.
            data: A text is encoded as UTF-8; a `Secret` is masked in all that is shown of later runs.

        Returns:
            The file's path, for an argument.

        Raises:
            ValueError: The name leads out of the folder.
            ScannerError: The file can't be written.
        """
        if isinstance(data, Secret):
            self._learn([data])
            data = data.reveal()
        return folders.write_file(self._folder, name, data.encode() if isinstance(data, str) else data)

    def read(self, name: str, limit: int | None = None) -> bytes:
        """Return what a program has written to a file.

        Args:
            name: As in `write`.
            limit: Bytes that are accepted; without one, the backend's ``max_output``.

        Raises:
            InvalidReportError: There is no such file, it is no regular file inside the folder, or it is too long.
            ValueError: The name leads out of the folder.
        """
        return folders.read_file(self._folder, name, self._program.max_output if limit is None else limit)

    async def run(
        self,
        *arguments: str | Path,
        stdin: bytes = b"",
        environment: Mapping[str, str | Secret] = {},
        on_line: Callable[[str], None] | None = None,
        timeout: float | None = None,
    ) -> ProgramAnswer:
        """Run the program to its end, and end everything that it has started.

        Args:
            *arguments: Passed as they are: there is no shell. They can be seen by everybody: no secrets.
            stdin: What it can read; it need not.
            environment: Variables besides those of the backend.
            on_line: Called with each line of stderr as it comes, for progress: clean, masked, 4096 characters at most,
                no empty ones; a carriage return ends a line too. What it raises ends the program and is raised here.
            timeout: Seconds; None leaves it to the engine's deadline.

        Raises:
            ScannerUnavailableError: The program is not there, can't be started, or did not end in time.
            InvalidReportError: It wrote more than ``max_output`` bytes to stdout.
            ScannerError: An argument or variable can't be passed, or the workspace was closed meanwhile.
            TypeError: An argument is a `Secret`.
        """
        if self._closed:
            msg = "the workspace is closed"
            raise RuntimeError(msg)
        self._learn(environment.values())
        order = self._order(arguments, stdin, environment, on_line, timeout)
        run = Run(order, self._program.logger)
        self._runs.add(run)
        try:
            return await run.execute()
        finally:
            self._runs.discard(run)

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
            live_folders.discard(self._folder)

    async def _remove(self, held: HeldCancellation) -> None:
        try:
            removing = asyncio.get_running_loop().run_in_executor(None, folders.remove_folder, self._folder)
        except RuntimeError:  # no thread is to be had any more: the program ends
            fault = folders.remove_folder(self._folder)
        else:
            await held.wait(removing)
            fault = removing.result()
        if fault:
            self._program.logger.warning("the temporary folder %s could not be removed: %s", self._folder, fault)

    def _order(
        self,
        arguments: tuple[str | Path, ...],
        stdin: bytes,
        environment: Mapping[str, str | Secret],
        on_line: Callable[[str], None] | None,
        timeout: float | None,
    ) -> Order:
        name = self._program.name
        checked = check_arguments(name, arguments, self._secrets)
        return Order(
            program=name,
            command=(find_program(name), *checked),
            folder=self._folder,
            environment=make_environment(self._folder, {**self._program.environment, **environment}),
            stdin=stdin,
            mask=SecretMask([*self._secrets, *proxy_passwords()]),
            max_output=self._program.max_output,
            grace=self._program.grace,
            timeout=timeout,
            on_line=on_line,
        )

    def _learn(self, values: Iterable[object]) -> None:
        texts = [value.reveal() for value in values if isinstance(value, Secret)]
        self._secrets.update(text for text in texts if text.strip())
