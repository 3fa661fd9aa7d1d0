"""Policies and a document -> the document as it is reported. Pure."""

from __future__ import annotations

from datetime import datetime

from attrs import evolve

from ..gate import check_gate
from ..merge import make_image_report
from ..models import ReportDocument, SeverityPolicy
from .policies import Policies


def apply_policies(
    document: ReportDocument, policies: Policies, *, baseline: ReportDocument | None = None, now: datetime
) -> ReportDocument:
    """Return a document with the severities, the suppressions and the gate of these policies.

    Args:
        document: The reports. What earlier policies made of them is made anew, as far as these say something of it.
        policies: What to apply.
        baseline: An earlier document, for `GatePolicy.new_only`.
        now: The time, with its zone.

    Returns:
        The same reports; with a severity policy, their vulnerabilities are merged anew from the runs. `gate` is the
        result of the gate, None where there is none.

    Raises:
        ValueError: The gate looks at new vulnerabilities only and there is no baseline, or *now* has no time zone.
    """
    if policies.severity is not None:
        document = _merge_anew(document, policies.severity)
    if policies.gate is None:
        return evolve(document, gate=None)
    return evolve(document, gate=check_gate(document, policies.gate, baseline=baseline, now=now))


def _merge_anew(document: ReportDocument, severity: SeverityPolicy) -> ReportDocument:
    reports = (make_image_report(one.image, one.results, severity=severity) for one in document.reports)
    return evolve(document, reports=tuple(reports))
