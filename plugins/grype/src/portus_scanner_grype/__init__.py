"""Grype as a scanner of portus-scanners: a program on this machine."""

from __future__ import annotations

from .scanner import GrypeScanner
from .settings import GrypeSettings

__all__ = ["GrypeScanner", "GrypeSettings"]
