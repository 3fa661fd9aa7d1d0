"""What a configuration says: sections of scanners and registries."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve, field, frozen
from portus_images import SettingsError

from ..plugins import discover
from .wording import did_you_mean, how_to_enable

if TYPE_CHECKING:
    from portus_images import RegistrySettings

    from ..scanner import ScannerSettings

SettingsT = TypeVar("SettingsT", bound="ScannerSettings")


@frozen(kw_only=True)
class ScannerSection:
    """One key under ``security:``, with what the environment says about it. Values are not yet converted.

    Attributes:
        name: The instance's name.
        plugin: Name of the entry point: the same, or what ``scanner:`` says.
        sources: For each key where it comes from, as a user would name it: for messages.
    """

    name: str
    plugin: str
    enabled: bool
    values: Mapping[str, object] = field(factory=dict, repr=False)
    sources: Mapping[str, str] = field(factory=dict, repr=False)

    def structure(self, settings_class: type[SettingsT]) -> SettingsT:
        """Convert the values to the plugin's settings class.

        Raises:
            SettingsError: One line for each unknown key and each value that does not fit.
        """
        from .conversion import structure_section

        return structure_section(self.values, settings_class, self.sources, f"security.{self.name}")


@frozen(kw_only=True)
class Settings:
    """A whole configuration.

    Attributes:
        scanners: All sections, disabled ones too, in the order of the file; then those that only the environment has.
        registries: By host, with its port where it has one.
    """

    scanners: Mapping[str, ScannerSection] = field(factory=dict)
    registries: Mapping[str, RegistrySettings] = field(factory=dict)

    @classmethod
    def from_mapping(cls, document: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> Settings:
        """Return the settings of an already parsed file.

        Args:
            document: The file's top level: ``security:`` and ``registries:`` count; `load_policies` reads others.
            environ: Environment variables; none when left out.

        Raises:
            SettingsError: One line for each fault.
        """
        from .reader import read_settings

        return read_settings(document, environ or {})

    @property
    def enabled(self) -> tuple[ScannerSection, ...]:
        """The enabled sections."""
        return tuple(section for section in self.scanners.values() if section.enabled)

    def select(self, names: Collection[str]) -> Settings:
        """Return the same settings with only these scanners left.

        Raises:
            SettingsError: One of them is not known or not enabled.
        """
        faults = [fault for name in names if (fault := self._why_not(name))]
        if faults:
            raise SettingsError(faults)
        return evolve(self, scanners={name: one for name, one in self.scanners.items() if name in names})

    def _why_not(self, name: str) -> str | None:
        section = self.scanners.get(name)
        if section is not None and section.enabled:
            return None
        if section is not None or name in {plugin.name for plugin in discover()}:
            return f"scanner {name!r} is not enabled: {how_to_enable(name)}"
        known = ", ".join(one.name for one in self.enabled) or "none is enabled"
        return f"there is no scanner {name!r}{did_you_mean(name, self.scanners)}; enabled: {known}"
