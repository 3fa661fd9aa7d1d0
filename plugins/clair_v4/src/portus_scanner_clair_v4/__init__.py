"""Clair v4 as a scanner of portus-scanners."""

from __future__ import annotations

from .scanner import ClairV4Scanner
from .settings import ClairV4Settings

__all__ = ["ClairV4Scanner", "ClairV4Settings"]
