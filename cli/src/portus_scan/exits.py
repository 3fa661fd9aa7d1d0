"""How the command ends: its exit codes, which one an answer deserves, and the faults that end it early."""

from __future__ import annotations

import errno
import logging
from collections.abc import Collection, Iterable, Iterator, Set
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

import click

from .terminal import PROGRAM, is_fault_of_stdout, say, silence_stdout

if TYPE_CHECKING:
    from portus_scanners import Outcome, ReportDocument, ScannerHealth


_MACHINE = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EAGAIN}
"""What the operating system says when something has run out: open files, memory, room on a disk, processes."""


class ExitCode(IntEnum):
    """The exit codes of every sub-command. Where several apply: 130, then 70, 2, 4, 1, 3, 0."""

    OK = 0
    """Everything was scanned by every selected scanner."""
    GATE = 1
    """The gate has failed; of `diff`: some vulnerability has appeared."""
    USAGE = 2
    """The command line, a reference or the configuration is wrong, or the answer could not be written."""
    PARTIAL = 3
    """Some scanner did not end `ok`, or some image could not be resolved."""
    NOTHING = 4
    """No scanner has looked into any image."""
    CRASHED = 70
    """A fault of the command itself (the number is that of sysexits.h): nothing is said about any image."""
    INTERRUPTED = 130
    """Ctrl-C, SIGTERM or SIGHUP."""


class Looked(NamedTuple):
    """What the images of a document say of the exit code, without the gate."""

    seen: bool = False
    """Whether some scanner has looked into one of them."""
    passing: bool = True
    """Whether all of them are resolved, and every run of a scanner ended as it may."""

    def and_image(self, outcomes: Set[Outcome], allowed: Collection[Outcome] = ()) -> Looked:
        """Return what is known with one more image, of which the runs ended so; see `look_at`."""
        from portus_scanners import Outcome

        seen = not outcomes.isdisjoint({Outcome.OK, Outcome.INCOMPLETE})
        passing = bool(outcomes) and outcomes <= {Outcome.OK, *allowed}
        return Looked(self.seen or seen, self.passing and passing)


def look_at(document: ReportDocument, allowed: Collection[Outcome] = ()) -> Looked:
    """Return what the images of a document say; one that no scanner was asked about is not scanned.

    Args:
        document: The answer.
        allowed: Outcomes other than ok that the gate's policy allows.
    """
    looked = Looked(passing=not document.errors)
    for report in document.reports:
        looked = looked.and_image({run.outcome for run in report.results}, allowed)
    return looked


def judge_document(document: ReportDocument, allowed: Collection[Outcome] = ()) -> ExitCode:
    """Return the exit code that a document deserves: `OK`, `GATE`, `PARTIAL` or `NOTHING`.

    Whether something was found plays no part, but for the gate's result.

    Args:
        document: The answer.
        allowed: Outcomes other than ok that the gate's policy allows: they do not make it `PARTIAL`.
    """
    return judge_looked(look_at(document, allowed), passed=document.gate is None or document.gate.passed)


def judge_looked(looked: Looked, *, passed: bool) -> ExitCode:
    """Return the exit code for images of which this is known, and for the gate's result."""
    if not looked.seen:
        return ExitCode.NOTHING
    if not passed:
        return ExitCode.GATE
    return ExitCode.OK if looked.passing else ExitCode.PARTIAL


def judge_health(found: tuple[ScannerHealth, ...]) -> ExitCode:
    """Return the exit code for the health of all enabled scanners; one that can't tell counts as healthy."""
    unhealthy = [health for health in found if health.healthy is False]
    if len(unhealthy) == len(found):
        return ExitCode.NOTHING
    return ExitCode.PARTIAL if unhealthy else ExitCode.OK


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


class CommandFaults:
    """Collects the faults of several arguments, so that the user hears of all of them at once.

    In short:

        faults = CommandFaults()
        for name in names:
            with faults.collect():
                found.append(read(name))
        faults.check()
    """

    def __init__(self) -> None:
        self._lines: list[str] = []

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Note the lines of a `CommandFault` that the ``with`` block raises, and go on behind the block."""
        try:
            yield
        except CommandFault as fault:
            self._lines.extend(fault.lines)

    def check(self) -> None:
        """Raise a `CommandFault` of all lines, if there are any."""
        if self._lines:
            raise CommandFault(self._lines)


def report(error: BaseException) -> int:
    """Say what has ended the command, one line a fault, and return the exit code."""
    from portus_images import SettingsError  # when something has been raised: a help text needs none of it

    error = _origin_of(error)
    if isinstance(error, SettingsError):
        error = CommandFault(error.faults)
    if type(error).__name__ == "NoArgsIsHelpError" and isinstance(error, click.UsageError):
        error.show()  # click 8.1 has no public name for it
        return ExitCode.USAGE
    if isinstance(error, click.ClickException):
        for line in error.lines if isinstance(error, CommandFault) else (_one_line(error),):
            say(line)
        return error.exit_code if isinstance(error, CommandFault) else ExitCode.USAGE
    if isinstance(error, KeyboardInterrupt):
        say("interrupted")
        return ExitCode.INTERRUPTED
    if isinstance(error, OSError) and is_fault_of_stdout(error):  # a help text that can't be written
        silence_stdout()
        if isinstance(error, BrokenPipeError):  # its reader has seen enough
            return ExitCode.OK
        say(f"can't write to stdout: {error.strerror}")
        return ExitCode.USAGE
    return _report_crash(error)


class PastClick(Exception):  # noqa: N818 (it carries one)
    """Carries an error past click, which takes any broken pipe for stdout's, and an ``EOFError`` for a wish to end."""


def _origin_of(error: BaseException) -> BaseException:
    if isinstance(error, click.Abort):
        return KeyboardInterrupt()
    return error.__cause__ or error if isinstance(error, PastClick) else error


def _report_crash(error: BaseException) -> int:
    from portus_images import log_crash, words_of

    log_crash(logging.getLogger("portus_scan"), "the command crashed", error)
    if isinstance(error, OSError) and error.errno in _MACHINE:
        advice = "this machine has refused something that the command needs: give it more, and try again"
    else:
        advice = f"this is a fault of {PROGRAM} and says nothing about any image: please report it, with what "
        advice += f"{PROGRAM} -v writes to stderr"
    say(f"it crashed ({words_of(error)}): {advice}")
    return ExitCode.CRASHED


def _one_line(error: click.ClickException) -> str:
    message = " ".join(_message(error).split()).rstrip(".")
    if isinstance(error, click.UsageError) and error.ctx is not None:
        return f"{message}{'' if message.endswith('?') else ';'} see: {error.ctx.command_path} --help"
    return message


def _message(error: click.ClickException) -> str:
    """Return what click says, with what was probably meant instead."""
    from .mistakes import meant_choice, meant_option

    if isinstance(error, click.NoSuchOption):
        params = error.ctx.command.get_params(error.ctx) if error.ctx else []
        known = [name for param in params for name in param.opts]
        return f"there is no option {error.option_name}{meant_option(error.option_name, known)}"
    message = error.format_message()
    if isinstance(error, click.BadParameter) and error.param and isinstance(error.param.type, click.Choice):
        return f"{message.rstrip('.')}{meant_choice(message, error.param.type.choices)}"
    return message
