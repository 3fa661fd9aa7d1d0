"""Images, findings, reports: what goes into a scan and what comes out of it.

All are frozen attrs classes; sequences are tuples. ``serialize/`` turns them into JSON and back.

``images.py`` is what is scanned; ``findings.py`` what a scanner says of one package, in the words of ``words.py``;
``runs.py`` what one scanner returns; ``vulnerabilities.py`` what their findings mean together; ``reports.py`` the
whole answer; ``severity_policy.py`` which severity is shown; ``fields.py`` the checks they share.
"""

from __future__ import annotations

from portus_images import Image, Layer, LocalImage, Platform

from .findings import Cvss, Finding, Package, VendorRating
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
from .runs import Outcome, ScannerReport, ScannerRun
from .severity_policy import SeverityPolicy
from .vulnerabilities import MatchedBy, Rating, Suppressed, Vulnerability
from .words import FixState, Severity

__all__ = [
    "SCHEMA_VERSION",
    "Cvss",
    "Finding",
    "FixState",
    "GateResult",
    "GateViolation",
    "Image",
    "ImageReport",
    "Layer",
    "LocalImage",
    "MatchedBy",
    "Outcome",
    "Package",
    "Platform",
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
]
