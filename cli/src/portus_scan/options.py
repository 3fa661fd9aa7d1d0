"""Options that several sub-commands share, and what is made of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from .exits import CommandFault, settings_faults

if TYPE_CHECKING:
    from portus_scanners import Platform, Settings

    from .policy import CommandPolicy

ResultT = TypeVar("ResultT")


def read_seconds(_context: click.Context, _option: click.Parameter, value: str | None) -> float | None:
    """Return the seconds that an option was given: a finite number above 0.

    Raises:
        click.BadParameter: Anything else.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds > 0):
        raise click.BadParameter(f"{value!r} is not a number of seconds above 0")
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
    help="A table, or JSON.",
)
check_timeout = click.option(
    "--timeout",
    metavar="SECONDS",
    default="10",
    show_default=True,
    callback=read_seconds,
    help="For each scanner's health check.",
)

baseline = click.option("--baseline", metavar="REPORT", help="An earlier report (JSON) to compare with.")

SEVERITIES = ("unknown", "negligible", "low", "medium", "high", "critical", "defcon1")
"""As in `portus_scanners.Severity`, which is not imported for a help text."""


class ReportingChoices(NamedTuple):
    """The values of the options that `reporting` adds."""

    outputs: tuple[str, ...]
    min_severity: str
    show_all: bool
    baseline: str | None


def reporting(command: Callable[..., ResultT]) -> Callable[..., ResultT]:
    """Give a sub-command the options that say what becomes of a document, as one argument: `choices`."""

    @wraps(command)
    def gather(*arguments: Any, **values: Any) -> ResultT:
        choices = ReportingChoices(**{name: values.pop(name) for name in ReportingChoices._fields})
        return command(*arguments, choices=choices, **values)

    for option in reversed(_REPORTING):
        gather = option(gather)
    return gather


def _reject_format(_context: click.Context, _option: click.Parameter, value: str | None) -> None:
    """Tell a user who knows ``--format`` from the other sub-commands how a format is chosen here."""
    if value is not None:
        raise click.UsageError(f"there is no --format here: write -o {value}, or -o {value}=PATH")


_REPORTING = (
    click.option(
        "-o",
        "--output",
        "outputs",
        metavar="FORMAT[=PATH]",
        multiple=True,
        help="A format, and the file or folder that it goes to (stdout without one); may be given several times. "
        "Default: table. 'portus-scan formats' lists them.",
    ),
    click.option("--format", metavar="FORMAT", hidden=True, expose_value=False, callback=_reject_format),
    click.option(
        "--min-severity",
        type=click.Choice(SEVERITIES, case_sensitive=False),
        default=SEVERITIES[0],
        help="Formats for people leave out lower severities, and say how many vulnerabilities that is.",
    ),
    click.option(
        "--all", "show_all", is_flag=True, help="Give every vulnerability a row of its own, however many there are."
    ),
    baseline,
)


def read_settings(config: str | None, scanners: tuple[str, ...], policy: CommandPolicy) -> Settings:
    """Return the configuration, with only these scanners where some are named.

    The policy may ask for any enabled scanner, not only for those that are named.

    Raises:
        CommandFault: One line for each fault.
    """
    from portus_scanners import load_settings

    with settings_faults():
        settings = load_settings(config)
        policy.check_scanners(settings)
        return settings.select(scanners) if scanners else settings


def parse_platform(text: str | None) -> Platform | None:
    """Return the platform that ``--platform`` names; None where it was not given.

    Raises:
        CommandFault: *text* is not a platform.
    """
    from portus_scanners import Platform

    try:
        return None if text is None else Platform.parse(text)
    except ValueError as error:
        raise CommandFault(f"--platform: {error}") from error
