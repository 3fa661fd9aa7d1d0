"""The tests of the contract: every promise by name, for every scanner and for each kind of backend."""

from __future__ import annotations

import pytest

# before they are imported: their assertions then show what they compare
for _name in ("endings", "http", "json_answers", "packaging", "polled", "program", "scanner", "subject"):
    pytest.register_assert_rewrite(f"{__name__}.{_name}")

from .http import HttpScannerContract  # noqa: E402
from .polled import PolledScannerContract  # noqa: E402
from .program import ProgramScannerContract  # noqa: E402
from .scanner import ScannerContract  # noqa: E402

__all__ = ["HttpScannerContract", "PolledScannerContract", "ProgramScannerContract", "ScannerContract"]
