"""Scanner adapters of Harbor as scanners of portus-scanners."""

from __future__ import annotations

from .scanner import HarborScanner
from .settings import HarborSettings

__all__ = ["HarborScanner", "HarborSettings"]
