"""Reports that are there already (SARIF, Trivy, Grype) as a scanner of portus-scanners."""

from __future__ import annotations

from .scanner import ReportFileScanner
from .settings import ReportFileSettings

__all__ = ["ReportFileScanner", "ReportFileSettings"]
