"""Package URLs: compared by what they mean.

Source: ``package-url/purl-spec``; read by packageurl-python, which is imported only where a rule has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from attrs import frozen
from portus_images import SettingsError

LONGEST = 2048
HOW_TO_INSTALL = "pip install 'portus-scanners[versions]'"


@frozen
class PackageUrl:
    """A package URL, taken apart and normalized."""

    type: str
    namespace: str
    name: str
    version: str = ""
    qualifiers: tuple[tuple[str, str], ...] = ()
    subpath: str = ""

    @classmethod
    def parse(cls, text: str) -> PackageUrl:
        """Return the package URL.

        Raises:
            ValueError: The text is none.
            SettingsError: The library that reads it is not installed.
        """
        try:
            from packageurl import PackageURL
        except ImportError as error:
            msg = f"purl: rules with package URLs need packageurl-python; try: {HOW_TO_INSTALL}"
            raise SettingsError(msg) from error
        if len(text) > LONGEST:
            msg = f"purl: longer than {LONGEST} characters"
            raise ValueError(msg)
        try:
            read = PackageURL.from_string(text)
            qualifiers = read.qualifiers if isinstance(read.qualifiers, Mapping) else {}
            parts = read.type, read.namespace or "", read.name, read.version or ""
            return cls(*parts, tuple(sorted(qualifiers.items())), read.subpath or "")
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            msg = f"purl: {text[:80]!r} is no package URL such as pkg:deb/debian/openssl"
            raise ValueError(msg) from error

    @property
    def coordinates(self) -> tuple[str, str, str]:
        """What all versions of the package have in common."""
        return self.type, self.namespace, self.name

    def qualifier(self, key: str) -> str:
        """Return the value of a qualifier, empty when there is none."""
        return dict(self.qualifiers).get(key, "")

    def covers(self, other: PackageUrl) -> bool:
        """Return whether *other* is what this one names: the same package, and whatever else is given."""
        return (
            self.coordinates == other.coordinates
            and self.version in {"", other.version}
            and self.subpath in {"", other.subpath}
            and set(self.qualifiers) <= set(other.qualifiers)
        )


@lru_cache(maxsize=16384)
def read_purl(text: str) -> PackageUrl | None:
    """Return the package URL of a rule or a scanner; None for a text that is none."""
    try:
        return PackageUrl.parse(text)
    except ValueError:
        return None


def all_covered(found: Iterable[str], named: Iterable[str]) -> bool:
    """Return whether there are package URLs, and each is covered by one that is named."""
    rules = [purl for text in named if (purl := read_purl(text))]
    purls = [read_purl(text) for text in found]
    return bool(purls) and all(purl and any(rule.covers(purl) for rule in rules) for purl in purls)
