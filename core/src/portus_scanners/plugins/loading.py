"""Importing plugins with a time limit, and without keeping an event loop waiting."""

from __future__ import annotations

import asyncio
import logging
import shlex
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from attrs import frozen

from ..errors import PluginError
from ..scanner import Scanner
from .plugin import Plugin

logger = logging.getLogger("portus_scanners.plugins")

LOAD_LIMIT = 60.0
"""Seconds that the import of a plugin may take."""


@frozen(kw_only=True)
class LoadedPlugin:
    """What came of importing a plugin."""

    plugin: Plugin
    elapsed: float
    """Seconds."""
    result: type[Scanner[Any]] | PluginError
    """The scanner class, or why there is none."""


def load_plugin(plugin: Plugin, *, limit: float = LOAD_LIMIT) -> LoadedPlugin:
    """Import a plugin's code in a thread of its own, and wait for it.

    Whatever the import does is a value. One that does not end in time is left behind: its thread does not keep the
    program from ending.

    Args:
        plugin: The plugin.
        limit: Seconds.
    """
    logger.debug("importing %s of %s", plugin.value, plugin.distribution)  # the last word, if it ends the program
    begin = time.monotonic()
    ended: list[type[Scanner[Any]] | PluginError] = []
    thread = threading.Thread(target=lambda: ended.append(_load(plugin)), name=f"import of {plugin.name}", daemon=True)
    thread.start()
    thread.join(limit)
    elapsed = time.monotonic() - begin
    return LoadedPlugin(plugin=plugin, elapsed=elapsed, result=ended[0] if ended else _too_late(plugin, limit))


async def load_plugins(plugins: Iterable[Plugin], *, limit: float = LOAD_LIMIT) -> list[LoadedPlugin]:
    """Import several plugins at once; the event loop runs on. Cancelled, it does not wait for them."""
    return list(await asyncio.gather(*(_load_beside_the_loop(plugin, limit) for plugin in plugins)))


def _load_beside_the_loop(plugin: Plugin, limit: float) -> asyncio.Future[LoadedPlugin]:
    """Start `load_plugin` in a thread. Not `asyncio.to_thread`: a hung import would keep the loop from being closed."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[LoadedPlugin] = loop.create_future()

    def tell(loaded: LoadedPlugin) -> None:
        if not ended.done():
            ended.set_result(loaded)

    def load() -> None:
        loaded = load_plugin(plugin, limit=limit)
        with suppress(RuntimeError):  # the loop has been closed meanwhile
            loop.call_soon_threadsafe(tell, loaded)

    threading.Thread(target=load, name=f"loading of {plugin.name}", daemon=True).start()
    return ended


def _load(plugin: Plugin) -> type[Scanner[Any]] | PluginError:
    try:
        return plugin.load()
    except PluginError as error:
        return error


def _too_late(plugin: Plugin, limit: float) -> PluginError:
    what = f"the import of {plugin.value} of {plugin.distribution} {plugin.version} did not end within {limit:g} s"
    statement = shlex.quote(f"import {plugin.value.partition(':')[0].strip()}")
    return PluginError(plugin.name, what, f"python -X importtime -c {statement}")
