"""Policies and a document -> the document as it is reported. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from attrs import evolve
from portus_scanners.merge import make_image_report
from portus_scanners.models import ImageReport, ReportDocument, SeverityPolicy

from .gate import check_gate
from .policies import Policies
from .suppressions.applying import apply_suppressions, drop_expired_marks
from .suppressions.rule import Suppression


def apply_policies(
    document: ReportDocument,
    policies: Policies,
    *,
    rules: Sequence[Suppression] | None = None,
    baseline: ReportDocument | None = None,
    now: datetime,
) -> ReportDocument:
    """Return a document with the severities, the suppressions and the gate of these policies.

    Args:
        document: The reports. What earlier policies made of them is made anew, as far as these say something of it.
        policies: What to apply.
        rules: What the files of `Policies.suppressions` say, in place of the marks of earlier rules. None where no file
            says anything: these marks stay, but where there is a gate and a mark's last day is over, which is listed in
            `unused_rules`.
        baseline: An earlier document, for `GatePolicy.new_only`.
        now: The time, with its zone.

    Returns:
        The same reports; with a severity policy, their vulnerabilities are merged anew from the runs. `gate` is the
        result of the gate; where there is none, that of an earlier one as long as nothing else has changed.

    Raises:
        ValueError: The gate looks at new vulnerabilities only and there is no baseline, or *now* has no time zone.
    """
    if policies.severity is not None:
        document = _merge_anew(document, policies.severity)
    today = now.astimezone(UTC).date()
    if rules is not None:
        document = apply_suppressions(document, rules, today=today)
    elif policies.gate is not None:
        document = drop_expired_marks(document, today=today)
    if policies.gate is not None:
        return evolve(document, gate=check_gate(document, policies.gate, baseline=baseline, now=now))
    # an earlier gate has judged other severities and other marks
    return evolve(document, gate=None) if rules is not None or policies.severity is not None else document


def _merge_anew(document: ReportDocument, severity: SeverityPolicy) -> ReportDocument:
    return evolve(document, reports=tuple(_judge_anew(report, severity) for report in document.reports))


def _judge_anew(report: ImageReport, severity: SeverityPolicy) -> ImageReport:
    """Merge anew; what was suppressed stays so."""
    marks = {(one.id, one.package): one.suppressed for one in report.vulnerabilities if one.suppressed}
    fresh = make_image_report(report.image, report.results, severity=severity)
    marked = (evolve(one, suppressed=marks.get((one.id, one.package))) for one in fresh.vulnerabilities)
    return evolve(fresh, vulnerabilities=tuple(marked)) if marks else fresh
