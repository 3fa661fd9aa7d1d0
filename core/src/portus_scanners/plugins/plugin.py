"""One installed plugin, and its code: the boundary that whatever an import does not pass."""

from __future__ import annotations

import re
import shlex
import sys
import threading
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from attrs import field, frozen
from portus_images import words_of

from ..errors import PluginError
from .groups import SCANNERS, PluginGroup
from .lists import how_to_let_in

if TYPE_CHECKING:
    from ..scanner import Scanner  # noqa: F401 (in a string below: it is not imported to list plugins)

ClassT = TypeVar("ClassT")

CORE_DISTRIBUTION = "portus-scanners"
_VALUE = re.compile(r"(?P<module>[\w.]+)\s*:\s*(?P<path>[\w.]+)")


@frozen(kw_only=True)
class InstalledPlugin(Generic[ClassT]):
    """An installed plugin of any group, as its distribution's metadata describes it."""

    group: ClassVar[PluginGroup]
    """The group of entry points: its name, and what a class of it has to be."""
    name: str
    """Name of the entry point."""
    value: str
    """``module:Class``."""
    distribution: str
    version: str
    requires: tuple[str, ...] = field(default=(), repr=False)
    """What its distribution requires of the core: ``portus-scanners~=0.1.0``."""
    error: str | None = None
    """Why it can't be loaded, as far as the metadata tells."""
    fix: str = field(default="", repr=False)
    """What to do about `error`; empty where nobody but the plugin's author can."""
    disabled: str | None = None
    """The environment variable that leaves a scanner out: ``PORTUS_SCANNERS_ONLY`` or ``PORTUS_SCANNERS_DISABLE``."""

    @property
    def problem(self) -> PluginError | None:
        """Why it can't be loaded, as far as is known without importing it."""
        if self.disabled is not None:
            return self._error(f"{self.disabled} leaves it out", how_to_let_in(self.name, self.disabled))
        return None if self.error is None else self._error(self.error, self.fix)

    def load(self) -> type[ClassT]:
        """Import the plugin's code and return its class. Blocks for as long as the import takes.

        Raises:
            PluginError: It is left out, it can't be imported, or what the entry point names is no class of this group
                that this core can use.
            KeyboardInterrupt: Ctrl-C, in the main thread.
        """
        if (problem := self.problem) is not None:
            raise problem
        try:
            loaded, wanted = self._import(), self.group.find_contract()
            fault = wanted.fault_of(loaded)
            contract = _contract_of(loaded)
            fix = upgrade(CORE_DISTRIBUTION if wanted.is_of_a_later_core(contract) else self.distribution)
        except BaseException as error:  # foreign code: it may raise or exit as it likes
            if _is_ctrl_c(error):
                raise
            raise self._not_imported(error) from error
        if fault is not None:
            what = f"{self.value} of {self.distribution} {self.version} {fault}"
            raise self._error(what, fix, contract)
        found: type[ClassT] = loaded
        return found

    def find_file(self) -> str | None:
        """Return the file of its module, or of the package that holds the module; None where there is none.

        Nothing is imported for it: a plugin that can't be imported has a file all the same.
        """
        module = self.value.partition(":")[0].strip()
        if module in sys.modules:
            file = getattr(sys.modules[module], "__file__", None)
            return file if isinstance(file, str) else None
        try:
            spec = find_spec(module.partition(".")[0])  # the first part alone: for more it would import the package
        except (ImportError, ValueError, AttributeError):
            return None
        return spec.origin if spec else None

    def _import(self) -> Any:
        match = _VALUE.fullmatch(self.value)
        if match is None:
            msg = f"{self.value!r} is not of the form module:Class"
            raise ImportError(msg)
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
    """Tell Ctrl-C from a plugin's own KeyboardInterrupt: Python raises the former in the main thread alone."""
    return isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread()


def _contract_of(loaded: Any) -> int | None:
    """Return the number that a class states; what is no whole number (a truth value is none) is not shown."""
    contract = getattr(loaded, "contract", None)
    return contract if type(contract) is int else None
