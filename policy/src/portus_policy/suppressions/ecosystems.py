"""How versions are compared: by the packages' own ecosystem, with univers.

univers is imported only where a rule has a range of versions. It takes more than is a version (``1.0-r1-x`` as one of
Alpine's, four numbers as a semantic version), and its ``==`` is not always the middle between ``<`` and ``>``. So each
ecosystem has the form of its versions here, and only ``<`` and ``>`` are asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any

from attrs import frozen
from portus_images import SettingsError, one_line

from .package_urls import HOW_TO_INSTALL

LONGEST_VERSION = 128


class UnknownVersionError(Exception):
    """A version that can't be compared: the rule that asks does not fit."""


@frozen
class Ecosystem:
    """One way of comparing versions."""

    name: str
    """The type in package URLs."""
    class_name: str
    """The class of univers."""
    form: str
    """What a version is."""

    @staticmethod
    def check_installed() -> None:
        """Check that versions can be compared.

        Raises:
            SettingsError: univers is not installed.
        """
        try:
            import_module("univers.versions")
        except ImportError as error:
            msg = f"versions: rules with ranges of versions need univers; try: {HOW_TO_INSTALL}"
            raise SettingsError(msg) from error

    def compare(self, version: str, bound: str) -> int:
        """Return whether *version* is lower (-1), the same (0) or higher (1) than a bound of a range.

        Raises:
            UnknownVersionError: One of them is no version.
        """
        if self.name == "rpm" and "-" not in bound:
            version = version.partition("-")[0]  # as rpm itself: a bound without release means all of them
        low, high = self._read(version), self._read(bound)
        try:
            return int(low > high) - int(low < high)
        except _FOREIGN as error:
            raise UnknownVersionError(self._why(version)) from error

    def _read(self, version: str) -> Any:
        if len(version) > LONGEST_VERSION or not re.fullmatch(self.form, version, re.ASCII):
            raise UnknownVersionError(self._why(version))
        plain = version.partition("+")[0] if self.class_name in _SEMANTIC else version  # a build has no rank
        try:
            return _version_class(self.class_name)(plain)
        except _FOREIGN as error:
            raise UnknownVersionError(self._why(version)) from error

    def _why(self, version: str) -> str:
        return f"{one_line(version, 60)!r} is no version that can be compared as {self.name}"


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
_FAMILIES: Mapping[str, tuple[str, ...]] = {
    "deb": ("debian", "ubuntu"),
    "apk": ("alpine", "wolfi", "chainguard", "minimos"),
    "rpm": (
        *("alma", "amazon", "amzn", "azurelinux", "cbl-mariner", "centos", "fedora", "mariner", "ol", "oracle"),
        *("opensuse", "opensuse-leap", "opensuse-tumbleweed", "opensuse.leap", "opensuse.tumbleweed", "photon"),
        *("redhat", "rhel", "rocky", "sles", "slem", "suse", "suse linux enterprise server"),
    ),
    "npm": ("npm", "node-pkg", "yarn", "pnpm", "bun"),
    "cargo": ("cargo", "rust-binary", "rustbinary", "crates.io"),
    "golang": ("golang", "gomod", "gobinary", "go"),
    "composer": ("composer", "composer-vendor", "packagist"),
    "pypi": ("pypi", "python-pkg", "pip", "pipenv", "poetry", "uv"),
    "maven": ("maven", "jar", "pom", "gradle"),
    "gem": ("gem", "gemspec", "bundler", "rubygems"),
    "nuget": ("nuget", "dotnet-core", "packages-props"),
}
_BY_FAMILY: Mapping[str, Ecosystem] = {
    family: _BY_NAME[name] for name, families in _FAMILIES.items() for family in families
}


def of_purl(purl_type: str) -> Ecosystem | None:
    """Return the ecosystem of a package URL's type; None for one that is not known."""
    return _BY_NAME.get(purl_type)


def of_namespace(namespace: str) -> Ecosystem | None:
    """Return the ecosystem of `Package.namespace`: ``debian:12``, ``alpine:v3.19``, ``npm``; None when not known."""
    return _BY_FAMILY.get(namespace.casefold().partition(":")[0].strip())


def the_only(found: Iterable[Ecosystem | None]) -> Ecosystem | None:
    """Return the one that all know who know any; None when nobody does, or when they differ."""
    known = {one for one in found if one}
    return known.pop() if len(known) == 1 else None


@lru_cache(maxsize=16)
def _version_class(name: str) -> Any:
    Ecosystem.check_installed()
    return getattr(import_module("univers.versions"), name)
