"""Installed formats: entry points of the group ``portus.reporters``, found and loaded as scanners are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen
from portus_scanners.plugins import InstalledPlugin, PluginContract, PluginGroup, discover_group

if TYPE_CHECKING:
    from .reporter import Reporter

__all__ = ["ReporterPlugin", "discover_reporters"]


def _fault_of_reporter(loaded: type[Reporter]) -> str | None:
    from .reporter import FolderReporter, TextReporter

    if not issubclass(loaded, (TextReporter, FolderReporter)):
        return "derives from neither portus_scan.TextReporter nor portus_scan.FolderReporter"
    return None if isinstance(loaded.description, str) else "has a description that is not a string"


def _contract_of_reporters() -> PluginContract:
    from .reporter import SUPPORTED_REPORTER_CONTRACTS, Reporter

    return PluginContract(
        base=Reporter, method="render", contracts=SUPPORTED_REPORTER_CONTRACTS, find_fault=_fault_of_reporter
    )


@frozen(kw_only=True)
class ReporterPlugin(InstalledPlugin["Reporter"]):
    """An installed format; its name is what a user gives it by: ``sarif``."""

    group = PluginGroup(name="portus.reporters", noun="format", find_contract=_contract_of_reporters)


def discover_reporters(*, refresh: bool = False) -> tuple[ReporterPlugin, ...]:
    """Return every installed format, by name; two of one name are both there, each with the conflict as its error.

    Nothing is imported. The last answer is given again as `portus_scanners.discover` does.

    Args:
        refresh: Look anew whatever seems to be unchanged.
    """
    return discover_group(ReporterPlugin, refresh=refresh)
