"""A griffe extension: attrs classes as their users see them.

griffe reads source text, and knows the standard library's dataclasses but not attrs. For each class with an attrs
decorator this adds the ``__init__`` that attrs makes, and shows a field's default instead of its call of ``field()``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import griffe

_DECORATORS = frozenset({"attrs.frozen", "attrs.define", "attrs.mutable"})
_MADE = "attrs"  # the key under which an object's notes of this extension are


class AttrsClasses(griffe.Extension):
    """Adds ``__init__`` to attrs classes and clears their fields' values."""

    def on_package(self, *, pkg: griffe.Module, **_kwargs: Any) -> None:
        """Change every attrs class of a package, bases and derived classes alike."""
        classes = [one for one in _classes(pkg) if _decorator(one) is not None]
        for one in classes:
            for attribute in _own_fields(one):
                _read_field(attribute)
        for one in classes:
            if "__init__" not in one.members:
                one.set_member("__init__", _make_init(one))


def _classes(inside: griffe.Module | griffe.Class) -> Iterator[griffe.Class]:
    for member in inside.members.values():
        if isinstance(member, griffe.Class):
            yield member
        if isinstance(member, griffe.Module | griffe.Class):
            yield from _classes(member)


def _decorator(one: griffe.Class) -> griffe.Decorator | None:
    return next((each for each in one.decorators if each.callable_path in _DECORATORS), None)


def _own_fields(one: griffe.Class) -> list[griffe.Attribute]:
    members = [member for member in one.members.values() if isinstance(member, griffe.Attribute)]
    return [member for member in members if member.annotation is not None and _is_field(member)]


def _is_field(member: griffe.Attribute) -> bool:
    """Tell fields from properties and class variables; griffe has taken ``ClassVar`` off the annotation."""
    return "instance-attribute" in member.labels and "property" not in member.labels


def _read_field(attribute: griffe.Attribute) -> None:
    """Note what ``field()`` says of one field, and leave its default as the value."""
    call = attribute.value
    if not isinstance(call, griffe.ExprCall) or call.function.canonical_path != "attrs.field":
        return
    said = {one.name: one.value for one in call.arguments if isinstance(one, griffe.ExprKeyword)}
    attribute.extra[_MADE] = {"init": str(said.get("init")) != "False", "by_name": str(said.get("kw_only")) == "True"}
    attribute.value = said.get("default")
    if "factory" in said:
        attribute.value = f"{said['factory']}()"


def _make_init(one: griffe.Class) -> griffe.Function:
    fields: dict[str, griffe.Parameter] = {}
    for base in reversed([one, *one.mro()]):
        if isinstance(base, griffe.Class) and _decorator(base) is not None:
            for attribute in _own_fields(base):
                fields.pop(attribute.name, None)
                if attribute.extra[_MADE].get("init", True):
                    fields[attribute.name] = _parameter(attribute, by_name=_by_name(base) or _by_name(attribute))
    by_kind = sorted(fields.values(), key=lambda parameter: parameter.kind is griffe.ParameterKind.keyword_only)
    self_ = griffe.Parameter("self", kind=griffe.ParameterKind.positional_or_keyword)
    return griffe.Function("__init__", parameters=griffe.Parameters(self_, *by_kind), returns="None", parent=one)


def _by_name(one: griffe.Class | griffe.Attribute) -> bool:
    """Return whether a class, or a field for itself, says that its values are passed by name."""
    if isinstance(one, griffe.Attribute):
        return bool(one.extra[_MADE].get("by_name"))
    decorator = _decorator(one)
    return decorator is not None and "kw_only=True" in str(decorator.value)


def _parameter(attribute: griffe.Attribute, *, by_name: bool) -> griffe.Parameter:
    kinds = griffe.ParameterKind
    kind = kinds.keyword_only if by_name else kinds.positional_or_keyword
    name = attribute.name.lstrip("_")
    return griffe.Parameter(name, annotation=attribute.annotation, kind=kind, default=attribute.value)
