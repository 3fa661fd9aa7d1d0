"""One installed plugin: what its distribution's metadata say, what its class has to be, and importing that class.

Whatever an import does ends here, as a `PluginError`, and it has a time limit. The contract of a group is not imported
to list its plugins: only when one is loaded.
"""

from __future__ import annotations

import inspect
import logging
import re
import shlex
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, get_type_hints

import attrs
from attrs import field, frozen
from portus_images import words_of

from ..errors import PluginError

if TYPE_CHECKING:
    import asyncio

    from ..scanner import Scanner

logger = logging.getLogger("portus_scanners.plugins")

ClassT = TypeVar("ClassT")

LOAD_LIMIT = 60.0
"""Seconds that the import of a plugin may take."""
SUPPORTED_CONTRACTS = frozenset({1})
"""The versions of the scanner contract that this core can run."""
CORE_DISTRIBUTION = "portus-scanners"
ONLY = "PORTUS_SCANNERS_ONLY"
"""Only the scanners that this environment variable names can be loaded; set and empty, none can."""
DISABLE = "PORTUS_SCANNERS_DISABLE"
"""The scanners that this environment variable names can't be loaded; it is looked at after `ONLY`."""
_VALUE = r"(?P<module>[\w.]+)\s*:\s*(?P<path>[\w.]+)"


@frozen(kw_only=True)
class PluginContract:
    """What a plugin's class has to be.

    Attributes:
        base: The class that it derives from.
        method: The method that it has to define.
        contracts: The versions of the contract that this core knows.
        find_fault: Returns what else is wrong with a class, as the end of a sentence; None for nothing.
    """

    base: type[Any]
    method: str
    contracts: frozenset[int]
    find_fault: Callable[[type[Any]], str | None]

    def fault_of(self, loaded: Any) -> str | None:
        """Return why this object can't be used, as the end of a sentence."""
        if not (isinstance(loaded, type) and issubclass(loaded, self.base)):
            return f"is not a subclass of {self.base.__module__.partition('.')[0]}.{self.base.__name__}"
        if inspect.isabstract(loaded):
            return f"is abstract: it does not define {self.method}()"
        contract = vars(loaded).get("contract")
        if contract not in self.contracts:
            known = ", ".join(map(str, sorted(self.contracts)))
            return f"is written for contract {contract}; this core knows {known}"
        return self.find_fault(loaded)


@frozen(kw_only=True)
class PluginGroup:
    """One group of entry points.

    Attributes:
        name: The group's name in the metadata: ``portus.scanners``.
        noun: What messages call one of its plugins: ``scanner``.
        find_contract: Imports and returns what a plugin's class has to be.
    """

    name: str
    noun: str
    find_contract: Callable[[], PluginContract]


def _fault_of_scanner(loaded: type[Scanner[Any]]) -> str | None:
    settings_class: Any = loaded.settings_class
    if not (isinstance(settings_class, type) and attrs.has(settings_class)) or "__attrs_attrs__" not in vars(
        settings_class
    ):
        return f"has the settings class {settings_class!r}, which lacks the decorator @attrs.frozen(kw_only=True)"
    get_type_hints(settings_class)  # raises where a type is imported for type checkers only
    return None


def _contract_of_scanners() -> PluginContract:
    from ..scanner import Scanner

    return PluginContract(base=Scanner, method="scan", contracts=SUPPORTED_CONTRACTS, find_fault=_fault_of_scanner)


SCANNERS = PluginGroup(name="portus.scanners", noun="scanner", find_contract=_contract_of_scanners)


