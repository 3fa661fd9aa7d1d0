"""The options that say what is asked of reports; they go before the configuration, key by key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, NamedTuple, TypeVar

import click

ResultT = TypeVar("ResultT")

_OUTCOMES = ("incomplete", "unsupported", "pending", "timed_out", "failed")
"""Those of `portus_scanners.Outcome` that a policy may allow; it is not imported for a help text."""


class PolicyChoices(NamedTuple):
    """What the options of `policies` were given; None, or empty, where one was not."""

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

    @property
    def gate(self) -> dict[str, object]:
        """The keys of the section ``gate:`` that were given."""
        given = {key: (value, option) for key, value, option in self._keys() if value not in (None, (), {})}
        return {key: value for key, (value, _) in given.items()}

    @property
    def sources(self) -> dict[str, str]:
        """For each of these keys the option that it comes from."""
        return {key: option for key, _, option in self._keys() if key in self.gate}

    def _keys(self) -> Iterator[tuple[str, object, str]]:
        yield "fail_on", self.fail_on, "--fail-on"
        yield "only_fixable", self.only_fixable, "--only-fixable"
        yield "min_agreement", self.min_agreement, "--min-agreement"
        yield "outcomes", dict.fromkeys(self.allow, "allow"), "--allow"
        yield "required", self.require, "--require"
        yield "min_scanners", self.min_scanners, "--min-scanners"
        yield "max_database_age", self.max_database_age, "--max-database-age"
        yield "new_only", self.new_only, "--new-only"


def policies(command: Callable[..., ResultT]) -> Callable[..., ResultT]:
    """Give a sub-command the options of gate, severity and suppressions, as one argument: `policy_choices`."""

    @wraps(command)
    def gather(*arguments: Any, **values: Any) -> ResultT:
        choices = PolicyChoices(**{name: values.pop(name) for name in PolicyChoices._fields})
        return command(*arguments, policy_choices=choices, **values)

    for option in reversed(_OPTIONS):
        gather = option(gather)
    return gather


def _read_limits(_context: click.Context, _option: click.Parameter, value: str | None) -> dict[str, str] | None:
    """Return the limits of ``high`` or ``critical=0,high=5``, with texts for numbers: the core reads them.

    Raises:
        click.BadParameter: The value has another form.
    """
    if value is None:
        return None
    if "," not in value and "=" not in value:
        return {value.strip().lower(): "0"}
    limits: dict[str, str] = {}
    for part in value.split(","):
        severity, equals, limit = (piece.strip() for piece in part.partition("="))
        if not equals or not limit or severity.lower() in limits:
            raise click.BadParameter(f"{value!r}: write a severity, or each with its number: critical=0,high=5")
        limits[severity.lower()] = limit
    return limits


_OPTIONS = (
    click.option(
        "--fail-on",
        metavar="SEVERITY|LIMITS",
        callback=_read_limits,
        help="Exit with 1 when an image has a vulnerability of this severity or above; or more than so many: "
        "critical=0,high=5.",
    ),
    click.option("--only-fixable/--no-only-fixable", default=None, help="Only those count that have a fix."),
    click.option("--min-agreement", metavar="N", type=int, help="Only those count that N scanners found."),
    click.option("--new-only/--no-new-only", default=None, help="Only those count that --baseline does not have."),
    click.option(
        "--allow",
        metavar="OUTCOME",
        type=click.Choice(_OUTCOMES),
        multiple=True,
        help=f"A scanner that ends so does not fail the gate: {', '.join(_OUTCOMES)}; may be given several times.",
    ),
    click.option(
        "--require",
        metavar="SCANNER",
        multiple=True,
        help="This scanner has to end ok on every image, whatever is allowed; may be given several times.",
    ),
    click.option("--min-scanners", metavar="N", type=int, help="So many scanners have to end ok on every image."),
    click.option(
        "--max-database-age",
        metavar="DAYS",
        type=float,
        help="The vulnerability data of every scanner has to be at most so old.",
    ),
    click.option(
        "--prefer",
        metavar="SCANNER",
        multiple=True,
        help="Show the severity that this scanner gives; several in the order of trust. Default: the highest.",
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
