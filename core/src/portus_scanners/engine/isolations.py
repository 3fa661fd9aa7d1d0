"""Where the code of a scanner runs if not in our own process: what knows how to is a distribution of its own.

An entry point of the group ``portus.isolations`` names a class that configures such scanners, and ``isolation`` in a
scanner's section names the entry point. Where no section has it, nothing is looked for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from portus_images import SettingsError, one_line

from ..errors import PluginError
from ..plugins import InstalledPlugin, Plugin, PluginContract, PluginGroup, discover_group
from ..settings import ScannerSection
from .crew import ConfiguredScanner


class ScannerIsolation(ABC):
    """Configures scanners whose code it runs elsewhere; one object serves an engine.

    Args:
        grace: Seconds that cancelled code has to end.
    """

    contract: ClassVar[int]
    """The version of this contract that the class is written for: 1."""

    def __init__(self, grace: float) -> None:
        self.grace = grace

    @abstractmethod
    async def configure(self, section: ScannerSection, plugin: Plugin) -> ConfiguredScanner:
        """Return what the crew needs of a scanner, without having imported its plugin.

        Raises:
            SettingsError: One line for each fault of the section.
        """

    @abstractmethod
    async def aclose(self) -> None:
        """End what is left, when the engine ends."""


def _contract() -> PluginContract:
    return PluginContract(
        base=ScannerIsolation, method="configure", contracts=frozenset({1}), find_fault=lambda _loaded: None
    )


class _Installed(InstalledPlugin[ScannerIsolation]):
    group = PluginGroup(name="portus.isolations", noun="isolation", find_contract=_contract)


def load_isolation(section: ScannerSection) -> type[ScannerIsolation]:
    """Import what a section's ``isolation`` names.

    Raises:
        SettingsError: Nothing that is installed brings it, or it can't be loaded.
    """
    name, key = str(section.values["isolation"]), section.sources.get("isolation", "isolation")
    installed = {one.name: one for one in discover_group(_Installed)}
    if name not in installed:
        known = ", ".join(["none", *installed])
        raise SettingsError(
            f"{key}: expected one of {known}, got {one_line(name)[:40]!r}; "
            "for process: pip install 'portus-scanners[isolation]'"
        )
    try:
        return installed[name].load()
    except PluginError as error:
        raise SettingsError(f"{key}: {error}") from error
