"""The API reference and the public names are the same."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from importlib import import_module

import attrs
import griffe
from pages import ROOT
from public_api import FACES, public_names

_ENTRY = re.compile(r"^::: (\S+)$", re.MULTILINE)
# A name that several faces have is documented where the first of these readers imports it from.
_READERS = (
    "portus_scanners",
    "portus_scanners.backends",
    "portus_policy",
    "portus_scan",
    "portus_scanners_testing",
    "portus_images",
)


def test_every_public_name_is_documented_once() -> None:
    """The pages of the API reference have one entry for each name, however many faces have it, and no other entry."""
    pages = sorted((ROOT / "docs").rglob("*.md"))
    entries = Counter(entry for page in pages for entry in _ENTRY.findall(page.read_text()))
    homes: dict[str, str] = {}
    for face in _READERS:
        for name, one in public_names()[face].items():
            homes.setdefault(one.path, f"{face}.{name}")
    assert Counter(homes.values()) == entries
    assert FACES.keys() == set(_READERS)


def test_the_names_that_griffe_reads_are_those_of_run_time() -> None:
    """griffe reads the same names from the stubs as Python does, and finds each name's definition."""
    for face in FACES:
        assert import_module(face).__all__ == sorted(public_names()[face])


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


def test_the_signature_of_an_attrs_class_is_the_real_one() -> None:
    """Documented parameters have the names, the kinds and the presence of a default that the class has at run time."""
    seen = 0
    for face, names in public_names().items():
        for name, documented in names.items():
            real = getattr(import_module(face), name)
            if isinstance(documented, griffe.Class) and attrs.has(real):
                seen += 1
                assert _real(real) == _shown(documented), documented.path
    assert seen > len(FACES)


def _real(one: type) -> tuple[list[str], set[tuple[str, bool]]]:
    parameters = inspect.signature(one).parameters.values()
    by_position = [each.name for each in parameters if each.kind is not each.KEYWORD_ONLY]
    return by_position, {(each.name, each.default is not each.empty) for each in parameters}


def _shown(one: griffe.Class) -> tuple[list[str], set[tuple[str, bool]]]:
    parameters = list(one.parameters)[1:]
    by_position = [each.name for each in parameters if each.kind is not griffe.ParameterKind.keyword_only]
    return by_position, {(each.name, each.default is not None) for each in parameters}
