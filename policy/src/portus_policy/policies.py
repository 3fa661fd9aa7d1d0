"""What a configuration says of reports."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from attrs import frozen
from portus_images import SettingsError, one_line
from portus_scanners.models import SeverityPolicy
from portus_scanners.settings import did_you_mean

from .gate import GatePolicy


@frozen(kw_only=True)
class Policies:
    """The sections ``severity:``, ``gate:`` and ``suppressions:`` of a configuration.

    Attributes:
        severity: Which severity is shown; None where nothing is said: reports stay as they were merged.
        gate: None where there is no gate.
        suppressions: Files with rules, in their order.
    """

    severity: SeverityPolicy | None = None
    gate: GatePolicy | None = None
    suppressions: tuple[Path, ...] = ()

    def check_scanners(self, names: Collection[str]) -> None:
        """Refuse scanners that are required or preferred and that nobody has heard of.

        Args:
            names: The enabled scanners.

        Raises:
            SettingsError: One line for each, with the nearest right name.
        """
        wanted = {
            "gate.required": self.gate.required if self.gate else (),
            "severity.prefer": self.severity.prefer if self.severity else (),
        }
        faults = [
            f"{key}: no enabled scanner is called {one_line(name)!r}{did_you_mean(name, names)}"
            for key, given in wanted.items()
            for name in dict.fromkeys(given)
            if name not in names
        ]
        if faults:
            raise SettingsError(faults)
