"""The groups of entry points, and what the code behind one has to be.

The contract of a group is not imported to list its plugins: only when one is loaded.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, get_type_hints

import attrs
from attrs import frozen

if TYPE_CHECKING:
    from ..scanner import Scanner

SUPPORTED_CONTRACTS = frozenset({1})
"""The numbers of the scanner contract that this core can run."""


@frozen(kw_only=True)
class PluginContract:
    """What a plugin's class has to be."""

    base: type[Any]
    """What a plugin's class derives from."""
    method: str
    """What it has to define."""
    contracts: frozenset[int]
    """The numbers of the contract that this core knows."""
    find_fault: Callable[[type[Any]], str | None]
    """What else is wrong with a class, as the end of a sentence; None for nothing."""

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

    def is_of_a_later_core(self, contract: int | None) -> bool:
        """Return whether a newer core may know this contract."""
        return contract is not None and contract > max(self.contracts)


@frozen(kw_only=True)
class PluginGroup:
    """One group of entry points."""

    name: str
    """In the metadata: ``portus.scanners``."""
    noun: str
    """What messages call one of its plugins."""
    find_contract: Callable[[], PluginContract]
    """Imports what a class of it has to be."""


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
