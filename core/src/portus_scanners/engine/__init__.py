"""Runs all enabled scanners at once on an image: slots, deadlines, retries, isolation.

From the outside to the inside: ``engine`` is what callers open, ``scans`` what they iterate over, for one image and for
many, which ``feed`` brings; ``crew`` has the ready scanners, and finds what runs one elsewhere, which is built of the
same parts; ``image_scan`` is all of them on one image, ``run`` one of them, with its slot (``slots``) and what it tells
(``context``); ``isolation`` watches foreign code, and ``boundary`` takes what it returns.
"""

from __future__ import annotations

from .boundary import MOST_FINDINGS, Raised, take_report
from .context import CURRENT_RUN, SHORTEST_WAIT, EngineContext, Progress, RunState, see_error
from .crew import ConfiguredScanner, Crew, ReadyScanner, ScannerHealth, ScannerIsolation, configure
from .engine import Engine
from .feed import ImageProgress, ScanEnd, make_document
from .isolation import Watchdog
from .scans import Scan, Scans
from .slots import BackendLimit, LocalSlots, Slots

__all__ = [
    "CURRENT_RUN",
    "MOST_FINDINGS",
    "SHORTEST_WAIT",
    "BackendLimit",
    "ConfiguredScanner",
    "Crew",
    "Engine",
    "EngineContext",
    "ImageProgress",
    "LocalSlots",
    "Progress",
    "Raised",
    "ReadyScanner",
    "RunState",
    "Scan",
    "ScanEnd",
    "ScannerHealth",
    "ScannerIsolation",
    "Scans",
    "Slots",
    "Watchdog",
    "configure",
    "make_document",
    "see_error",
    "take_report",
]
