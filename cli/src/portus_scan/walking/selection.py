"""Which repositories and tags of a registry are wanted. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from attrs import frozen

_NUMBER = re.compile(r"([0-9]+)")
_END = (0, 0, "")
_LONGEST_NUMBER = 18


@frozen(kw_only=True)
class Selection:
    """What is wanted of a registry.

    A pattern without a colon is one of repositories (``team/*``), one with a colon of repositories and tags
    (``team/app:1.*``). ``*`` stands for any text, slashes included; ``?`` for one character, ``[ab]`` for one of them.
    """

    namespace: str = ""
    """Repositories whose name begins with it and a slash, and the one of this name."""
    include: tuple[str, ...] = ()
    """What fits one of them is wanted; everything where there are none."""
    exclude: tuple[str, ...] = ()
    """What fits one of them is not wanted."""
    max_tags: int | None = None
    """So many tags of a repository at most: those with the highest versions."""

    def wants_repository(self, name: str) -> bool:
        """Return whether some tag of a repository may be wanted."""
        if self.namespace and name != self.namespace and not name.startswith(f"{self.namespace}/"):
            return False
        included = not self.include or any(fnmatchcase(name, pattern.partition(":")[0]) for pattern in self.include)
        return included and not any(fnmatchcase(name, pattern) for pattern in self.exclude if ":" not in pattern)

    def choose_tags(self, repository: str, tags: Iterable[str]) -> list[str]:
        """Return the wanted tags of a repository, the highest version first, each once."""
        wanted = {tag for tag in tags if self._wants_tag(repository, tag)}
        return sorted(wanted, key=version_order, reverse=True)[: self.max_tags]

    def _wants_tag(self, repository: str, tag: str) -> bool:
        included = not self.include or any(_fits(repository, tag, pattern) for pattern in self.include)
        return included and not any(_fits(repository, tag, pattern) for pattern in self.exclude)


def version_order(tag: str) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """Return what sorts tags as people number versions.

    ``1.10`` is behind ``1.9``, ``2.0`` behind ``2.0-rc1``, and words are before numbers.
    """
    parts = [_order(part) for part in _NUMBER.split(tag) if part]
    return (*parts, _END), tag


def _order(part: str) -> tuple[int, int, str]:
    if part.isdecimal() and part.isascii() and len(part) <= _LONGEST_NUMBER:
        return 1, int(part), ""
    return (-1 if part.startswith("-") else 0), 0, part


def _fits(repository: str, tag: str, pattern: str) -> bool:
    return fnmatchcase(f"{repository}:{tag}" if ":" in pattern else repository, pattern)
