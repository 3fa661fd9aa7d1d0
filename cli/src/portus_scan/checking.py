"""The health of every enabled scanner, each asked by itself so that one that hangs hides no other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from portus_scanners import Engine, ScannerHealth, Settings

from .exit_codes import ExitCode
from .leaving import leave_at_once, stop_on_signals
from .output import foreign_prints_to_stderr

GRACE = 2.0
"""Seconds that a scanner has to end when its time is up."""


def run_checks(
    settings: Settings, timeout: float, deliver: Callable[[tuple[ScannerHealth, ...]], ExitCode]
) -> ExitCode:
    """Ask all scanners at once and hand over what they say, in the order of the configuration.

    This function does not return when something is left behind that would keep the interpreter from ending, nor
    after a Ctrl-C or SIGTERM.

    Args:
        settings: The enabled scanners.
        timeout: Seconds for each, its start included.
        deliver: Writes the answers and returns the exit code for them.

    Raises:
        SettingsError: The configuration of an enabled scanner is wrong.
    """
    with asyncio.Runner() as runner:
        with stop_on_signals(runner.get_loop(), _interrupted, _interrupted):
            checks = [_Check(settings.select([section.name]), section.name) for section in settings.enabled]
            with foreign_prints_to_stderr():
                found = runner.run(_ask_all(checks, timeout))
            code = deliver(found)
        if any(check.left_running for check in checks):
            leave_at_once(code)
    return code


async def _ask_all(checks: list[_Check], timeout: float) -> tuple[ScannerHealth, ...]:
    return tuple(await asyncio.gather(*(check.ask(timeout) for check in checks)))


def _interrupted() -> None:
    leave_at_once(ExitCode.INTERRUPTED)


class _Check:
    """One scanner with an engine of its own."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._engine = Engine(settings, grace=GRACE)
        self._name = name
        self._answer: ScannerHealth | None = None
        self._late = False

    @property
    def left_running(self) -> bool:
        """Whether something of it may go on."""
        return self._late or bool(self._engine.abandoned)

    async def ask(self, timeout: float) -> ScannerHealth:
        """Return the scanner's answer; unhealthy when there is none in time."""
        task = asyncio.create_task(self._ask())
        _, late = await asyncio.wait({task}, timeout=timeout)
        if late:
            self._late = True
            task.cancel()
            await asyncio.wait({task}, timeout=2 * GRACE)  # once for the question, once for closing
        else:
            task.result()
        return self._answer or ScannerHealth(
            scanner=self._name, healthy=False, message=f"no answer within {timeout:g} s", elapsed=timeout
        )

    async def _ask(self) -> None:
        async with self._engine as engine:
            (self._answer,) = await engine.check_health()
