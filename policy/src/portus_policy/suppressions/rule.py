"""One rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime

from attrs import Attribute, field, frozen
from portus_images import TEXT, texts, word

from .image_patterns import ImagePattern
from .package_urls import PackageUrl
from .version_ranges import VersionRange

LONGEST_TEXT = 1024
LONGEST_REASON = 4096


def _short_texts(_instance: object, attribute: Attribute[tuple[str, ...]], values: tuple[str, ...]) -> None:
    if not all(value.strip() and len(value) <= LONGEST_TEXT for value in values):
        msg = f"{attribute.name}: expected texts that are not empty, of {LONGEST_TEXT} characters at most"
        raise ValueError(msg)


def _no_patterns(_instance: object, _attribute: Attribute[tuple[str, ...]], values: tuple[str, ...]) -> None:
    if any("*" in value for value in values):
        msg = "ids: an id is no pattern; leave it out, and name the package, to mean all of them"
        raise ValueError(msg)


def _bounded(limit: int) -> Callable[[object, Attribute[str], str], None]:
    def check(_instance: object, attribute: Attribute[str], value: str) -> None:
        if len(value) > limit:
            msg = f"{attribute.name}: longer than {limit} characters"
            raise ValueError(msg)

    return check


def _not_blank(_instance: object, attribute: Attribute[str], value: str) -> None:
    if not value.strip():
        msg = f"{attribute.name}: say why: a rule needs a reason"
        raise ValueError(msg)


def _package(_instance: object, _attribute: Attribute[str], value: str) -> None:
    if value and not value.strip("*? "):
        msg = "package: it names every package; leave it out"
        raise ValueError(msg)


def _image(_instance: object, _attribute: Attribute[str], value: str) -> None:
    if value:
        ImagePattern.parse(value)


def _purls(_instance: object, _attribute: Attribute[tuple[str, ...]], values: tuple[str, ...]) -> None:
    for value in values:
        PackageUrl.parse(value)


def _versions(_instance: object, _attribute: Attribute[str], value: str) -> None:
    if value:
        VersionRange.parse(value)


def _day(_instance: object, attribute: Attribute[date | None], value: date | None) -> None:
    if value is not None and (not isinstance(value, date) or isinstance(value, datetime)):
        msg = f"{attribute.name}: expected a date"
        raise TypeError(msg)


_TEXT = (TEXT, _bounded(LONGEST_TEXT))


@frozen(kw_only=True)
class Suppression:
    """A rule that takes vulnerabilities out of the gate. Whatever it names has to fit.

    Attributes:
        rule: Where it stands: ``suppressions.yml:12``, ``app.vex.json $.statements[0].products[0]``.
        ids: Ids or aliases of the vulnerability, one of which has to fit; letter case does not matter. Empty for any.
        package: Name of the package or of what it was built from; ``*`` and ``?`` stand for any characters. Empty for
            any.
        purls: Package URLs. All that the scanners name have to fit one of them; version and qualifiers count where
            given.
        image: The image: ``registry.example/team/*``, ``alpine:3.*``. Empty for any.
        scanner: Who alone has found it. Empty for any.
        versions: A range that all installed versions have to be in: ``>=1.0, <1.2``. Empty for any.
        until: The last day (UTC) on which it applies; None for no end.
        by: Who decided it.
        unmatchable: Why it can't fit anything, where its source names something that no report has; empty for all
            others.

    Raises:
        ValueError: A value is not of its form, or the rule names neither an id nor a package.
        SettingsError: A package URL or a range of versions can't be read without a library that is not installed.
    """

    rule: str = field(validator=word)
    reason: str = field(validator=(TEXT, _not_blank, _bounded(LONGEST_REASON)))
    ids: tuple[str, ...] = field(default=(), converter=texts, validator=(_short_texts, _no_patterns))
    package: str = field(default="", validator=(*_TEXT, _package))
    purls: tuple[str, ...] = field(default=(), converter=texts, validator=(_short_texts, _purls))
    image: str = field(default="", validator=(*_TEXT, _image))
    scanner: str = field(default="", validator=_TEXT)
    versions: str = field(default="", validator=(*_TEXT, _versions))
    until: date | None = field(default=None, validator=_day)
    by: str = field(default="", validator=_TEXT)
    unmatchable: str = field(default="", validator=TEXT)

    def __attrs_post_init__(self) -> None:
        if not (self.ids or self.package or self.purls or self.unmatchable):
            msg = "it names no id, package or purl, and would suppress everything"
            raise ValueError(msg)

    @property
    def words(self) -> str:
        """What it names, for messages."""
        return ", ".join(_named(self))


def _named(rule: Suppression) -> Iterable[str]:
    yield from _few(rule.ids)
    yield from _few(rule.purls)
    for name in ("package", "image", "scanner", "versions"):
        if value := getattr(rule, name):
            yield f"{name} {value}"


def _few(values: tuple[str, ...]) -> Iterable[str]:
    yield from values[:3]
    if len(values) > 3:  # noqa: PLR2004
        yield f"and {len(values) - 3} more"
