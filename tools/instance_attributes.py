"""A griffe extension: attributes that ``__init__`` sets, as users see them.

griffe shows the right side of ``self.text = text`` as the attribute's value. That is not a default, so it is removed;
if it is a parameter, the attribute gets the parameter's type.
"""

from __future__ import annotations

from typing import Any

import griffe


class InstanceAttributes(griffe.Extension):
    """Gives attributes that ``__init__`` sets their type, and removes their value."""

    def on_class_members(self, *, cls: griffe.Class, **_kwargs: Any) -> None:
        """Change the attributes of one class."""
        for member in cls.members.values():
            if isinstance(member, griffe.Attribute) and member.labels == {"instance-attribute"} and member.value:
                if member.annotation is None:
                    member.annotation = _type_of_parameter(cls, str(member.value))
                member.value = None


def _type_of_parameter(cls: griffe.Class, name: str) -> str | griffe.Expr | None:
    return next((parameter.annotation for parameter in cls.parameters if parameter.name == name), None)
