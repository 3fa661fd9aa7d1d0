"""The page about findings says what ``help(Finding)`` says."""

from __future__ import annotations

import importlib.util
from typing import Any

import attrs
from pages import ROOT
from portus_scanners import Cvss, Finding, Package, VendorRating


def tool() -> Any:
    """Return the tool that makes the page."""
    spec = importlib.util.spec_from_file_location("finding_page", ROOT / "tools/finding_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_made_of_the_docstrings() -> None:
    """The tables of the page are what ``scripts/contract`` writes."""
    page = tool().PAGE.read_text()
    assert page == tool().make_page(page)


def test_every_member_is_described() -> None:
    """Each member of a finding and of its parts has a row, in the order of the class."""
    for kind in (Finding, Package, VendorRating, Cvss):
        assert [one.name for one in attrs.fields(kind)] == [name for name, _ in tool().members(kind)]
