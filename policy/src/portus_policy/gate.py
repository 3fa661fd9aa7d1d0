"""The gate: a document and a policy -> passed or not, and what fails it. Pure functions.

``docs/reference/gate.md`` has the rules for users. Nothing here lets a document that knows less look better: another
finding, a higher severity, a run that did not end ``ok`` can only add violations, unless the policy allows just that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from math import ceil

from attrs import evolve, frozen
from portus_images import Image, one_line
from portus_scanners.models import (
    GateResult,
    GateViolation,
    ImageReport,
    Outcome,
    ReportDocument,
    ScannerReport,
    Severity,
    Vulnerability,
)

from .counterparts import BaselineImages, VulnerabilityIndex, ended_ok, has_fix
from .gate_policy import CountedSeverity, GatePolicy, Treatment, days, limits_of, rules_in_force

_HAS_SEEN = {Outcome.OK, Outcome.INCOMPLETE}
_CLOCKS_DIFFER = timedelta(days=1)
"""How far in the future a date may lie; a later one is a mistake, and says nothing."""


def check_gate(
    document: ReportDocument, policy: GatePolicy, *, baseline: ReportDocument | None = None, now: datetime
) -> GateResult:
    """Judge a document by a policy.

    Args:
        document: The reports, with their suppressions applied.
        policy: What they have to fulfil.
        baseline: An earlier document, for `GatePolicy.new_only`; not looked at otherwise.
        now: The time, with its zone, that the age of vulnerability data is measured from.

    Returns:
        Whether all rules hold, the rules in words, and one violation for each image and rule that does not: those of
        images that could not be resolved first, then image by image in the order of the document.

    Raises:
        ValueError: `GatePolicy.new_only` is set and there is no baseline, or *now* has no time zone.
    """
    if policy.new_only and baseline is None:
        raise ValueError("new_only compares with an earlier report: give one as the baseline")
    if now.tzinfo is None:
        raise ValueError("now must be a time with a time zone")
    known = BaselineImages(baseline) if policy.new_only and baseline is not None else None
    violations = tuple(_violations(document, policy, known, now))
    return GateResult(passed=not violations, rules=tuple(rules_in_force(policy)), violations=violations)


def _violations(
    document: ReportDocument, policy: GatePolicy, known: BaselineImages | None, now: datetime
) -> Iterator[GateViolation]:
    for error in document.errors:
        message = f"it was not scanned: {one_line(error.message)}"
        yield GateViolation(rule="scanned", message=message, reference=error.reference)
    if not document.reports and not document.errors:
        yield GateViolation(rule="scanned", message="there is no image in this report")
    times: Counter[str] = Counter()
    found: list[tuple[Image, list[GateViolation]]] = []
    for report in document.reports:
        times[report.image.reference.text] += 1
        counting = _Counting(policy, None if known is None else known.earlier(report.image))
        if violations := list(_of_image(report, counting, now)):
            found.append((report.image, violations))
    for image, violations in found:
        yield from violations if times[image.reference.text] == 1 else _with_platform(image, violations)


def _of_image(report: ImageReport, counting: _Counting, now: datetime) -> Iterator[GateViolation]:
    """Yield what does not hold for one image, one violation for each rule."""
    policy = counting.policy
    beyond, ids = _beyond_limits(report, counting)
    messages = {
        "scanned": _why_not_scanned(report),
        "outcomes": _bad_outcomes(report, policy),
        "required": _missing(report, policy),
        "min_scanners": _too_few(report, policy),
        "min_agreement": _too_few_to_agree(report, policy),
        "fail_on": beyond,
        "max_database_age": _too_old(report, policy, now),
        "end_of_life": _ended_support(report, policy),
    }
    reference = report.image.reference.text
    for rule, message in messages.items():
        if message:
            counted = ids if rule == "fail_on" else ()
            yield GateViolation(rule=rule, message=message, reference=reference, vulnerabilities=counted)


def _with_platform(image: Image, violations: Iterable[GateViolation]) -> Iterator[GateViolation]:
    """Say which image is meant, where several have the same reference."""
    platform = one_line(str(image.platform)) if image.platform else "no platform"
    return (evolve(one, message=f"{platform}: {one.message}") for one in violations)


def _why_not_scanned(report: ImageReport) -> str:
    """An image that every scanner calls unsupported is judged by that outcome alone."""
    outcomes = {run.outcome for run in report.results}
    if not outcomes:
        return "no scanner was asked about it"
    if outcomes & _HAS_SEEN or outcomes == {Outcome.UNSUPPORTED}:
        return ""
    return "no scanner has looked into it"


def _bad_outcomes(report: ImageReport, policy: GatePolicy) -> str:
    passing = {Outcome.OK, *policy.allowed}
    bad = [run for run in report.results if run.outcome not in passing]
    return ", ".join(f"{one_line(run.scanner)} ended {run.outcome.value}" for run in bad)


def _missing(report: ImageReport, policy: GatePolicy) -> str:
    """Of several runs of one scanner, one that ended ok is enough: it has looked."""
    endings = {run.scanner: f"ended {run.outcome.value}" for run in report.results}
    ok = ended_ok(report)
    missing = [name for name in dict.fromkeys(policy.required) if name not in ok]
    return ", ".join(f"{one_line(name)} {endings.get(name, 'was not asked')}, and has to end ok" for name in missing)


def _too_few(report: ImageReport, policy: GatePolicy) -> str:
    number = len(ended_ok(report))
    if number >= policy.min_scanners:
        return ""
    return f"{number} scanner{'' if number == 1 else 's'} ended ok, at least {policy.min_scanners} have to"


def _too_few_to_agree(report: ImageReport, policy: GatePolicy) -> str:
    """Where fewer scanners were asked than have to agree, nothing could ever count."""
    asked = len({run.scanner for run in report.results})
    if policy.min_agreement == 1 or asked >= policy.min_agreement:
        return ""
    return f"{policy.min_agreement} scanners have to agree, but only {asked} {'was' if asked == 1 else 'were'} asked"


@frozen
class _Counting:
    """Which vulnerabilities of an image count, and with which severity."""

    policy: GatePolicy
    known: Sequence[VulnerabilityIndex] | None
    """What the baseline has for this image, or for each that may have been it; None where old ones count as well."""

    def counted(self, report: ImageReport) -> list[Vulnerability]:
        """Return those that count, highest severity first; suppressed ones never do."""
        # nobody knows what a scanner without a run that ended ok would have found
        silent = frozenset(run.scanner for run in report.results) - ended_ok(report)
        counted = [one for one in report.vulnerabilities if self._counts(one, silent)]
        return sorted(counted, key=self.severity_of, reverse=True)

    def severity_of(self, vulnerability: Vulnerability) -> Severity:
        """Return the severity that is compared with the limits."""
        if self.policy.severity is CountedSeverity.SHOWN:
            return vulnerability.severity
        return vulnerability.highest

    def _counts(self, one: Vulnerability, silent: frozenset[str]) -> bool:
        policy = self.policy
        return (
            one.suppressed is None
            and (not policy.only_fixable or has_fix(one))
            and len(silent.union(one.scanners)) >= policy.min_agreement
            and not self._is_known(one)
        )

    def _is_known(self, one: Vulnerability) -> bool:
        """Return whether it is not new: every image that may have been this one has it."""
        return bool(self.known) and all(index.find(one) for index in self.known or ())


def _beyond_limits(report: ImageReport, counting: _Counting) -> tuple[str, tuple[str, ...]]:
    """Return what is too much, and the ids of all that count towards a limit that does not hold."""
    policy = counting.policy
    counted = counting.counted(report)
    faults, ids = [], []
    for severity, limit in limits_of(policy):
        above = [one.id for one in counted if counting.severity_of(one) >= severity]
        if len(above) > limit:
            allowed = f"{limit} {'is' if limit == 1 else 'are'} allowed"
            faults.append(f"{_number(len(above), policy)} of severity {severity.value} or above, {allowed}")
            ids = above  # the next limit is of a lower severity: its ids are these and more
    if not faults:
        return "", ()
    message = "; ".join(faults)
    if policy.min_agreement > 1:
        message += f" (found by {policy.min_agreement} scanners, as far as can be told)"
    return message, tuple(dict.fromkeys(ids))


def _number(count: int, policy: GatePolicy) -> str:
    words = ["new"] * policy.new_only + ["fixable"] * policy.only_fixable
    return " ".join([str(count), *words, "vulnerability" if count == 1 else "vulnerabilities"])


def _too_old(report: ImageReport, policy: GatePolicy, now: datetime) -> str:
    """Return whose data is too old, or of an age that is not known; a scanner without a report has used none."""
    limit = policy.max_database_age
    if limit is None:
        return ""
    faults = [
        f"{one_line(run.scanner)} {fault}"
        for run in report.results
        if run.report is not None and (fault := _fault_of_age(run.report, policy, limit, now))
    ]
    return f"{', '.join(faults)}; at most {days(limit)} are allowed" if faults else ""


def _fault_of_age(report: ScannerReport, policy: GatePolicy, limit: float, now: datetime) -> str:
    age = _age(report.database.updated if report.database else None, now)
    if age is None:
        allowed = policy.unknown_database_age is Treatment.ALLOW
        return "" if allowed else "does not say how old its vulnerability data is"
    number = age / timedelta(days=1)
    return f"has vulnerability data that is {days(ceil(number * 10) / 10)} old" if number > limit else ""


def _ended_support(report: ImageReport, policy: GatePolicy) -> str:
    """Return who says that the support of the distribution has ended; a scanner that failed afterwards says so too."""
    if policy.end_of_life is Treatment.ALLOW:
        return ""
    ended = {run.scanner: run.report.end_of_life for run in report.results if run.report and run.report.end_of_life}
    return ", ".join(f"{one_line(scanner)}: {one_line(one.sentence)}" for scanner, one in ended.items())


def _age(updated: datetime | None, now: datetime) -> timedelta | None:
    """Return the age of vulnerability data; None where it is not known."""
    if updated is None:
        return None
    age = now - (updated if updated.tzinfo else updated.replace(tzinfo=UTC))
    return None if age < -_CLOCKS_DIFFER else age
