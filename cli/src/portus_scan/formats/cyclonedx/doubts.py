"""What is not known, where tools look: in the list of vulnerabilities."""

from __future__ import annotations

from cyclonedx.model.impact_analysis import ImpactAnalysisState
from cyclonedx.model.vulnerability import (
    BomTarget,
    Vulnerability,
    VulnerabilityAnalysis,
    VulnerabilityRating,
    VulnerabilitySeverity,
    VulnerabilitySource,
)

from ..doubts import Doubt
from ..program import PROGRAM
from .properties import properties

NOT_COMPLETE = "PORTUS-SCAN-NOT-COMPLETE"
"""The id of entries that are no vulnerability: the scan has not seen all."""


def doubt_entry(doubt: Doubt, image_ref: str, number: int) -> Vulnerability:
    """Return the entry of one thing that is not known of an image: severity unknown, in triage."""
    source = VulnerabilitySource(name=PROGRAM)
    return Vulnerability(
        bom_ref=f"{image_ref}-doubt-{number}",
        id=NOT_COMPLETE,
        source=source,
        ratings=[VulnerabilityRating(source=source, severity=VulnerabilitySeverity.UNKNOWN)],
        description=f"The scan is not complete: {doubt.sentence}",
        recommendation="Mend the cause and scan again; until then nobody knows what is missing.",
        analysis=VulnerabilityAnalysis(state=ImpactAnalysisState.IN_TRIAGE, detail=doubt.sentence),
        affects=[BomTarget(ref=image_ref)],
        properties=properties([("outcome", doubt.outcome), ("scanner", doubt.scanner)]),
    )
