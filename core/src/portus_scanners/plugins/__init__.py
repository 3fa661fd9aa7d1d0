"""Plugins: entry points of the group ``portus.scanners``, or of another group of ours, in installed distributions.

``discovery`` reads metadata and imports nothing; ``plugin`` has what is known of one plugin, and imports its code.
"""

from __future__ import annotations

from .discovery import check_plugin_lists, discover, discover_group, mark_conflicts
from .plugin import (
    LOAD_LIMIT,
    SUPPORTED_CONTRACTS,
    InstalledPlugin,
    LoadedPlugin,
    Plugin,
    PluginContract,
    PluginGroup,
    load_plugin,
    load_plugins,
)

__all__ = [
    "LOAD_LIMIT",
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
