"""Plugins: entry points of the group ``portus.scanners`` in installed distributions.

``discovery`` reads their metadata and imports nothing; ``lists`` has what the environment leaves out; ``plugin``
imports one plugin's code; ``loading`` does so with a time limit.
"""

from __future__ import annotations

from .discovery import GROUP, check_plugin_lists, discover, mark_conflicts
from .plugin import Plugin

__all__ = ["GROUP", "Plugin", "check_plugin_lists", "discover", "mark_conflicts"]
