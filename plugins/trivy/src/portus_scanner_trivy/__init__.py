"""Trivy as a scanner of portus-scanners: a program on this machine, alone or as the client of a Trivy server."""

from __future__ import annotations

from .scanner import TrivyScanner
from .settings import TrivySettings

__all__ = ["TrivyScanner", "TrivySettings"]
