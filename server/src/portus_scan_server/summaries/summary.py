"""One image under the rules of now: merged counts, the verdict, the gate. Pure.

What is stored is read by scanners and images; what people ask is about merged vulnerabilities under a policy. Merging
costs milliseconds an image, so that is done once, when a scan ends, and again when the rules change.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from hashlib import blake2b
from typing import Any

from attrs import evolve, field, frozen
from portus_images import Image, LocalReference, parse_reference
from portus_policy import GateResult, Policy, apply_policy
from portus_scanners import FixState, ImageReport, Settings, Severity, Verdict, Vulnerability, make_image_report
from portus_scanners.models import ReportDocument

from ..answers import MAX_AGE, AnswerDoubt, Judgement, ScannerAnswers, judge_answers

_MOST_NAMES = 16
"""Under how many names an image is judged; of one with more, no rule that names an image counts."""
_CENTURY = 36_500.0
"""Days."""


@frozen(kw_only=True)
class Rules:
    """What summaries depend on besides what is stored.

    Attributes:
        enabled: Names of the scanners that are enabled now, in the order of the configuration.
        policy: Severities, suppressions, gate.
        max_age: How long ago an answer may have been checked.
        fingerprint: Changes whenever one of these does.
    """

    enabled: tuple[str, ...]
    policy: Policy = field(factory=Policy)
    max_age: timedelta = MAX_AGE
    fingerprint: str = field(init=False)

    @fingerprint.default
    def _of_all(self) -> str:
        said = repr((self.enabled, self.policy, self.max_age))
        return blake2b(said.encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()

    @classmethod
    def of(cls, settings: Settings, policy: Policy, max_age: timedelta) -> Rules:
        """Return the rules of a configuration: the service and its runner have to mean the same ones."""
        return cls(enabled=tuple(one.name for one in settings.enabled), policy=policy, max_age=max_age)

    @property
    def only_answers_count(self) -> bool:
        """Whether neither an image's names nor the time, but for the answers' age, decide what a summary says."""
        by_rule = any(one.image or one.until for one in self.policy.suppressions or ())
        return not by_rule and (self.policy.gate is None or self.policy.gate.max_database_age is None)


@frozen(kw_only=True)
class Summary:
    """What lists show of an image.

    Attributes:
        verdict: The verdict over what is stored.
        counts: Merged vulnerabilities of each severity that is shown, suppressed ones among them.
        fixable: How many of all have a fix.
        suppressed: How many of all no gate counts, under each name that the image has.
        gate: Whether the policy's gate lets the image pass under each of its names; None without a gate.
        violations: ``rule: message`` of the gate, at most 20.
        doubts: For each scanner in doubt, why.
        oldest_database: See `Judgement`.
        checked_at: See `Judgement`.
        holds_until: When this is no longer true, by itself: an answer is outdated, a suppression ends; None for never.
        counted: The vulnerabilities that are not suppressed, the worst first; not stored.
    """

    verdict: Verdict
    counts: Mapping[Severity, int]
    fixable: int
    suppressed: int
    gate: bool | None
    violations: tuple[str, ...]
    doubts: Mapping[str, tuple[AnswerDoubt, ...]]
    oldest_database: datetime | None
    checked_at: datetime | None
    holds_until: datetime | None
    counted: tuple[Vulnerability, ...] = field(default=(), repr=False)

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of the row of `summaries`."""
        return {
            "verdict": self.verdict.value,
            **{severity.value: self.counts.get(severity, 0) for severity in Severity},
            "total": sum(self.counts.values()),
            "fixable": self.fixable,
            "suppressed": self.suppressed,
            "gate": {None: "", True: "pass", False: "fail"}[self.gate],
            "violations": json.dumps(self.violations),
            "doubts": json.dumps({name: [one.value for one in why] for name, why in self.doubts.items()}),
            "oldest_database": self.oldest_database,
            "checked_at": self.checked_at,
            "holds_until": self.holds_until,
        }


