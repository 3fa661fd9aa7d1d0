"""What `help()` says of the public classes."""

from __future__ import annotations

import inspect
import re
from importlib import import_module

import attrs
import pytest

FACES = (
    "portus_images",
    "portus_policy",
    "portus_scan",
    "portus_scanners",
    "portus_scanners.backends",
    "portus_scanners_testing",
)
SECTION = re.compile(r"^Attributes:\n(?P<members>(?:[ ]+.*\n?|\n)+)", re.MULTILINE)


def public_classes() -> list[type]:
    """Return the attrs classes that a face has, each once."""
    found = {}
    for face in map(import_module, FACES):
        members = {name: getattr(face, name) for name in face.__all__}
        found |= {name: one for name, one in members.items() if isinstance(one, type) and attrs.has(one)}
    return list(found.values())


def described(one: type) -> set[str]:
    """Return the names that the sections ``Attributes:`` of a class and of its bases have a description of."""
    docs = [inspect.cleandoc(vars(base)["__doc__"] or "") for base in one.__mro__[:-1] if "__doc__" in vars(base)]
    sections = [match["members"] for doc in docs for match in SECTION.finditer(doc)]
    return {name for section in sections for name in re.findall(r"^    (\w+): \S", section, re.MULTILINE)}


@pytest.mark.parametrize("one", public_classes(), ids=lambda one: one.__name__)
def test_help_says_what_each_member_means(one: type) -> None:
    """Each public field of each public attrs class is described in the class's docstring, or in that of a base."""
    fields = [field.name for field in attrs.fields(one) if not field.name.startswith("_")]
    assert [] == [name for name in fields if name not in described(one)]