@frozen(kw_only=True)
class InstalledPlugin(Generic[ClassT]):
    """An installed plugin of any group, as its distribution's metadata describe it.

    Attributes:
        name: Name of the entry point.
        value: The entry point's ``module:Class``.
        distribution: Name of the distribution that registers it.
        version: That distribution's version.
        requires: What that distribution requires of the core: ``portus-scanners~=0.1.0``.
        error: Why it can't be loaded, as far as the metadata tell; None where nothing speaks against it.
        fix: What to do about `error`; empty where only the plugin's author can do something.
        disabled: The environment variable that leaves a scanner out, ``PORTUS_SCANNERS_ONLY`` or
            ``PORTUS_SCANNERS_DISABLE``; None where none does.
    """

    group: ClassVar[PluginGroup]
    """The group of entry points that plugins of this class are registered in."""
    name: str
    value: str
    distribution: str
    version: str
    requires: tuple[str, ...] = field(default=(), repr=False)
    error: str | None = None
    fix: str = field(default="", repr=False)
    disabled: str | None = None

    @property
    def problem(self) -> PluginError | None:
        """Why it can't be loaded, as far as is known without importing it."""
        if self.disabled is not None:
            let_in = f"add {self.name} to {ONLY}, or unset it"
            fix = let_in if self.disabled == ONLY else f"take {self.name} out of {self.disabled}"
            return self._error(f"{self.disabled} leaves it out", fix)
        return None if self.error is None else self._error(self.error, self.fix)

    def load(self) -> type[ClassT]:
        """Import the plugin's code and return its class. Blocks for as long as the import takes.

        Raises:
            PluginError: It is left out, it can't be imported, or what the entry point names is not a class of this
                group that this core can use.
            KeyboardInterrupt: Ctrl-C, in the main thread.
        """
        if (problem := self.problem) is not None:
            raise problem
        try:
            loaded, wanted = self._import(), self.group.find_contract()
            fault = wanted.fault_of(loaded)
            contract = _contract_of(loaded)
            is_of_a_later_core = contract is not None and contract > max(wanted.contracts)
            fix = upgrade(CORE_DISTRIBUTION if is_of_a_later_core else self.distribution)
        except BaseException as error:  # foreign code: it may raise or exit as it likes
            if _is_ctrl_c(error):
                raise
            raise self._not_imported(error) from error
        if fault is not None:
            what = f"{self.value} of {self.distribution} {self.version} {fault}"
            raise self._error(what, fix, contract)
        found: type[ClassT] = loaded
        return found

    def _import(self) -> Any:
        match = re.fullmatch(_VALUE, self.value)
        if match is None:
            raise ImportError(f"{self.value!r} is not of the form module:Class")
        loaded: Any = import_module(match["module"])
        for name in match["path"].split("."):
            loaded = getattr(loaded, name)
        return loaded

    def _not_imported(self, error: BaseException) -> PluginError:
        wants = f"; it requires {', '.join(self.requires)}" if self.requires else ""
        what = f"{self.value} of {self.distribution} {self.version} can't be imported ({words_of(error)}){wants}"
        return self._error(what, upgrade(self.distribution))

    def _error(self, why: str, fix: str, contract: int | None = None) -> PluginError:
        return PluginError(self.name, why, fix, contract=contract, noun=self.group.noun)


@frozen(kw_only=True)
class Plugin(InstalledPlugin["Scanner[Any]"]):
    """An installed scanner; its name is the key under ``security:``."""

    group = SCANNERS


def upgrade(distribution: str) -> str:
    """Return the command that upgrades a distribution, fit to be copied into a shell."""
    return f"pip install --upgrade {shlex.quote(distribution)}"


def _is_ctrl_c(error: BaseException) -> bool:
    """Tell Ctrl-C from a plugin's own KeyboardInterrupt: Python raises the former in the main thread only."""
    return issubclass(type(error), KeyboardInterrupt) and threading.current_thread() is threading.main_thread()


def _contract_of(loaded: Any) -> int | None:
    """Return the version of the contract that a class states; None for anything but an integer, which a bool is not."""
    contract = getattr(loaded, "contract", None)
    return contract if type(contract) is int else None


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
    """
    logger.debug("importing %s of %s", plugin.value, plugin.distribution)  # its last line if that ends the program
    begin = time.monotonic()
    ended: list[type[ClassT] | PluginError] = []
    thread = threading.Thread(target=lambda: ended.append(_load(plugin)), name=f"import of {plugin.name}", daemon=True)
    thread.start()
    thread.join(limit)
    elapsed = time.monotonic() - begin
    return LoadedPlugin(plugin=plugin, elapsed=elapsed, result=ended[0] if ended else _too_late(plugin, limit))


async def load_plugins(plugins: Iterable[InstalledPlugin[ClassT]]) -> list[LoadedPlugin[ClassT]]:
    """Import several plugins at once; the event loop runs on. Cancelled, it does not wait for them."""
    import asyncio

    return list(await asyncio.gather(*map(_load_beside_the_loop, plugins)))


def _load_beside_the_loop(plugin: InstalledPlugin[ClassT]) -> asyncio.Future[LoadedPlugin[ClassT]]:
    """Start `load_plugin` in a thread. Not `asyncio.to_thread`: a hung import would keep the loop from being closed."""
    import asyncio

    loop = asyncio.get_running_loop()
    ended: asyncio.Future[LoadedPlugin[ClassT]] = loop.create_future()

    def tell(loaded: LoadedPlugin[ClassT]) -> None:
        if not ended.done():
            ended.set_result(loaded)

    def load() -> None:
        loaded = load_plugin(plugin)
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
