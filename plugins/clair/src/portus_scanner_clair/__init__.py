"""CoreOS Clair v2.0.x as a scanner of portus-scanners."""

from __future__ import annotations

from .scanner import ClairScanner
from .settings import ClairSettings

__all__ = ["ClairScanner", "ClairSettings"]