def summarize(
    image: Image, names: Sequence[str], answers: Mapping[str, ScannerAnswers], rules: Rules, *, now: datetime
) -> Summary:
    """Return the summary of one image.

    Args:
        image: The image, under any name.
        names: The references that people know it by, ``host/repository:tag``; suppressions and gate are applied under
            each, and only what holds under all of them is suppressed, or passes.
        answers: What is stored of it.
        rules: The rules of now.
        now: The time by the database's clock.
    """
    judged = judge_answers(rules.enabled, answers, now=now, max_age=rules.max_age)
    report = make_image_report(image, judged.runs)
    policy, names = _policy_for(names or [image.reference.text], rules.policy)
    documents = [_apply(report, name, policy, now) for name in names]
    shown = documents[0].reports[0].vulnerabilities
    marked = [{_key(one) for one in found.reports[0].vulnerabilities if one.suppressed} for found in documents]
    suppressed = set.intersection(*marked)
    gates = [found.gate for found in documents if found.gate is not None]
    return Summary(
        verdict=judged.verdict,
        counts=Counter(one.severity for one in shown),
        fixable=sum(_has_fix(one) for one in shown),
        suppressed=len(suppressed),
        gate=all(one.passed for one in gates) if gates else None,
        violations=_violations(gates),
        doubts=judged.doubts,
        oldest_database=judged.oldest_database,
        checked_at=judged.checked_at,
        holds_until=_until(judged, shown if not suppressed else [one for one in shown if one.suppressed], policy, now),
        counted=tuple(sorted((one for one in shown if _key(one) not in suppressed), key=_severity, reverse=True)),
    )


def _policy_for(names: Sequence[str], policy: Policy) -> tuple[Policy, Sequence[str]]:
    """Return the policy and the names to apply it under: one is enough where no rule asks for the image's name."""
    policy = without_baseline(policy)
    rules = policy.suppressions or ()
    if not any(rule.image for rule in rules):
        return policy, names[:1]
    if len(names) > _MOST_NAMES:
        return evolve(policy, suppressions=tuple(rule for rule in rules if not rule.image)), names[:1]
    return policy, names


def without_baseline(policy: Policy) -> Policy:
    """Return a policy for stored answers: there is no baseline, so what is old counts as well."""
    if policy.gate is None or not policy.gate.new_only:
        return policy
    return evolve(policy, gate=evolve(policy.gate, new_only=False))


def _apply(report: ImageReport, name: str, policy: Policy, now: datetime) -> ReportDocument:
    reference = report.image.reference
    if not isinstance(reference, LocalReference):
        reference = parse_reference(name)
    named = evolve(report, image=evolve(report.image, reference=reference))
    return apply_policy(ReportDocument(reports=(named,)), policy, now=now)


def _key(one: Vulnerability) -> tuple[object, ...]:
    return one.id, one.package


def _severity(one: Vulnerability) -> Severity:
    return one.severity


def _has_fix(one: Vulnerability) -> bool:
    return bool(one.fixed_by) or FixState.FIXED in one.fix_states


def _violations(gates: Sequence[GateResult]) -> tuple[str, ...]:
    said = (f"{one.rule}: {one.message}" for gate in gates for one in gate.violations)
    return tuple(dict.fromkeys(said))[:20]


def _until(judged: Judgement, marked: Sequence[Vulnerability], policy: Policy, now: datetime) -> datetime | None:
    """Return when the summary stops to be true: an answer is outdated, a rule ends, data is too old for the gate."""
    ends = [judged.holds_until] if judged.holds_until else []
    days = {one.suppressed.until for one in marked if one.suppressed is not None}
    ends += [datetime.combine(day, time(), UTC) + timedelta(days=1) for day in days if day is not None]
    if policy.gate is not None and policy.gate.max_database_age is not None:
        ends += _too_old_at(judged, min(policy.gate.max_database_age, _CENTURY), now)
    return min(ends, default=None)


def _too_old_at(judged: Judgement, limit: float, now: datetime) -> Iterator[datetime]:
    """Yield when the data of each scanner becomes too old for the gate, *limit* days after it was updated."""
    used = [run.report.database for run in judged.runs if run.report is not None]
    for date in [one.updated for one in used if one is not None and one.updated is not None]:
        left = limit - (now - (date if date.tzinfo else date.replace(tzinfo=UTC))) / timedelta(days=1)
        if 0 < left <= _CENTURY:
            yield now + timedelta(days=left)
