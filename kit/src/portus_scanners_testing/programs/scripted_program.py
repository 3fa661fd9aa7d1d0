r"""A program whose output a test writes: the stand-in of a scanner that is a program.

program = ScriptedProgram(tmp_path)
program.script("version", {"Version": "1.2.3"})
program.script(image, {"found": [...]}, stderr="1 of 2\n2 of 2\n")
AcmeSettings(enabled=True, program=str(program.path))
"""

from __future__ import annotations

import marshal
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import asdict, evolve, field, frozen
from attrs.converters import optional

from ..servers import content_of

_SOURCE = Path(__file__).with_name("executable.py")
_PULLING = Path(__file__).with_name("pulling.py")
_LONGEST_FIRST_LINE = 127


@frozen(kw_only=True)
class ProgramCall:
    """One run of the program."""

    arguments: tuple[str, ...]
    """The arguments, without the program's name."""
    environment: Mapping[str, str] = field(repr=False)
    folder: str
    """The working folder."""
    process: int
    """The process id."""


@frozen(kw_only=True)
class ScriptedOutput:
    """What the program does when one of its arguments matches."""

    argument: str
    stdout: bytes = b""
    stderr: bytes = b""
    status: int = 0
    files: Mapping[str, bytes] = field(factory=dict)


@frozen(kw_only=True)
class ProgramFault:
    """What the program does instead of what is scripted, or after that.

    Attributes:
        after_output: Whether the program first writes what is scripted for its arguments.
        status: Exits with this status.
        stderr: Writes this to stderr.
        signal: Dies by this signal.
        hang: Never ends.
        stubborn: Ignores SIGTERM.
        child: Starts a child process that never ends, in its own process group, and that holds its output open.
        endless: Writes this many bytes to stdout.
        echo: Writes its arguments and its environment to stderr, and fails.
        held: Waits until `ScriptedProgram.release` is called.
        pulls_from: First pulls each image of this registry (``HOST:PORT``) that its arguments, variables or files name,
            with the credentials that it was given; fails with 1 if it can't.
    """

    after_output: bool = False
    status: int | None = None
    stderr: bytes = b""
    signal: int | None = field(default=None, converter=optional(int))
    hang: bool = False
    stubborn: bool = False
    child: bool = False
    endless: int = 0
    echo: bool = False
    held: bool = False
    pulls_from: str = ""


class ScriptedProgram:
    """An executable file that does what a test scripts.

    Args:
        folder: Where the file is created, with the files that control it.
        name: Name of the file.
    """

    def __init__(self, folder: Path, name: str = "scanner-program") -> None:
        self._folder = folder / f"{name}.d"
        self._folder.mkdir(parents=True)
        self.path = self._folder / name
        """The executable."""
        self._outputs: list[ScriptedOutput] = []
        self._fault: ProgramFault | None = None
        self._rewrite: Callable[[bytes], bytes] | None = None
        _make_executable(self.path)
        self._tell()

    def script(
        self,
        argument: str,
        stdout: object = b"",
        *,
        stderr: str = "",
        status: int = 0,
        files: Mapping[str, object] | None = None,
    ) -> None:
        """Say what the program does when it is started with an argument; if no argument matches, it exits with 64.

        Args:
            argument: One of the arguments; ``*`` matches any string. Of several that match, the last scripted counts.
            stdout: What it writes to stdout: bytes, a string, or a value for JSON.
            stderr: What it writes to stderr, before that.
            status: Its exit status.
            files: What it writes to files, by their names in its working folder.
        """
        contents = {name: content_of(value) for name, value in (files or {}).items()}
        output = ScriptedOutput(
            argument=argument, stdout=content_of(stdout), stderr=stderr.encode(), status=status, files=contents
        )
        self._outputs = [output, *(one for one in self._outputs if one.argument != argument)]
        self._tell()

    def break_with(self, fault: ProgramFault | None) -> None:
        """Show a fault from now on; None ends the fault."""
        self._fault = fault
        self._tell()

    def rewrite(self, change: Callable[[bytes], bytes] | None) -> None:
        """Pass everything that the program writes to stdout and to files through a function from now on."""
        self._rewrite = change
        self._tell()

    def release(self) -> None:
        """Let a program that is held continue."""
        (self._folder / "release").touch()

    @property
    def calls(self) -> tuple[ProgramCall, ...]:
        """The runs of the program so far, in order."""
        log = self._folder / "calls"
        calls: list[ProgramCall] = []
        if log.exists():
            with log.open("rb") as file:
                while file.peek(1):
                    calls.append(_call(marshal.load(file)))  # noqa: S302 (our own executable wrote it)
        return tuple(calls)

    def _tell(self) -> None:
        told = {
            "outputs": [asdict(self._rewritten(one)) for one in self._outputs],
            "fault": {} if self._fault is None else asdict(self._fault),
        }
        fresh = self._folder / "behaviour.new"
        fresh.write_bytes(marshal.dumps(told))
        fresh.rename(self._folder / "behaviour")

    def _rewritten(self, output: ScriptedOutput) -> ScriptedOutput:
        change = self._rewrite
        if change is None:
            return output
        files = {name: change(content) for name, content in output.files.items()}
        return evolve(output, stdout=change(output.stdout), files=files)


def _make_executable(path: Path) -> None:
    """Write the program; if the first line can't name the interpreter, make it a shell script that starts Python.

    The kernel accepts no blank in that line and, before Linux 5.1, 127 bytes at most. The shell adds variables to the
    environment.
    """
    source, first = _SOURCE.read_text(encoding="utf-8"), f"#!{sys.executable} -IS\n"
    if " " in sys.executable or len(first.encode()) > _LONGEST_FIRST_LINE:
        program = path.absolute().with_name(f"{path.name}.py")
        program.write_text(source, encoding="utf-8")
        first, source = "#!/bin/sh\n", f'exec {shlex.quote(sys.executable)} -IS {shlex.quote(str(program))} "$@"\n'
    path.write_text(first + source, encoding="utf-8")
    path.chmod(0o755)
    path.with_name(_PULLING.name).write_text(_PULLING.read_text(encoding="utf-8"), encoding="utf-8")


def _call(document: dict[str, Any]) -> ProgramCall:
    return ProgramCall(
        arguments=tuple(document["arguments"]),
        environment=document["environment"],
        folder=document["folder"],
        process=document["process"],
    )
