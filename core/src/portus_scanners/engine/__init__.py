"""Runs all enabled scanners at once on an image: slots, deadlines, retries, isolation.

``isolation`` watches foreign code, ``run`` is one scanner on one image, ``image_scan`` is all of them on one image,
``scan`` shows that as a stream, ``scans`` does it for many images, which ``feed`` brings and ``sharing`` scans once;
``engine`` owns what lives longer: the started scanners, their sessions, the registry.
"""

from __future__ import annotations

from .context import SHORTEST_WAIT, EngineContext, Progress
from .ends import ImageProgress, ScanEnd
from .engine import Engine
from .scan import Scan
from .scanners import ScannerHealth
from .scans import Scans

__all__ = [
    "SHORTEST_WAIT",
    "Engine",
    "EngineContext",
    "ImageProgress",
    "Progress",
    "Scan",
    "ScanEnd",
    "ScannerHealth",
    "Scans",
]
