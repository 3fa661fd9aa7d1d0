"""Making many objects of a model class: checked as one by one, in a fraction of the time.

A frozen attrs class pays for each member of each object: a call to set it, a call to check it. A backend's answer can
have 20,000 findings of 21 members. The function made here checks the members by their exact types in one expression,
sets them on an object of a twin class that is not frozen, and then gives the object its real class, which from there
on guards it. Whatever is not exactly of the expected types goes to the class itself, which converts it or says what is
wrong with it. Functions are made as attrs makes its own: as text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import attrs

ObjectT = TypeVar("ObjectT")

TEXT_CHECK = "type({0}) is str"
WORD_CHECK = "type({0}) is str and {0}"


def one_of(kind: type) -> str:
    """Return the check for an object of one class."""
    return f"type({{0}}) is {kind.__name__}"


def tuple_of(kind: type) -> str:
    """Return the check for a tuple of objects of one class."""
    name = kind.__name__
    return (
        f"type({{0}}) is tuple and (not {{0}} or type({{0}}[0]) is {name}"
        f" and (len({{0}}) == 1 or {{{{*map(type, {{0}})}}}} == {{{{{name}}}}}))"
    )


def make_maker(
    kind: type[ObjectT], names: Iterable[str], checks: Mapping[str, str], classes: Iterable[type]
) -> Callable[..., ObjectT]:
    """Return a function that takes these members, in this order, and gives what the class gives for them.

    Args:
        kind: A frozen attrs class with slots, without ``__weakref__`` and without a base but object: else its objects
            have another layout, or rules that are not known here.
        names: The members that are given; the others have their default.
        checks: For members, the expression that is true of values that need no conversion.
        classes: What the expressions name.

    Raises:
        ValueError: A member does not exist, is named twice, has no check, or has no default and is not given; or the
            class is derived from another.
    """
    if kind.__bases__ != (object,):
        msg = f"{kind.__name__} is derived from {kind.__bases__[0].__name__}: its objects are made one by one"
        raise ValueError(msg)
    names = tuple(names)
    fields = {field.name: field for field in attrs.fields(kind)}  # type: ignore[arg-type]
    wrong = [name for name in names if name not in checks or name not in fields or names.count(name) > 1]
    wrong += [name for name, field in fields.items() if field.default is attrs.NOTHING and name not in names]
    if wrong:
        msg = f"{kind.__name__} can't be made of these members: {', '.join(wrong)}"
        raise ValueError(msg)
    twin = type(f"Unfinished{kind.__name__}", (), {"__slots__": tuple(fields)})
    scope: dict[str, Any] = {"KIND": kind, "TWIN": twin, **{one.__name__: one for one in classes}}
    exec(_source(names, fields, checks, scope), scope)  # noqa: S102 (of names that were looked up in the class)
    return scope["make"]  # type: ignore[no-any-return]


def _source(names: tuple[str, ...], fields: Mapping[str, Any], checks: Mapping[str, str], scope: dict[str, Any]) -> str:
    right = " and ".join(f"({checks[name].format(name)})" for name in names)
    lines = [f"def make({', '.join(names)}):", f"    if {right}:", "        made = TWIN()"]
    lines += [
        f"        made.{name} = {name if name in names else _default(field, scope)}" for name, field in fields.items()
    ]
    lines += ["        made.__class__ = KIND", "        return made"]
    return "\n".join([*lines, f"    return KIND({', '.join(f'{name}={name}' for name in names)})"])


def _default(field: Any, scope: dict[str, Any]) -> str:
    """Return the expression for a default, and put into the scope what it names."""
    word = f"DEFAULT_{field.name}"
    if isinstance(field.default, attrs.Factory):  # type: ignore[arg-type]
        scope[word] = field.default.factory
        return f"{word}()"
    scope[word] = field.default
    return word
