"""The list of the contract's promises is what the kit tests, and what the page about the contract shows."""

from __future__ import annotations

import importlib.util
import tomllib
from typing import Any

from pages import ROOT
from portus_scanners_testing import HttpScannerContract, PolledScannerContract, ProgramScannerContract, ScannerContract

_CLASSES = (ScannerContract, HttpScannerContract, PolledScannerContract, ProgramScannerContract)


def tool() -> Any:
    """Return the tool that makes the page."""
    spec = importlib.util.spec_from_file_location("contract_page", ROOT / "tools/contract_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_promise_is_tested() -> None:
    """The kit has the tests of the list, no more and no fewer, and their docstrings are its promises."""
    tests = {
        (name, test.__doc__)
        for contract in _CLASSES
        for one in contract.__mro__
        for name, test in vars(one).items()
        if name.startswith("test_")
    }
    chapters = tomllib.loads(tool().LIST.read_text()).values()
    assert {item for chapter in chapters for item in chapter["promises"].items()} == tests


def test_the_page_is_made_of_the_list() -> None:
    """The tables of the page are what ``scripts/contract`` writes."""
    page = tool().PAGE.read_text()
    assert page == tool().make_page(page, tool().LIST.read_text())
