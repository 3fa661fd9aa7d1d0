"""The packages of an SBOM, asked at OSV.dev, as a scanner of portus-scanners."""

from __future__ import annotations

from .scanner import OsvScanner
from .settings import OsvSettings

__all__ = ["OsvScanner", "OsvSettings"]
