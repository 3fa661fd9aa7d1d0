"""The page about the contract names every test of the kit, with its promise."""

from __future__ import annotations

import inspect
import re

from pages import ROOT
from portus_scanners_testing import HttpScannerContract, PolledScannerContract, ProgramScannerContract, ScannerContract

_ROW = re.compile(r"^\| `(test_\w+)` \| (.*) \|$", re.MULTILINE)
_CLASSES = (ScannerContract, HttpScannerContract, PolledScannerContract, ProgramScannerContract)


def promises() -> set[tuple[str, str]]:
    """Return the name and the docstring of each test of the kit."""
    tests = [
        (name, test)
        for contract in _CLASSES
        for one in contract.__mro__
        for name, test in vars(one).items()
        if name.startswith("test_")
    ]
    return {(name, inspect.getdoc(test) or "") for name, test in tests}


def test_the_page_has_every_test_of_the_kit() -> None:
    """The tables of the page are the names and docstrings of the tests, no more and no fewer."""
    assert promises() == set(_ROW.findall((ROOT / "docs/reference/contract.md").read_text()))
