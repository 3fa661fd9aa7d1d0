"""The policy of a command: its options, what they and the configuration ask for, and how it is applied.

What nobody asks for is not imported, and for a help text neither the core nor the policy's own distribution is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from .exits import CommandFault, settings_faults

if TYPE_CHECKING:
    from portus_policy import GateResult, GateViolation, Policy, UnusedRule
    from portus_scanners import ImageReport, Outcome, ReportDocument, Settings, UnresolvedImage

ResultT = TypeVar("ResultT")

MOST_VIOLATIONS = 1000
"""Violations that are kept of all images of a walk together."""
_OUTCOMES = ("incomplete", "unsupported", "pending", "timed_out", "failed")
"""Those of `portus_scanners.Outcome` that a policy may allow; it is not imported for a help text."""
_END_OF_LIFE = "end-of-life"
"""What ``--allow`` takes beside outcomes."""


class PolicyChoices(NamedTuple):
    """The values of the options that `policy_options` adds; None, or empty, for one that was not given."""

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


def policy_options(command: Callable[..., ResultT]) -> Callable[..., ResultT]:
    """Give a sub-command the options of gate, severity and suppressions, as one argument: `policy_choices`."""

    @wraps(command)
    def gather(*arguments: Any, **values: Any) -> ResultT:
        choices = PolicyChoices(**{name: values.pop(name) for name in PolicyChoices._fields})
        return command(*arguments, policy_choices=choices, **values)

    for option in reversed(_OPTIONS):
        gather = option(gather)
    return gather


class CommandPolicy(NamedTuple):
    """The policy of one command: read before the scan, applied to its document after it."""

    policy: Policy
    baseline: ReportDocument | None = None
    """An earlier document to compare with."""

    @classmethod
    def read(cls, config: str | None, choices: PolicyChoices, baseline: ReportDocument | None) -> CommandPolicy:
        """Read what the configuration asks for, and put what the options say in its place, key by key.

        Raises:
            CommandFault: Something is wrong with it, or there is nothing to compare with.
        """
        from portus_policy import load_policy

        keys = tuple(choices.gate_keys())
        with settings_faults():
            policy = load_policy(
                config,
                gate={key: value for key, value, _ in keys},
                prefer=choices.prefer,
                suppressions=choices.suppressions_files,
                sources={key: option for key, _, option in keys},
            )
        if policy.gate is not None and policy.gate.new_only and baseline is None:
            raise CommandFault(
                "only new vulnerabilities are to count (--new-only, or new_only: in the configuration), but there is "
                "nothing to compare with: give an earlier report with --baseline REPORT"
            )
        return cls(policy, baseline)

    def check_scanners(self, settings: Settings) -> None:
        """Reject required and preferred scanners that are not enabled.

        Args:
            settings: All that are enabled, not only those that are asked.

        Raises:
            CommandFault: Some scanner is not enabled, though others are.
        """
        names = [section.name for section in settings.enabled]
        if names:  # without any, the command says how to enable one
            with settings_faults():
                self.policy.check_scanners(names)

    def apply(self, document: ReportDocument) -> ReportDocument:
        """Return the document as it is reported."""
        from portus_policy import apply_policy

        now = datetime.now(UTC).replace(microsecond=0)
        return apply_policy(document, self.policy, baseline=self.baseline, now=now)

    @property
    def allowed(self) -> frozenset[Outcome]:
        """The outcomes other than ok that do not fail the gate."""
        return self.policy.gate.allowed if self.policy.gate else frozenset()


class WalkPolicy:
    """The policy of a walk, applied to one image after another, and what came of it so far; that does not grow.

    An image is judged as a document of its own: the gate's rules are about single images.

    Args:
        policy: What the command asks for.
    """

    def __init__(self, policy: CommandPolicy) -> None:
        self._policy = policy
        self._unused: dict[str, UnusedRule] | None = None
        self._violations: list[GateViolation] = []
        self._left_out = 0
        self._rules: tuple[str, ...] = ()

    @property
    def allowed(self) -> frozenset[Outcome]:
        """The outcomes other than ok that do not fail the gate."""
        return self._policy.allowed

    def judge(self, end: ImageReport | UnresolvedImage) -> ReportDocument:
        """Return the document of one image as it is reported."""
        from portus_scanners import ImageReport, ReportDocument

        alone = ReportDocument(reports=(end,)) if isinstance(end, ImageReport) else ReportDocument(errors=(end,))
        judged = self._policy.apply(alone)
        unused = {one.rule: one for one in judged.unused_rules}
        if self._unused is not None:
            unused = {rule: one for rule, one in self._unused.items() if rule in unused}
        self._unused = unused
        if judged.gate is not None:
            self._note(judged.gate)
        return judged

    def sum_up(self) -> ReportDocument:
        """Return the document of all images, without these: the rules that fit none, and the gate."""
        from portus_scanners import ReportDocument

        if self._unused is None:  # there was no image: nothing has passed
            return self._policy.apply(ReportDocument())
        return ReportDocument(unused_rules=tuple(self._unused.values()), gate=self._gate())

    def _note(self, gate: GateResult) -> None:
        self._rules = gate.rules
        room = MOST_VIOLATIONS - len(self._violations)
        self._violations.extend(gate.violations[:room])
        self._left_out += len(gate.violations[room:])

    def _gate(self) -> GateResult | None:
        from attrs import evolve
        from portus_policy import GateResult

        if self._policy.policy.gate is None:
            return None
        violations = tuple(self._violations)
        if self._left_out:
            more = evolve(violations[-1], reference="", message=f"{self._left_out} more violations", vulnerabilities=())
            violations += (more,)
        return GateResult(passed=not violations, rules=self._rules, violations=violations)


def _read_limits(_context: click.Context, _option: click.Parameter, value: str | None) -> dict[str, str] | None:
    """Return the limits of ``high`` or ``critical=0,high=5``, with strings for numbers: the policy converts them.

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
        type=float,
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
