"""The API reference and the public names are the same."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from typing import Any

import attrs
import griffe
import portus_scanners
import pytest
from pages import ROOT
from public_api import public_names

_ATTRS_CLASSES = [
    name
    for name in portus_scanners.__all__
    if isinstance(getattr(portus_scanners, name), type) and attrs.has(getattr(portus_scanners, name))
]
_ENTRY = re.compile(r"^::: (\S+)$", re.MULTILINE)


def test_every_public_name_is_documented_once() -> None:
    """The pages of the API reference have an entry for each name of each ``__all__``, and for nothing else."""
    pages = sorted((ROOT / "docs").rglob("*.md"))
    entries = Counter(entry for page in pages for entry in _ENTRY.findall(page.read_text()))
    public = Counter(f"{package}.{name}" for package, names in public_names().items() for name in names)
    assert public == entries


def test_the_names_that_griffe_reads_are_those_of_run_time() -> None:
    """griffe reads the same ``__all__`` from the source as Python does, and finds each name's definition."""
    assert portus_scanners.__all__ == sorted(public_names()["portus_scanners"])


def test_every_public_name_has_a_docstring() -> None:
    """Each public class and function says what it is, and so does each method and property of it."""
    silent = [
        member.path
        for names in public_names().values()
        for one in names.values()
        for member in (one, *(one.members.values() if one.is_class else ()))
        if not member.name.startswith("_") and not (member.is_attribute and "property" not in member.labels)
        if not member.has_docstring
    ]
    assert [] == silent


@pytest.mark.parametrize("name", _ATTRS_CLASSES)
def test_the_signature_of_an_attrs_class_is_the_real_one(name: str) -> None:
    """Documented parameters have the names, the kinds and the presence of a default that the class has at run time."""
    documented = public_names()["portus_scanners"][name]
    assert isinstance(documented, griffe.Class)
    shown = [(one.name, _kind(one.kind), one.default is not None) for one in documented.parameters][1:]
    real = inspect.signature(getattr(portus_scanners, name)).parameters.values()
    expected = [(one.name, _kind(one.kind), one.default is not one.empty) for one in real]
    assert sorted(expected) == sorted(shown)
    assert [one[0] for one in expected if "keyword" not in one[1]] == [
        one[0] for one in shown if "keyword" not in one[1]
    ]


def _kind(kind: Any) -> str:
    return str(getattr(kind, "description", kind.value)).replace("-", " ")
