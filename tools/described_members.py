"""A griffe extension: what a class says of its members is shown where each member is.

A class describes its attributes in its own docstring, under ``Attributes:``, since that is what ``help()`` shows. On
the site each attribute has an entry with its type and default: the description goes there.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

_ATTRIBUTES = re.compile(r"\n*^Attributes:\n(?:(?: .*)?(?:\n|\Z))+", re.MULTILINE)


class DescribedMembers(griffe.Extension):
    """Moves the descriptions under ``Attributes:`` from a class's docstring to the attributes."""

    def on_class(self, *, cls: griffe.Class, **_kwargs: Any) -> None:
        """Change one class; what it says of members that it inherits stays."""
        described = descriptions(cls)
        if described and described.keys() <= cls.members.keys():
            assert cls.docstring is not None  # noqa: S101
            cls.docstring.value = _ATTRIBUTES.sub("\n\n", cls.docstring.value).strip()
            for name, text in described.items():
                cls.members[name].docstring = griffe.Docstring(text)


def descriptions(cls: griffe.Class) -> dict[str, str]:
    """Return what a class's docstring says of attributes, by name."""
    sections = cls.docstring.parse("google", warn_missing_types=False) if cls.docstring else []
    found = [section for section in sections if isinstance(section, griffe.DocstringSectionAttributes)]
    return {one.name: one.description for section in found for one in section.value}
