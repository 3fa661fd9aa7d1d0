"""All promises that hold for every scanner, whatever its backend is."""

from __future__ import annotations

from .endings import EndingTests
from .health import HealthTests
from .packaging import PackagingTests
from .reports import ReportTests
from .secrets import SecretTests


class ScannerContract(PackagingTests, ReportTests, EndingTests, SecretTests, HealthTests):
    """The tests of the contract. Derive a class from this one, or from the one for your kind of backend.

    Set `scanner_class`, `findings` and `other_findings`, and override the fixtures `settings` and `hanging`. Each test
    is one promise, by name; the docstring says what is promised.
    """
