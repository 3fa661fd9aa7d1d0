"""Options that several sub-commands share, and what is made of them.

For a help text neither the core nor the policy's own distribution is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from .exits import CommandFault

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
    from portus_images import read_seconds as read

    try:
        seconds = read(value)
    except ValueError:
        seconds = 0.0
    if seconds <= 0:
        raise click.BadParameter(f"{value!r} is not a number of seconds above 0, or a duration such as 5m")
    return seconds


def _only_one(_context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> str | None:
    """Return the one value of an option; of two, click would take the last without a word."""
    if len(values) > 1:
        raise click.BadParameter(f"it is there {len(values)} times: put everything into one file", param=option)
    return next(iter(values), None)


config = click.option(
    "--config",
    metavar="FILE",
    multiple=True,
    callback=_only_one,
    help="The configuration (YAML); without it, only the environment.",
)
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
_OUTCOMES = ("incomplete", "unsupported", "pending", "timed_out", "failed")
"""Those of `portus_scanners.Outcome` that a policy may allow; it is not imported for a help text."""
_END_OF_LIFE = "end-of-life"
"""What ``--allow`` takes beside outcomes."""


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


class PolicyChoices(NamedTuple):
    """The values of the options that `policy` adds; None, or empty, for one that was not given."""

    fail_on: dict[str, str] | None
    only_fixable: bool | None
    min_agreement: int | None
    allow: tuple[str, ...]
    require: tuple[str, ...]
    min_scanners: int | None
    max_database_age: float | None
    new_only: bool | None
    prefer: tuple[str, ...]
    suppressions_files: tuple[str, ...]

    def gate_keys(self) -> Iterator[tuple[str, object, str]]:
        """Yield each key of the section ``gate:`` that was given, with its value and its option."""
        outcomes = [one for one in self.allow if one != _END_OF_LIFE]
        keys = (
            ("fail_on", self.fail_on, "--fail-on"),
            ("only_fixable", self.only_fixable, "--only-fixable"),
            ("min_agreement", self.min_agreement, "--min-agreement"),
            ("outcomes", dict.fromkeys(outcomes, "allow"), "--allow"),
            ("end_of_life", "allow" if _END_OF_LIFE in self.allow else None, "--allow"),
            ("required", self.require, "--require"),
            ("min_scanners", self.min_scanners, "--min-scanners"),
            ("max_database_age", self.max_database_age, "--max-database-age"),
            ("new_only", self.new_only, "--new-only"),
        )
        yield from (key for key in keys if key[1] not in (None, (), {}))


def policy(command: Callable[..., ResultT]) -> Callable[..., ResultT]:
    """Give a sub-command the options of gate, severity and suppressions, as one argument: `policy_choices`."""

    @wraps(command)
    def gather(*arguments: Any, **values: Any) -> ResultT:
        choices = PolicyChoices(**{name: values.pop(name) for name in PolicyChoices._fields})
        return command(*arguments, policy_choices=choices, **values)

    for option in reversed(_POLICY):
        gather = option(gather)
    return gather


def _read_limits(_context: click.Context, _option: click.Parameter, value: str | None) -> dict[str, str] | None:
    """Return the limits of ``high`` or ``critical=0,high=5``, with strings for numbers: the policy converts them.

    Raises:
        click.BadParameter: The value has another form.
    """
    if value is None:
        return None
    if not value.strip():
        raise click.BadParameter("it is empty: write a severity, such as high")
    if "," not in value and "=" not in value:
        return {value.strip().lower(): "0"}
    limits: dict[str, str] = {}
    for part in value.split(","):
        severity, equals, limit = (piece.strip() for piece in part.partition("="))
        if not equals or not limit or severity.lower() in limits:
            raise click.BadParameter(
                f"{value!r}: write the lowest severity that counts, or each with its number: critical=0,high=5"
            )
        limits[severity.lower()] = limit
    return limits


def _read_days(_context: click.Context, _option: click.Parameter, value: str | None) -> float | None:
    """Return a number of days, as which ``3d`` is understood too.

    Raises:
        click.BadParameter: The value has another form.
    """
    try:
        return None if value is None else float(value.strip().removesuffix("d"))
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not a number of days, such as 3") from error


_POLICY = (
    click.option(
        "--fail-on",
        metavar="SEVERITY|LIMITS",
        callback=_read_limits,
        help="Exit with 1 when an image has a vulnerability of this severity or above, or more of them than "
        "allowed: critical=0,high=5.",
    ),
    click.option("--only-fixable/--no-only-fixable", default=None, help="Count only vulnerabilities with a fix."),
    click.option("--min-agreement", metavar="N", type=int, help="Count only vulnerabilities that N scanners found."),
    click.option(
        "--new-only/--no-new-only", default=None, help="Count only vulnerabilities that --baseline does not have."
    ),
    click.option(
        "--allow",
        metavar=f"OUTCOME|{_END_OF_LIFE}",
        type=click.Choice((*_OUTCOMES, _END_OF_LIFE)),
        multiple=True,
        help=f"A scanner with this outcome does not fail the gate: {', '.join(_OUTCOMES)}; with {_END_OF_LIFE}, nor "
        "does a distribution whose support has ended; may be given several times.",
    ),
    click.option(
        "--require",
        metavar="SCANNER",
        multiple=True,
        help="This scanner has to end ok on every image, whatever is allowed; may be given several times.",
    ),
    click.option("--min-scanners", metavar="N", type=int, help="At least N scanners have to end ok on every image."),
    click.option(
        "--max-database-age",
        metavar="DAYS",
        callback=_read_days,
        help="The vulnerability data of every scanner may be at most this many days old.",
    ),
    click.option(
        "--prefer",
        metavar="SCANNER",
        multiple=True,
        help="Show the severity that this scanner gives; several in the order of trust. Default: the highest of all.",
    ),
    click.option(
        "--suppressions",
        "suppressions_files",
        metavar="FILE",
        multiple=True,
        help="Rules that take vulnerabilities out of the gate (YAML or OpenVEX), after those of the configuration; may "
        "be given several times.",
    ),
)


_MACHINES = {"x86_64": "amd64", "x86-64": "amd64", "x64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i386": "386"}
"""Architectures as ``uname -m`` and others call them; no image does."""


def read_settings(config: str | None, scanners: tuple[str, ...], policy: CommandPolicy) -> Settings:
    """Return the configuration, with only these scanners where some are named.

    The policy may ask for any enabled scanner, not only for those that are named.

    Raises:
        SettingsError: One line for each fault.
    """
    from portus_scanners import load_settings

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
        platform = None if text is None else Platform.parse(text)
    except ValueError as error:
        raise CommandFault(f"--platform: {error}") from error
    if platform is not None and (right := _MACHINES.get(platform.architecture)):
        raise CommandFault(f"--platform: images say {right} for {platform.architecture}: {platform.os}/{right}")
    return platform
