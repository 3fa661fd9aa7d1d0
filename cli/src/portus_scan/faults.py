"""What ends the command early: lines for stderr and an exit code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import click

from .exit_codes import ExitCode
from .terminal import say


class CommandFault(click.ClickException):
    """The command can't go on.

    Args:
        lines: What is wrong and what to do, one line for each fault.
        exit_code: What to leave with.
    """

    def __init__(self, lines: str | Iterable[str], exit_code: ExitCode = ExitCode.USAGE) -> None:
        self.lines = (lines,) if isinstance(lines, str) else tuple(lines)
        super().__init__("; ".join(self.lines))
        self.exit_code = exit_code  # type: ignore[misc] # click declares it for classes; it reads it from the object


@contextmanager
def settings_faults() -> Iterator[None]:
    """Turn a `SettingsError` into a `CommandFault` of one line a fault."""
    from portus_scanners import SettingsError

    try:
        yield
    except SettingsError as error:
        raise CommandFault(error.faults) from error


def report_fault(error: click.ClickException) -> int:
    """Say what is wrong, one line a fault, and return the exit code."""
    lines = error.lines if isinstance(error, CommandFault) else (_one_line(error),)
    for line in lines:
        say(line)
    return error.exit_code


def _one_line(error: click.ClickException) -> str:
    message = " ".join(error.format_message().split()).rstrip(".")
    if isinstance(error, click.UsageError) and error.ctx is not None:
        return f"{message}; see: {error.ctx.command_path} --help"
    return message
