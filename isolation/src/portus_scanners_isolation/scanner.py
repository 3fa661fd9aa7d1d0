"""The scanner that a crew has for one in processes of its own: each call of it is a process, from start to end.

A process serves one image: what an image does to it is no other image's concern, what one registry gives for it is
never in the same memory as what another one gives, and a deadline can end it without ending anything else.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Mapping
from typing import Any

from attrs import evolve, field, fields, frozen
from portus_images import Image, SettingsError
from portus_scanners import (
    Database,
    Health,
    Plugin,
    Scanner,
    ScannerContext,
    ScannerError,
    ScannerReport,
    ScannerSettings,
)
from portus_scanners.engine import CURRENT_RUN, ConfiguredScanner, RunState, ScannerIsolation, see_error
from portus_scanners.plugins import LOAD_LIMIT
from portus_scanners.settings import ScannerSection

from .conversation import Conversation
from .messages import plain
from .nursery import Nursery

_OURS = ("isolation", "memory_limit")
"""Settings that the engine itself acts on, before a plugin's class is known."""


@frozen(kw_only=True)
class IsolatedSettings(ScannerSettings):
    """What the engine knows of an isolated scanner: its plugin's own settings are known to its processes alone.

    Attributes:
        nursery: Starts the processes.
        job: The members of each `ProcessJob` that are always the same.
    """

    nursery: Nursery
    job: Mapping[str, Any] = field(repr=False)  # the secrets of the section are in it


class IsolatedScanner(Scanner[IsolatedSettings], contract=1):
    """Stands for a scanner whose code runs in processes of its own."""

    async def scan(self, image: Image) -> ScannerReport:
        """See `Scanner.scan`."""
        report: ScannerReport = await self._ask("scan", image)
        return report

    async def check_health(self) -> Health:
        """See `Scanner.check_health`."""
        health, _ = await self._ask("health")
        return health  # type: ignore[no-any-return]

    async def database(self) -> Database | None:
        """See `Scanner.database`."""
        _, database = await self._ask("health")
        return database  # type: ignore[no-any-return]

    async def _ask(self, work: str, image: Image | None = None) -> Any:
        settings = self.settings
        return await _ask(settings.nursery, {**settings.job, "work": work, "image": plain(image)}, self.context, image)


async def _ask(nursery: Nursery, job: Mapping[str, Any], context: ScannerContext | None, image: Image | None) -> Any:
    """Return what a process answers. Cancelling this ends the process; its requests that must be finished, it may.

    Raises:
        ScannerError: What the scanner raised; or its process ended, or sent something else than an answer.
        SettingsError: It can't be configured like this.
    """
    run = CURRENT_RUN.get() or RunState(job["name"])
    process = await nursery.begin()
    conversation = Conversation(process, run, context, image, logging.getLogger(_logger_of(job["name"])))
    hearing = asyncio.create_task(conversation.hear(job))
    hearing.add_done_callback(see_error)
    try:
        return await asyncio.shield(hearing)
    except asyncio.CancelledError:
        process.channel.send("cancel")
        if conversation.holds:  # a request that must be finished: the slot stays taken meanwhile
            run.hold(hearing)
        else:
            await asyncio.wait({hearing}, timeout=nursery.grace / 2)
            hearing.cancel()
            await asyncio.wait({hearing})
        raise


class ProcessIsolation(ScannerIsolation):
    """Has each scanner's code run in processes that are forked from one of ours."""

    contract = 1

    def __init__(self, grace: float) -> None:
        super().__init__(grace)
        self._nursery = Nursery(grace)

    async def configure(self, section: ScannerSection, plugin: Plugin) -> ConfiguredScanner:
        """Have a process load the plugin and convert its settings: none of its code runs in this one."""
        own = {key: value for key, value in section.values.items() if key in _OURS}
        limits = evolve(section, values=own).structure(ScannerSettings)
        job = _job_of(section, plugin, limits.memory_limit, self.grace)
        try:
            async with asyncio.timeout(LOAD_LIMIT):
                fault, known = await _ask(self._nursery, {**job, "work": "configure"}, None, None)
        except TimeoutError:
            fault = f"its process could not load it within {LOAD_LIMIT:g} s"
        except ScannerError as error:
            fault = str(error)
        if fault is not None:
            return ConfiguredScanner(name=section.name, plugin=section.plugin, fault=fault)
        return ConfiguredScanner(
            name=section.name,
            plugin=section.plugin,
            scanner_class=IsolatedScanner,
            settings=IsolatedSettings(nursery=self._nursery, job=job),
            limits=known,
        )

    async def aclose(self) -> None:
        """End what the processes are forked from."""
        await self._nursery.aclose()


def _job_of(section: ScannerSection, plugin: Plugin, memory: int, grace: float) -> dict[str, Any]:
    """Return what all jobs of a scanner have in common; its secrets are in it."""
    values = {key: value for key, value in section.values.items() if key not in _OURS}
    for key, value in values.items():
        try:
            json.dumps(value)
        except TypeError:
            raise SettingsError(f"{section.sources.get(key, key)}: can't be given to a process") from None
    named = [value for key, value in values.items() if key.endswith("_env") and isinstance(value, str)]
    return {
        "name": section.name,
        "values": values,
        "sources": dict(section.sources),
        "plugin": {one.name: getattr(plugin, one.name) for one in fields(Plugin)},
        "variables": {name: os.environ[name] for name in named if name in os.environ},
        "memory": memory,
        "log_level": logging.getLogger(_logger_of(section.name)).getEffectiveLevel(),
        "grace": grace,
    }


def _logger_of(name: str) -> str:
    return f"portus_scanners.scanner.{name}"
