"""Options that several sub-commands share."""

from __future__ import annotations

import math

import click


def read_seconds(_context: click.Context, _option: click.Parameter, value: str | None) -> float | None:
    """Return a time that was given as a finite number above 0.

    Raises:
        click.BadParameter: The value is no such number.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds > 0):
        raise click.BadParameter(f"{value!r} is no number of seconds above 0")
    return seconds


config = click.option("--config", metavar="FILE", help="The configuration (YAML); without it, only the environment.")
scanner = click.option(
    "--scanner",
    "scanners",
    metavar="NAME",
    multiple=True,
    help="Only this enabled scanner; may be given several times.",
)
list_format = click.option(
    "--format",
    "format_name",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="The form.",
)
suppressions = click.option(
    "--suppressions",
    "suppressions_files",
    metavar="FILE",
    multiple=True,
    help="Rules that take vulnerabilities out of the gate (YAML or OpenVEX); may be given several times.",
)
