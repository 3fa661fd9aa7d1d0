"""The names of this folder, by the module that defines each."""

from .discovery import (
    check_plugin_lists as check_plugin_lists,
    discover as discover,
    discover_group as discover_group,
    mark_conflicts as mark_conflicts,
)
from .plugin import (
    LOAD_LIMIT as LOAD_LIMIT,
    SUPPORTED_CONTRACTS as SUPPORTED_CONTRACTS,
    InstalledPlugin as InstalledPlugin,
    LoadedPlugin as LoadedPlugin,
    Plugin as Plugin,
    PluginContract as PluginContract,
    PluginGroup as PluginGroup,
    load_plugin as load_plugin,
    load_plugins as load_plugins,
)

__all__: list[str]
