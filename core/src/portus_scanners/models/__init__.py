"""Findings, runs, reports: what comes out of a scan. All are frozen attrs classes; sequences are tuples.

``findings`` is what a scanner says of one package, ``runs`` what one scanner returns and how that ended;
``vulnerabilities`` is what the findings of all scanners mean together, and which severity is shown; ``reports`` is the
whole answer. ``serialize`` turns them into JSON and back.
"""

from __future__ import annotations

from .findings import HIGHEST_FIRST, Cvss, Finding, FixState, Package, Severity, VendorRating
from .many_findings import finding_maker, maker_or
from .reports import (
    SCHEMA_VERSION,
    GateResult,
    GateViolation,
    ImageReport,
    ReportDocument,
    UnresolvedImage,
    UnusedRule,
    Verdict,
)
from .runs import Database, EndOfLife, Outcome, ScannerReport, ScannerRun
from .vulnerabilities import MatchedBy, Rating, SeverityPolicy, Suppressed, Vulnerability

__all__ = [
    "HIGHEST_FIRST",
    "SCHEMA_VERSION",
    "Cvss",
    "Database",
    "EndOfLife",
    "Finding",
    "FixState",
    "GateResult",
    "GateViolation",
    "ImageReport",
    "MatchedBy",
    "Outcome",
    "Package",
    "Rating",
    "ReportDocument",
    "ScannerReport",
    "ScannerRun",
    "Severity",
    "SeverityPolicy",
    "Suppressed",
    "UnresolvedImage",
    "UnusedRule",
    "VendorRating",
    "Verdict",
    "Vulnerability",
    "finding_maker",
    "maker_or",
]
