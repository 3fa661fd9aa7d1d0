"""What can be used now: ``portus-scan health`` of the enabled backends, ``doctor`` of the whole installation."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING

import click

from .. import options
from ..exits import ExitCode, judge_health
from ..terminal import say

if TYPE_CHECKING:
    from portus_scanners import ScannerHealth

    from ..diagnosis import Diagnosis

_HEALTH_HELP = """Ask the backend of every enabled scanner whether it can be used now.

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


@click.command("health", help=_HEALTH_HELP, short_help="Check the backends of the enabled scanners.")
@options.config
@options.scanner
@options.check_timeout
@options.list_format
def health(*, config: str | None, scanners: tuple[str, ...], timeout: float, format_name: str) -> ExitCode:
    """Check the backends."""
    from portus_scanners import load_settings

    def deliver(found: tuple[ScannerHealth, ...]) -> ExitCode:
        return _deliver_health(found, format_name)

    settings = load_settings(config)
    settings = settings.select(scanners) if scanners else settings
    if settings.enabled:
        from ..session import check_health, run_checks

        return run_checks(check_health(settings, timeout), deliver)
    from ..installed import how_to_enable

    say(how_to_enable())
    return deliver(())


def _deliver_health(found: tuple[ScannerHealth, ...], format_name: str) -> ExitCode:
    from ..terminal import write_stdout

    written = write_stdout(_health_as_json(found) if format_name == "json" else _health_as_table(found))
    return judge_health(found) if written else ExitCode.USAGE


def _health_as_json(found: tuple[ScannerHealth, ...]) -> str:
    from attrs import asdict

    def plain(_one: object, _member: object, value: object) -> object:
        return value.isoformat() if isinstance(value, datetime) else value

    scanners = [{**asdict(one, value_serializer=plain), "elapsed": round(one.elapsed, 3)} for one in found]
    return json.dumps({"schema_version": 1, "scanners": scanners}, indent=2) + "\n"


def _health_as_table(found: tuple[ScannerHealth, ...]) -> str:
    from ..terminal import render_list, surface_of

    if not found:
        return ""
    return render_list(("SCANNER", "HEALTH", "TIME", "MESSAGE"), map(_health_cells, found), surface_of(sys.stdout))


def _health_cells(one: ScannerHealth) -> tuple[str, ...]:
    state = {True: "healthy", False: "unhealthy", None: "unknown"}[one.healthy]
    message = f"{one.message}; database {one.database.identity}" if one.database else one.message
    return one.scanner, state, f"{one.elapsed:.1f} s", message


_DOCTOR_HELP = """Look at everything that a scan depends on, and say what to do where something is wrong.

Imports every installed scanner and format, and asks the backend of every enabled scanner; then registries, where their
credentials come from, proxies and versions: those of the configuration, Docker Hub, and each that --registry names. A
broken part hides no other. No password and no token of the configuration or the environment is shown.

\b
Examples:
  portus-scan doctor --config config.yml
  portus-scan doctor --config config.yml --registry registry.example:5000
  portus-scan doctor --json

\b
Exit codes:
  0    every installed scanner and format loads, every enabled scanner is healthy or has no way to tell
  2    usage or configuration error; the rest is printed all the same
  3    something is wrong: a plugin does not load, a scanner is unhealthy, a registry's credentials can't be read
  4    nothing is installed, nothing is enabled, or no enabled scanner is healthy
  130  interrupted; nothing is printed
"""


@click.command("doctor", help=_DOCTOR_HELP, short_help="Find out what is wrong with an installation.")
@options.config
@options.check_timeout
@click.option(
    "--registry",
    "registries",
    metavar="HOST",
    multiple=True,
    help="Say as well which credentials would be used for this registry; may be given several times.",
)
@options.list_format
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
def doctor(
    *, config: str | None, timeout: float, registries: tuple[str, ...], format_name: str, as_json: bool
) -> ExitCode:
    """Look at everything."""
    from ..diagnosis import run_diagnosis
    from ..references import check_host

    for host in registries:
        check_host(host)
    is_json = as_json or format_name == "json"
    return run_diagnosis(
        config, timeout, lambda diagnosis: _deliver_diagnosis(diagnosis, as_json=is_json), hosts=registries
    )


def _deliver_diagnosis(diagnosis: Diagnosis, *, as_json: bool) -> ExitCode:
    from ..diagnosis import render_diagnosis
    from ..terminal import surface_of, write_stdout

    if as_json:
        text = json.dumps(diagnosis.to_document(), indent=2) + "\n"
    else:
        text = render_diagnosis(diagnosis, surface_of(sys.stdout))
    return diagnosis.judge() if write_stdout(text) else ExitCode.USAGE
