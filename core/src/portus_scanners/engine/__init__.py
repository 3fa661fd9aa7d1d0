"""Runs all enabled scanners at once on an image: slots, deadlines, retries, isolation.

``isolation`` watches foreign code, ``run`` is one scanner on one image, ``scan`` is all of them on one image,
``engine`` owns what lives longer: the started scanners, their sessions, the registry.
"""

from __future__ import annotations

from .context import Progress
from .engine import Engine
from .scan import Scan
from .scanners import ScannerHealth

__all__ = ["Engine", "Progress", "Scan", "ScannerHealth"]
