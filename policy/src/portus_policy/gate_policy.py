"""What a user can ask the gate for, and the rules of such a policy in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum

from attrs import Attribute, field, frozen
from attrs.validators import and_, ge, gt, instance_of, optional
from portus_images import BOOLEAN, one_line, strings
from portus_scanners.models import Outcome, Severity

_ALWAYS_FAILS = Outcome.CANCELLED
"""No policy can allow it: somebody stopped the scan."""


class Treatment(Enum):
    """How the gate treats something that may be tolerated."""

    FAIL = "fail"
    ALLOW = "allow"


class CountedSeverity(Enum):
    """Which severity of a vulnerability is compared with the limits."""

    HIGHEST = "highest"
    """The highest that any scanner gives, whatever is shown."""
    SHOWN = "shown"
    """What the severity policy shows: with a preferred scanner, another finding may make a vulnerability count less."""


def _limits(given: Severity | Mapping[Severity, int] | None) -> dict[Severity, int]:
    """Return the limits: a single severity allows none of it or above."""
    if given is None:
        return {}
    return {given: 0} if isinstance(given, Severity) else dict(given)


def _check_limits(
    _policy: object, _attribute: Attribute[Mapping[Severity, int]], value: Mapping[Severity, int]
) -> None:
    for severity, limit in value.items():
        if not isinstance(severity, Severity) or type(limit) is not int or limit < 0:
            msg = "fail_on is a severity, or severities with the number of vulnerabilities that are allowed, 0 or more"
            raise ValueError(msg)


def _check_outcomes(
    _policy: object, _attribute: Attribute[Mapping[Outcome, Treatment]], value: Mapping[Outcome, Treatment]
) -> None:
    if not all(isinstance(one, Outcome) and isinstance(treatment, Treatment) for one, treatment in value.items()):
        msg = "outcomes is a mapping of outcomes to fail or allow"
        raise ValueError(msg)
    if Outcome.OK in value or _ALWAYS_FAILS in value:
        msg = f"outcomes can't have ok, which passes, or {_ALWAYS_FAILS.value}, which always fails"
        raise ValueError(msg)


@frozen(kw_only=True)
class GatePolicy:
    """What reports have to fulfil. Each member is the key of that name in the section ``gate:`` of a configuration.

    Whatever the policy says, an image that could not be resolved fails, and one that no scanner has looked into.

    Attributes:
        fail_on: How many vulnerabilities of that severity or above are allowed, for each image; may be given as one
            severity: none of it or above is allowed. Empty: vulnerabilities play no part.
        only_fixable: Only vulnerabilities for which some scanner knows a fix count.
        min_agreement: Only vulnerabilities that this many scanners found count; a scanner that could not look is taken
            to agree.
        new_only: Only vulnerabilities that the baseline does not have for this image count.
        severity: Which severity is compared with the limits.
        outcomes: Whether a run with that outcome fails the gate; outcomes that are left out do.
        required: Scanners that have to end ``ok`` on each image, whatever `outcomes` allows.
        min_scanners: How many scanners have to end ``ok`` on each image.
        max_database_age: Days since the vulnerability data of each scanner was updated, at most; None for any age.
        unknown_database_age: How the gate treats a scanner that does not say how old its data is, if there is a limit.
        end_of_life: How the gate treats an image of which a scanner says that the support of its distribution has
            ended, whether or not something was found.

    Raises:
        ValueError: A value is out of range, or members that narrow `fail_on` are given without it.
    """

    fail_on: Mapping[Severity, int] = field(default=None, converter=_limits, validator=_check_limits)
    only_fixable: bool = field(default=False, validator=BOOLEAN)
    min_agreement: int = field(default=1, validator=and_(instance_of(int), ge(1)))
    new_only: bool = field(default=False, validator=BOOLEAN)
    severity: CountedSeverity = field(default=CountedSeverity.HIGHEST, validator=instance_of(CountedSeverity))
    outcomes: Mapping[Outcome, Treatment] = field(factory=dict, converter=dict, validator=_check_outcomes)
    required: tuple[str, ...] = field(default=(), converter=strings)
    min_scanners: int = field(default=0, validator=and_(instance_of(int), ge(0)))
    max_database_age: float | None = field(default=None, validator=optional(gt(0)))
    unknown_database_age: Treatment = field(default=Treatment.FAIL, validator=instance_of(Treatment))
    end_of_life: Treatment = field(default=Treatment.FAIL, validator=instance_of(Treatment))

    def __attrs_post_init__(self) -> None:
        narrowing = {
            "only_fixable": self.only_fixable,
            "min_agreement": self.min_agreement > 1,
            "new_only": self.new_only,
        }
        if not self.fail_on and (given := [key for key, is_given in narrowing.items() if is_given]):
            msg = f"without fail_on no vulnerability counts: add it, or leave out {' and '.join(given)}"
            raise ValueError(msg)

    @property
    def allowed(self) -> frozenset[Outcome]:
        """The outcomes other than ``ok`` that do not fail the gate."""
        return frozenset(one for one, treatment in self.outcomes.items() if treatment is Treatment.ALLOW)


def rules_in_force(policy: GatePolicy) -> Iterator[str]:
    """Yield a sentence for each rule, beginning with its key."""
    yield "scanned: every image is resolved, and some scanner looks into it"
    yield f"outcomes: every scanner ends ok{_allowed(policy)}"
    if policy.fail_on:
        yield f"fail_on: {', '.join(_limits_in_words(policy))} in an image"
        yield from _narrowing(policy)
    if policy.required:
        yield f"required: {', '.join(map(one_line, policy.required))} end ok on every image"
    if policy.min_scanners:
        yield f"min_scanners: at least {policy.min_scanners} end ok on every image"
    if policy.max_database_age is not None:
        unknown = "; unknown is allowed" if policy.unknown_database_age is Treatment.ALLOW else ""
        yield f"max_database_age: every scanner's data is at most {days(policy.max_database_age)} old{unknown}"
    if policy.end_of_life is Treatment.FAIL:
        yield "end_of_life: no scanner says that the support of a distribution has ended"


def limits_of(policy: GatePolicy) -> list[tuple[Severity, int]]:
    """Return the limits, highest severity first."""
    return sorted(policy.fail_on.items(), reverse=True)


def _limits_in_words(policy: GatePolicy) -> Iterator[str]:
    for severity, limit in limits_of(policy):
        yield f"at most {limit} of {severity.value} or above"


def days(number: float) -> str:
    """Return ``1 day``, ``2.5 days``."""
    return f"{number:g} day{'' if number == 1 else 's'}"


def _allowed(policy: GatePolicy) -> str:
    words = sorted(outcome.value for outcome in policy.allowed)
    return f", or {' or '.join(words)}" if words else ""


def _narrowing(policy: GatePolicy) -> Iterator[str]:
    if policy.only_fixable:
        yield "only_fixable: only vulnerabilities with a fix count"
    if policy.min_agreement > 1:
        yield f"min_agreement: only vulnerabilities that {policy.min_agreement} scanners found, or may have, count"
    if policy.new_only:
        yield "new_only: only vulnerabilities that the baseline does not have count"
    if policy.severity is CountedSeverity.SHOWN:
        yield "severity: the severity shown counts, not the highest one"
