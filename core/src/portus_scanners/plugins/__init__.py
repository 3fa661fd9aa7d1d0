"""Plugins: entry points of the groups ``portus.scanners`` and ``portus.reporters`` in installed distributions.

``groups`` says what a class of each has to be; ``discovery`` reads metadata and imports nothing; ``lists`` has the
scanners that the environment leaves out; ``plugin`` imports one plugin's code; ``loading`` does so with a time limit.
"""

from __future__ import annotations

from .discovery import check_plugin_lists, discover, discover_reporters, mark_conflicts
from .plugin import InstalledPlugin, Plugin, ReporterPlugin

__all__ = [
    "InstalledPlugin",
    "Plugin",
    "ReporterPlugin",
    "check_plugin_lists",
    "discover",
    "discover_reporters",
    "mark_conflicts",
]
