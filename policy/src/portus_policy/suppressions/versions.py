"""What a rule says about versions: ranges, in the order of the package's ecosystem.

Versions are compared by univers, which is imported only where a rule needs it. It accepts more than versions
(``1.0-r1-x`` for Alpine, four numbers as a semantic version), and its ``==`` is not always the middle between ``<`` and
``>``. So each ecosystem has the form of its versions here, and only ``<`` and ``>`` are asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from attrs import frozen
from portus_images import SettingsError, one_line
from portus_scanners.merge import kind_of

_HOW_TO_INSTALL = "pip install 'portus-policy[versions]'"
_LONGEST_VERSION = 128
_MOST_PARTS = 32


class UnknownVersionError(Exception):
    """A version can't be compared: the rule that needs the comparison does not fit."""


@frozen
class Ecosystem:
    """One way of comparing versions."""

    name: str
    """The type in package URLs."""
    class_name: str
    """The class of univers."""
    form: str
    """The regular expression that a version matches."""

    def compare(self, version: str, bound: str) -> int:
        """Return whether *version* is lower (-1), the same (0) or higher (1) than a bound of a range.

        Raises:
            UnknownVersionError: One of them is not a valid version.
        """
        if self.name == "rpm" and "-" not in bound:
            version = version.partition("-")[0]  # as rpm itself: a bound without release means all of them
        low, high = self._read(version), self._read(bound)
        try:
            return int(low > high) - int(low < high)
        except _FOREIGN as error:
            raise UnknownVersionError(self._why(version)) from error

    def _read(self, version: str) -> Any:
        if len(version) > _LONGEST_VERSION or not re.fullmatch(self.form, version, re.ASCII):
            raise UnknownVersionError(self._why(version))
        plain = version.partition("+")[0] if self.class_name in _SEMANTIC else version  # a build has no rank
        try:
            return _version_class(self.class_name)(plain)
        except _FOREIGN as error:
            raise UnknownVersionError(self._why(version)) from error

    def _why(self, version: str) -> str:
        return f"{one_line(version, 60)!r} is not a version that can be compared as {self.name}"


_FOREIGN = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
_SEMANTIC = {"SemverVersion", "GolangVersion", "ComposerVersion"}
_SEMVER = r"v?\d+(\.\d+){0,2}(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?"
_WORDS = r"[0-9][0-9A-Za-z]*([._+-][0-9A-Za-z]+)*"
_ALL = (
    Ecosystem("deb", "DebianVersion", r"(\d+:)?\d[0-9A-Za-z.+~-]*"),
    Ecosystem("rpm", "RpmVersion", r"(\d+:)?(?![vV])[0-9A-Za-z._+~^]+(-[0-9A-Za-z._+~^]+)?"),
    Ecosystem("apk", "AlpineLinuxVersion", r"\d+(\.\d+)*[a-z]?(_(alpha|beta|pre|rc|p)\d*)*(-r\d+)?"),
    Ecosystem("npm", "SemverVersion", _SEMVER),
    Ecosystem("cargo", "SemverVersion", _SEMVER),
    Ecosystem("golang", "GolangVersion", _SEMVER),
    Ecosystem("composer", "ComposerVersion", _SEMVER),
    Ecosystem("pypi", "PypiVersion", r"v?[0-9A-Za-z.!+_-]+"),
    Ecosystem("maven", "MavenVersion", _WORDS),
    Ecosystem("gem", "RubygemsVersion", _WORDS),
    Ecosystem("nuget", "NugetVersion", r"\d+(\.\d+){0,3}(-[0-9A-Za-z.-]+)?"),
)
_BY_NAME: Mapping[str, Ecosystem] = {one.name: one for one in _ALL}


def of_purl(purl_type: str) -> Ecosystem | None:
    """Return the ecosystem of a package URL's type; None for one that is not known."""
    return _BY_NAME.get(purl_type)


def of_namespace(namespace: str) -> Ecosystem | None:
    """Return the ecosystem of `Package.namespace`: ``debian:12``, ``alpine:v3.19``, ``npm``; None when not known."""
    return _BY_NAME.get(kind_of(namespace).type)


def _check_univers() -> None:
    try:
        import_module("univers.versions")
    except ImportError as error:
        msg = f"versions: rules with ranges of versions need univers; try: {_HOW_TO_INSTALL}"
        raise SettingsError(msg) from error


@lru_cache(maxsize=16)
def _version_class(name: str) -> Any:
    _check_univers()
    return getattr(import_module("univers.versions"), name)


_COMPARISONS = {"<=": le, ">=": ge, "!=": ne, "==": eq, "<": lt, ">": gt, "=": eq}
_PART = re.compile(r"(?P<comparison><=|>=|!=|==|<|>|=) ?(?P<version>[!-~]{1,128})", re.ASCII)


@frozen
class VersionRange:
    """A range of versions such as ``>=1.0, <1.2``: all of its parts have to hold."""

    parts: tuple[tuple[str, str], ...]
    """Comparison and version."""

    @classmethod
    def parse(cls, text: str) -> VersionRange:
        """Return the range.

        Raises:
            ValueError: *text* is not a valid range.
            SettingsError: univers is not installed.
        """
        matches = [_PART.fullmatch(part.strip()) for part in text.split(",")]
        found = [match for match in matches if match]
        if len(found) != len(matches) or len(found) > _MOST_PARTS or any(_is_odd(match["version"]) for match in found):
            msg = f"versions: {text[:80]!r} is not a range such as '<3.0.2' or '>=1.0, <1.2'"
            raise ValueError(msg)
        _check_univers()
        return cls(tuple((match["comparison"], match["version"]) for match in found))

    @property
    def equals(self) -> tuple[str, ...]:
        """The versions of a range that names nothing but versions; otherwise empty."""
        named = tuple(version for comparison, version in self.parts if _COMPARISONS[comparison] is eq)
        return named if len(named) == len(self.parts) else ()

    def check(self, ecosystem: Ecosystem) -> None:
        """Check the versions of the range.

        Raises:
            ValueError: One of them is not a valid version of the ecosystem.
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
        return all(_COMPARISONS[comparison](ecosystem.compare(version, bound), 0) for comparison, bound in self.parts)


def _is_odd(version: str) -> bool:
    return version[0] in "<>=!" or "*" in version


@lru_cache(maxsize=1024)
def read_range(text: str) -> VersionRange:
    """Return the range of a rule."""
    return VersionRange.parse(text)
