"""Importing plugins with a time limit, and without keeping an event loop waiting."""

from __future__ import annotations

import logging
import shlex
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic

from attrs import frozen

from ..errors import PluginError
from .plugin import ClassT, InstalledPlugin

if TYPE_CHECKING:
    import asyncio

logger = logging.getLogger("portus_scanners.plugins")

LOAD_LIMIT = 60.0
"""Seconds that the import of a plugin may take."""


@frozen(kw_only=True)
class LoadedPlugin(Generic[ClassT]):
    """The result of importing a plugin.

    Attributes:
        plugin: The plugin.
        elapsed: Seconds that the import took.
        result: The plugin's class, or why there is none.
    """

    plugin: InstalledPlugin[ClassT]
    elapsed: float
    result: type[ClassT] | PluginError


def load_plugin(plugin: InstalledPlugin[ClassT], *, limit: float = LOAD_LIMIT) -> LoadedPlugin[ClassT]:
    """Import a plugin's code in a thread of its own, and wait for it.

    Whatever the import does, this returns a value. An import that does not end in time is left behind: its thread does
    not keep the program from ending.

    Args:
        plugin: A scanner or a format.
        limit: Seconds that the import may take.
    """
    logger.debug(
        "importing %s of %s", plugin.value, plugin.distribution
    )  # the log's last line if the import ends the program
    begin = time.monotonic()
    ended: list[type[ClassT] | PluginError] = []
    thread = threading.Thread(target=lambda: ended.append(_load(plugin)), name=f"import of {plugin.name}", daemon=True)
    thread.start()
    thread.join(limit)
    elapsed = time.monotonic() - begin
    return LoadedPlugin(plugin=plugin, elapsed=elapsed, result=ended[0] if ended else _too_late(plugin, limit))


async def load_plugins(
    plugins: Iterable[InstalledPlugin[ClassT]], *, limit: float = LOAD_LIMIT
) -> list[LoadedPlugin[ClassT]]:
    """Import several plugins at once; the event loop runs on. Cancelled, it does not wait for them."""
    import asyncio

    return list(await asyncio.gather(*(_load_beside_the_loop(plugin, limit) for plugin in plugins)))


def _load_beside_the_loop(plugin: InstalledPlugin[ClassT], limit: float) -> asyncio.Future[LoadedPlugin[ClassT]]:
    """Start `load_plugin` in a thread. Not `asyncio.to_thread`: a hung import would keep the loop from being closed."""
    import asyncio

    loop = asyncio.get_running_loop()
    ended: asyncio.Future[LoadedPlugin[ClassT]] = loop.create_future()

    def tell(loaded: LoadedPlugin[ClassT]) -> None:
        if not ended.done():
            ended.set_result(loaded)

    def load() -> None:
        loaded = load_plugin(plugin, limit=limit)
        with suppress(RuntimeError):  # the loop has been closed meanwhile
            loop.call_soon_threadsafe(tell, loaded)

    threading.Thread(target=load, name=f"loading of {plugin.name}", daemon=True).start()
    return ended


def _load(plugin: InstalledPlugin[ClassT]) -> type[ClassT] | PluginError:
    try:
        return plugin.load()
    except PluginError as error:
        return error


def _too_late(plugin: InstalledPlugin[Any], limit: float) -> PluginError:
    what = f"the import of {plugin.value} of {plugin.distribution} {plugin.version} did not end within {limit:g} s"
    statement = shlex.quote(f"import {plugin.value.partition(':')[0].strip()}")
    return PluginError(plugin.name, what, f"python -X importtime -c {statement}", noun=plugin.group.noun)
