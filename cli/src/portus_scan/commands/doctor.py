"""``portus-scan doctor``: what is installed, configured and reachable, and what to do where something is wrong."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from .. import options
from ..exits import ExitCode

if TYPE_CHECKING:
    from ..diagnosis import Diagnosis

_HELP = """Look at everything that a scan depends on, and say what to do where something is wrong.

Imports every installed scanner and format, and asks the backend of every enabled scanner; then registries, where their
credentials come from, proxies and versions. A part that is broken hides no other. No password and no token of the
configuration or the environment is shown.

\b
Examples:
  portus-scan doctor --config config.yml
  portus-scan doctor --json

\b
Exit codes:
  0    every installed scanner and format loads, every enabled scanner is healthy or has no way to tell
  2    usage or configuration error; the rest is printed all the same
  3    something is wrong: a plugin does not load, a scanner is unhealthy, a registry's credentials can't be read
  4    nothing is installed, nothing is enabled, or no enabled scanner is healthy
  130  interrupted; nothing is printed
"""


@click.command("doctor", help=_HELP, short_help="Find out what is wrong with an installation.")
@options.config
@click.option(
    "--timeout",
    metavar="SECONDS",
    default="10",
    show_default=True,
    callback=options.read_seconds,
    help="For each scanner's health check.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON (the other sub-commands: --format json).")
def command(*, config: str | None, timeout: float, as_json: bool) -> ExitCode:
    """Look at everything."""
    from ..diagnosis import run_diagnosis

    return run_diagnosis(config, timeout, lambda diagnosis: _deliver(diagnosis, as_json=as_json))


def _deliver(diagnosis: Diagnosis, *, as_json: bool) -> ExitCode:
    from ..diagnosis import render_diagnosis
    from ..terminal import surface_of, write_stdout

    written = write_stdout(_as_json(diagnosis) if as_json else render_diagnosis(diagnosis, surface_of(sys.stdout)))
    return diagnosis.judge() if written else ExitCode.USAGE


def _as_json(diagnosis: Diagnosis) -> str:
    return json.dumps(diagnosis.to_document(), indent=2) + "\n"
