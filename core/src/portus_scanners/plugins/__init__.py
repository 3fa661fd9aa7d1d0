"""Plugins: entry points of the group ``portus.scanners``, or of another group of ours, in installed distributions.

``groups`` says what a class of a group has to be; ``discovery`` reads metadata and imports nothing; ``lists`` has the
scanners that the environment leaves out; ``plugin`` imports one plugin's code; ``loading`` does so with a time limit.
"""

from __future__ import annotations

from .discovery import check_plugin_lists, discover, discover_group, mark_conflicts
from .groups import SUPPORTED_CONTRACTS, PluginContract, PluginGroup
from .loading import LoadedPlugin, load_plugin, load_plugins
from .plugin import InstalledPlugin, Plugin

__all__ = [
    "SUPPORTED_CONTRACTS",
    "InstalledPlugin",
    "LoadedPlugin",
    "Plugin",
    "PluginContract",
    "PluginGroup",
    "check_plugin_lists",
    "discover",
    "discover_group",
    "load_plugin",
    "load_plugins",
    "mark_conflicts",
]
