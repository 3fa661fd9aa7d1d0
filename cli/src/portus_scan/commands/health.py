"""``portus-scan health``: whether the backends of the enabled scanners can be used now."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from .. import options
from ..exits import ExitCode, judge_health, settings_faults
from ..terminal import say

if TYPE_CHECKING:
    from portus_scanners import ScannerHealth

_HELP = """Ask the backend of every enabled scanner whether it can be used now.

\b
Examples:
  portus-scan health --config config.yml
  PORTUS_SECURITY_CLAIR_SERVER=http://clair.example:6060 portus-scan health

\b
Exit codes:
  0  all are healthy, or have no way to tell
  2  usage or configuration error
  3  some are unhealthy
  4  none is healthy, or none is enabled
"""


@click.command("health", help=_HELP, short_help="Check the backends of the enabled scanners.")
@options.config
@options.scanner
@click.option(
    "--timeout",
    metavar="SECONDS",
    default="10",
    show_default=True,
    callback=options.read_seconds,
    help="For each answer.",
)
@options.list_format
def command(*, config: str | None, scanners: tuple[str, ...], timeout: float, format_name: str) -> ExitCode:
    """Check the backends."""
    from portus_scanners import load_settings

    def deliver(found: tuple[ScannerHealth, ...]) -> ExitCode:
        return _deliver(found, format_name)

    with settings_faults():
        settings = load_settings(config)
        settings = settings.select(scanners) if scanners else settings
        if settings.enabled:
            from ..session import check_health, run_checks

            return run_checks(check_health(settings, timeout), deliver)
    from ..installed import how_to_enable

    say(how_to_enable())
    return deliver(())


def _deliver(found: tuple[ScannerHealth, ...], format_name: str) -> ExitCode:
    from ..terminal import write_stdout

    written = write_stdout(_as_json(found) if format_name == "json" else _as_table(found))
    return judge_health(found) if written else ExitCode.USAGE


def _as_json(found: tuple[ScannerHealth, ...]) -> str:
    from attrs import asdict

    scanners = [{**asdict(health), "elapsed": round(health.elapsed, 3)} for health in found]
    return json.dumps({"schema_version": 1, "scanners": scanners}, indent=2) + "\n"


def _as_table(found: tuple[ScannerHealth, ...]) -> str:
    from ..terminal import render_list, surface_of

    if not found:
        return ""
    return render_list(("SCANNER", "HEALTH", "TIME", "MESSAGE"), map(_cells, found), surface_of(sys.stdout))


def _cells(health: ScannerHealth) -> tuple[str, ...]:
    state = {True: "healthy", False: "unhealthy", None: "unknown"}[health.healthy]
    return health.scanner, state, f"{health.elapsed:.1f} s", health.message
