"""Ranges of versions: ``>=1.0, <1.2``. All parts have to hold; each ecosystem has its own order."""

from __future__ import annotations

import re
from functools import lru_cache
from operator import eq, ge, gt, le, lt, ne

from attrs import frozen

from .ecosystems import Ecosystem, UnknownVersionError

_COMPARISONS = {"<=": le, ">=": ge, "!=": ne, "==": eq, "<": lt, ">": gt, "=": eq}
_PART = re.compile(r"(?P<comparison><=|>=|!=|==|<|>|=) ?(?P<version>[!-~]{1,128})", re.ASCII)
_MOST_PARTS = 32


@frozen
class VersionRange:
    """A range, taken apart."""

    parts: tuple[tuple[str, str], ...]
    """Comparison and version."""

    @classmethod
    def parse(cls, text: str) -> VersionRange:
        """Return the range.

        Raises:
            ValueError: It is none.
            SettingsError: The library that compares versions is not installed.
        """
        matches = [_PART.fullmatch(part.strip()) for part in text.split(",")]
        found = [match for match in matches if match]
        if len(found) != len(matches) or len(found) > _MOST_PARTS or any(_is_odd(match["version"]) for match in found):
            msg = f"versions: {text[:80]!r} is no range such as '<3.0.2' or '>=1.0, <1.2'"
            raise ValueError(msg)
        Ecosystem.check_installed()
        return cls(tuple((match["comparison"], match["version"]) for match in found))

    def check(self, ecosystem: Ecosystem) -> None:
        """Check the versions of the range.

        Raises:
            ValueError: One of them is no version of the ecosystem.
        """
        for _, version in self.parts:
            try:
                ecosystem.compare(version, version)
            except UnknownVersionError as error:
                msg = f"versions: {error}"
                raise ValueError(msg) from error

    def holds(self, version: str, ecosystem: Ecosystem) -> bool:
        """Return whether an installed version is in the range.

        Raises:
            UnknownVersionError: One of the versions can't be compared.
        """
        return all(_COMPARISONS[word](ecosystem.compare(version, bound), 0) for word, bound in self.parts)


def _is_odd(version: str) -> bool:
    return version[0] in "<>=!" or "*" in version


@lru_cache(maxsize=1024)
def read_range(text: str) -> VersionRange:
    """Return the range of a rule."""
    return VersionRange.parse(text)
