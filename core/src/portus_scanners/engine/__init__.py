"""Runs all enabled scanners at once on an image: slots, deadlines, retries, isolation.

From the outside to the inside: ``engine`` is what callers open, ``scans`` what they iterate over, for one image and for
many, which ``feed`` brings as a ``job`` each; ``crew`` has the ready scanners; ``image_scan`` is all of them on one
image, ``run`` one of them, with its slot (``slots``) and what it tells (``context``); ``isolation`` watches foreign
code.
"""

from __future__ import annotations

from .context import SHORTEST_WAIT, EngineContext, Progress
from .crew import ScannerHealth
from .engine import Engine
from .job import ImageProgress, ScanEnd, make_document
from .scans import Scan, Scans
from .slots import BackendLimit, Slots

__all__ = [
    "SHORTEST_WAIT",
    "BackendLimit",
    "Engine",
    "EngineContext",
    "ImageProgress",
    "Progress",
    "Scan",
    "ScanEnd",
    "ScannerHealth",
    "Scans",
    "Slots",
    "make_document",
]
