"""The door for plugins: a program as a backend."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from portus_images import Secret

from ...errors import ScannerError
from ...scanner import ScannerContext
from .answer import ProgramAnswer
from .environment import OWN_FOLDERS
from .folders import make_folder
from .output import DEFAULT_MAX_OUTPUT
from .workspace import Program, ProgramWorkspace

__all__ = ["ProgramBackend"]

_POSIX = os.name == "posix"


class ProgramBackend:
    """A program on this machine, as a scanner uses it: no shell, limits on everything, nothing left behind.

    The program gets a process group of its own. However a run ends (by itself, by its timeout, by the engine's
    deadline, by an error), what is left of that group gets TERM, *grace* seconds later KILL, and is reaped before the
    run returns.

    Args:
        context: The scanner's context; its logger is used.
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
        self._program = Program(
            name=program,
            environment=dict(environment),
            max_output=max_output,
            grace=grace,
            logger=context.logger,
        )

    @asynccontextmanager
    async def open_workspace(self) -> AsyncIterator[ProgramWorkspace]:
        """Make a private temporary folder, and remove it at the end whatever happens.

        Raises:
            ScannerUnavailableError: No folder can be made.
            ScannerError: This is no POSIX system.
        """
        if not _POSIX:
            msg = f"the program {self._program.name} can be run on POSIX systems only"
            raise ScannerError(msg)
        workspace = ProgramWorkspace(self._program, make_folder(OWN_FOLDERS.values()))
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
    ) -> ProgramAnswer:
        """Run the program once, in a workspace of its own: for one that writes its report to stdout.

        See `ProgramWorkspace.run`.
        """
        async with self.open_workspace() as workspace:
            return await workspace.run(
                *arguments, stdin=stdin, environment=environment, on_line=on_line, timeout=timeout
            )
