"""A scanner that scans nothing: scripted findings and faults, for development and demonstrations only."""

from __future__ import annotations

from .scanner import DummyScanner
from .settings import BEHAVIOURS, DummySettings, ScriptedFinding, Step

__all__ = ["BEHAVIOURS", "DummyScanner", "DummySettings", "ScriptedFinding", "Step"]
