"""Who looks, and what they may see: a condition that is part of every query, and the same rule for one repository.

A pattern names one repository (``team/app``), or all that begin alike (``team/*``, ``*``); with a registry before it
(``registry.example:5000/team/*``) only those there. Nothing is visible that no pattern names, except to an admin.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum

from aiohttp import web
from attrs import field, frozen
from sqlalchemy import ColumnElement, and_, false, func, or_, true

from ..store import tables

_HOST = r"localhost|(?:[A-Za-z0-9-]+\.[A-Za-z0-9.-]*|[A-Za-z0-9-]+(?=:)|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?"
_PATTERN = rf"(?:(?:{_HOST})/)?(?:[a-z0-9._/-]+\*?|\*)"


class Role(Enum):
    """What somebody may do with the repositories of a pattern."""

    VIEWER = "viewer"
    """See them."""
    OPERATOR = "operator"
    """See them, and ask for scans."""


@frozen(kw_only=True)
class Viewer:
    """Who looks, as far as it is known.

    Attributes:
        name: How lists and logs call them; ``token:NAME`` for a program, ``anybody`` where access is open.
        roles: Patterns of repositories, each with the role there.
        is_admin: Whether everything is visible, and anything may be asked for.
        may_write: Whether anything may be changed at all.
        may_sign_out: Whether a session of the service's own says who it is.
    """

    name: str
    roles: Mapping[str, Role] = field(factory=dict)
    is_admin: bool = False
    may_write: bool = True
    may_sign_out: bool = False

    @property
    def may_administer(self) -> bool:
        """Whether what concerns everybody may be changed."""
        return self.is_admin and self.may_write

    def may_see(self, host: str, repository: str) -> bool:
        """Return whether a repository of a configured registry is visible."""
        return self.is_admin or any(_matches(pattern, host, repository) for pattern in self.roles)

    def may_ask(self, host: str, repository: str) -> bool:
        """Return whether scans of a repository's images may be asked for."""
        if not self.may_write:
            return False
        operated = (pattern for pattern, role in self.roles.items() if role is Role.OPERATOR)
        return self.is_admin or any(_matches(pattern, host, repository) for pattern in operated)


VIEWER: web.RequestKey[Viewer] = web.RequestKey("viewer", Viewer)
"""Where `access_middleware` puts who looks."""


def visible(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the repositories that somebody may see: over `repositories` joined to `registries`."""
    if viewer.is_admin:
        return true()
    return or_(false(), *(_condition(pattern) for pattern in viewer.roles))


def check_pattern(pattern: str) -> None:
    """Do nothing if this is a pattern of repositories.

    Raises:
        ValueError: It is not.
    """
    if not re.fullmatch(_PATTERN, pattern):
        raise ValueError("write a repository such as team/app, or what repositories begin with: team/*, host:5000/*, *")


def _split(pattern: str) -> tuple[str, str]:
    """Return the registry of a pattern, empty for all of them, and the rest; told apart as in an image reference."""
    first, slash, rest = pattern.partition("/")
    is_host = bool(slash) and (first == "localhost" or any(mark in first for mark in ".:"))
    return (first, rest) if is_host else ("", pattern)


def _matches(pattern: str, host: str, repository: str) -> bool:
    registry, name = _split(pattern)
    if registry and registry != host:
        return False
    return repository.startswith(name[:-1]) if name.endswith("*") else repository == name


def _condition(pattern: str) -> ColumnElement[bool]:
    """Return `_matches` as SQL. No LIKE: it has characters of its own, and SQLite's takes A for a."""
    registry, name = _split(pattern)
    column = tables.repositories.c.name
    start = name[:-1]
    named = func.substr(column, 1, len(start)) == start if name.endswith("*") else column == name
    return and_(named, tables.registries.c.host == registry) if registry else named
