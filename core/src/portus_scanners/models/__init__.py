"""Images, findings, reports: what goes into a scan and what comes out of it.

All are frozen attrs classes; sequences are tuples. ``serialize.py`` turns them into JSON and back.

``images.py`` is what is scanned; ``findings.py`` what a scanner says of one package, in the words of ``words.py``;
``runs.py`` what one scanner returns; ``reports.py`` what is put together from all; ``fields.py`` the checks they share.
"""

from __future__ import annotations

from .findings import Cvss, Finding, Package, VendorRating
from .images import Image, Layer, LocalImage, Platform
from .reports import (
    SCHEMA_VERSION,
    ImageReport,
    MatchedBy,
    Rating,
    ReportDocument,
    UnresolvedImage,
    Verdict,
    Vulnerability,
)
from .runs import Outcome, ScannerReport, ScannerRun
from .words import FixState, Severity

__all__ = [
    "SCHEMA_VERSION",
    "Cvss",
    "Finding",
    "FixState",
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
    "UnresolvedImage",
    "VendorRating",
    "Verdict",
    "Vulnerability",
]
