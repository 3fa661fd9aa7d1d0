"""The health of every enabled scanner."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from portus_scanners import Engine, ScannerHealth, Settings

from .exits import ExitCode
from .leaving import GRACE, interrupt, leave_at_once, run_to_end, stop_on_signals
from .terminal import foreign_prints_to_stderr


def run_checks(
    settings: Settings, timeout: float, deliver: Callable[[tuple[ScannerHealth, ...]], ExitCode]
) -> ExitCode:
    """Ask all scanners at once and hand over what they say, in the order of the configuration.

    This function does not return when something is left behind that would keep the interpreter from ending, nor
    after a Ctrl-C, SIGTERM or SIGHUP.

    Args:
        settings: The enabled scanners.
        timeout: Seconds for each.
        deliver: Writes the answers and returns the exit code for them.

    Raises:
        SettingsError: The configuration of an enabled scanner is wrong.
    """
    with asyncio.Runner() as runner:
        with stop_on_signals(runner.get_loop(), interrupt, interrupt), foreign_prints_to_stderr():
            found, abandoned = run_to_end(runner, _ask_all(settings, timeout))
        code = deliver(found)
        if abandoned:
            leave_at_once(code)
    return code


async def check_alone(settings: Settings, name: str, timeout: float) -> tuple[ScannerHealth, bool]:
    """Ask one enabled scanner in an engine of its own.

    Args:
        settings: The configuration.
        name: The scanner's.
        timeout: Seconds.

    Returns:
        Its answer, and whether something is left behind that would not end.

    Raises:
        SettingsError: Its settings are wrong.
    """
    (health,), abandoned = await _ask_all(settings.select([name]), timeout)
    return health, abandoned


async def _ask_all(settings: Settings, timeout: float) -> tuple[tuple[ScannerHealth, ...], bool]:
    """Return the answers, and whether something is left behind that would not end."""
    async with Engine(settings, grace=GRACE) as engine:
        found = await engine.check_health(timeout)
    return found, bool(engine.abandoned)
