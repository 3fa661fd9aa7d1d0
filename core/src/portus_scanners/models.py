"""Images, findings, reports: what goes into a scan and what comes out of it.

All are frozen attrs classes; sequences are tuples. ``serialize.py`` turns them into JSON and back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum
from functools import total_ordering

from attrs import Attribute, field, frozen
from attrs.validators import and_, ge, instance_of, le, optional

from .local.reference import ImageReference

__all__ = [
    "Cvss",
    "Finding",
    "Image",
    "ImageReport",
    "Layer",
    "LocalImage",
    "Outcome",
    "Package",
    "Platform",
    "Rating",
    "ReportDocument",
    "ScannerReport",
    "ScannerRun",
    "Severity",
    "UnresolvedImage",
    "Verdict",
    "Vulnerability",
]

SCHEMA_VERSION = 1
"""The version of the JSON document. It grows when a reader of the old one could misread the new one."""

_TEXT = instance_of(str)
_TRUTH = instance_of(bool)


def _word(_instance: object, attribute: Attribute[str], value: str) -> None:
    if not isinstance(value, str) or not value:
        msg = f"{attribute.name} must be a text that is not empty, got {value!r:.80}"
        raise ValueError(msg)


def _text_by_name(_instance: object, attribute: Attribute[Mapping[str, str]], value: Mapping[str, str]) -> None:
    if not all(isinstance(part, str) for pair in value.items() for part in pair):
        msg = f"{attribute.name} must be a mapping of texts to texts"
        raise TypeError(msg)


def _texts(values: Iterable[str]) -> tuple[str, ...]:
    """Make a tuple, of anything but a single text (which is an iterable of characters)."""
    texts = tuple(values)
    if isinstance(values, str) or not all(isinstance(text, str) for text in texts):
        msg = "expected a tuple of texts"
        raise TypeError(msg)
    return texts


def _cvss_ratings(values: Iterable[Cvss]) -> tuple[Cvss, ...]:
    ratings = tuple(values)
    for rating in ratings:
        if not isinstance(rating, Cvss):
            msg = f"cvss must be Cvss objects, got {type(rating).__name__}"
            raise TypeError(msg)
    return ratings


@total_ordering
class Severity(Enum):
    """How bad a vulnerability is, lowest first: Clair's scale, which Portus shows."""

    UNKNOWN = "unknown"
    NEGLIGIBLE = "negligible"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"
    DEFCON1 = "defcon1"

    @classmethod
    def from_word(cls, word: str) -> Severity:
        """Return the severity of that name, in any case; a word that nobody knows is `UNKNOWN`."""
        return _BY_WORD.get(word.strip().casefold(), cls.UNKNOWN)

    @classmethod
    def from_score(cls, score: float) -> Severity:
        """Return the severity of a CVSS score, 0.0 to 10.0; anything else is `UNKNOWN`."""
        if not 0.0 <= score <= _HIGHEST_SCORE:
            return cls.UNKNOWN
        if score == 0:
            return cls.NEGLIGIBLE
        return next((severity for limit, severity in _BELOW if score < limit), cls.CRITICAL)

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Severity):
            return NotImplemented
        return _RANK[self] < _RANK[other]


_RANK = {severity: rank for rank, severity in enumerate(Severity)}
_BY_WORD = {severity.value: severity for severity in Severity}
_HIGHEST_SCORE = 10.0
_BELOW = ((4.0, Severity.LOW), (7.0, Severity.MEDIUM), (9.0, Severity.HIGH))


class Outcome(Enum):
    """How one scanner's run on one image ended."""

    OK = "ok"
    """All of the image was seen."""
    INCOMPLETE = "incomplete"
    """There are findings, but not all was seen."""
    UNSUPPORTED = "unsupported"
    """The backend can't read such an image."""
    PENDING = "pending"
    """The backend said that it was still working when the time was up."""
    TIMED_OUT = "timed_out"
    """Nothing was heard of the backend before the time was up."""
    FAILED = "failed"
    """An error; `ScannerRun.error` says which."""
    CANCELLED = "cancelled"
    """Stopped on request."""


class Verdict(Enum):
    """The answer for one image."""

    VULNERABLE = "vulnerable"
    """Some scanner found something."""
    CLEAN = "clean"
    """At least one scanner was asked, every one ended `ok`, and none found anything."""
    UNKNOWN = "unknown"
    """Nothing was found, but not everybody has looked."""


@frozen
class Platform:
    """What an image is made for; written ``os[(version)]/architecture[/variant]``, as containerd writes it."""

    os: str = field(validator=_word)
    architecture: str = field(validator=_word)
    variant: str = field(default="", validator=_TEXT)
    os_version: str = field(default="", validator=_TEXT)
    """Of Windows, whose images run on one build alone: ``10.0.17763.5329``."""

    @classmethod
    def parse(cls, text: str) -> Platform:
        """Return the platform written as ``linux/arm/v7`` or ``windows(10.0.17763.5329)/amd64``.

        Raises:
            ValueError: The text has another form.
        """
        match = _PLATFORM.fullmatch(text)
        if match is None:
            msg = f"{text!r} is no platform; write it as linux/amd64 or linux/arm/v7"
            raise ValueError(msg)
        return cls(match["os"], match["architecture"], match["variant"] or "", match["version"] or "")

    def __str__(self) -> str:
        os = f"{self.os}({self.os_version})" if self.os_version else self.os
        return "/".join(part for part in (os, self.architecture, self.variant) if part)


_PLATFORM = re.compile(r"(?P<os>[^/()]+)(?:\((?P<version>[^/()]+)\))?/(?P<architecture>[^/]+)(?:/(?P<variant>[^/]+))?")


@frozen(kw_only=True)
class Layer:
    """One layer of an image, as the manifest describes it."""

    digest: str = field(validator=_word)
    """Digest of the (compressed) blob: ``sha256:`` and 64 hex digits."""
    size: int | None = None
    """Bytes of the blob; None where the manifest does not say."""
    media_type: str = ""
    urls: tuple[str, ...] = field(default=(), converter=_texts)
    """Where a foreign layer lies, which the registry does not have."""


@frozen(kw_only=True)
class LocalImage:
    """Where an image lies that is in no registry."""

    form: str = field(validator=_word)
    """``oci`` for a folder, ``oci-archive`` or ``docker-archive`` for a file."""
    path: str = field(validator=_word)
    """The folder or the file: absolute."""
    name: str = field(default="", validator=_TEXT)
    """Which of the images in it, in the words of the reference; empty where it did not say."""


@frozen(kw_only=True)
class Image:
    """A resolved reference: one image of one platform."""

    reference: ImageReference
    """What the user asked for."""
    digest: str = field(validator=_word)
    """Digest of the manifest of this platform."""
    media_type: str = ""
    platform: Platform | None = None
    """None where neither the index nor the image says."""
    config_digest: str | None = None
    layers: tuple[Layer, ...] = ()
    """Base first."""
    unsupported: str | None = None
    """Why this is nothing that a scanner could look into (a Helm chart, say); None for an image."""
    local: LocalImage | None = None
    """For scanners that take files: where the image lies; None for one in a registry."""


@frozen
class Package:
    """What a vulnerability is in. Empty where the backend does not say."""

    name: str = field(default="", validator=_TEXT)
    version: str = field(default="", validator=_TEXT)
    namespace: str = field(default="", validator=_TEXT)
    """The distribution or ecosystem in the backend's own words: ``debian:12``."""


@frozen(kw_only=True)
class Cvss:
    """One CVSS rating."""

    version: str = field(validator=_TEXT)
    """``2.0``, ``3.1``; empty where the backend does not say."""
    vector: str = field(default="", validator=_TEXT)
    score: float | None = field(default=None, validator=optional(and_(ge(0.0), le(10.0))))
    """0.0 to 10.0."""
    source: str = field(default="", validator=_TEXT)
    """Who rated: ``NVD``."""


@frozen(kw_only=True)
class Finding:
    """One vulnerability in one package of one image, as one scanner reports it."""

    id: str = field(validator=_word)
    """The backend's name of it: ``CVE-2016-6304``, ``RHSA-2019:1481``."""
    severity: Severity = field(default=Severity.UNKNOWN, validator=instance_of(Severity))
    severity_label: str = field(default="", validator=_TEXT)
    """The word that the backend used."""
    package: Package = field(factory=Package, validator=instance_of(Package))
    fixed_by: tuple[str, ...] = field(default=(), converter=_texts)
    """Versions (or patches) that mend it; empty when none is known."""
    links: tuple[str, ...] = field(default=(), converter=_texts)
    title: str = field(default="", validator=_TEXT)
    description: str = field(default="", validator=_TEXT)
    cvss: tuple[Cvss, ...] = field(default=(), converter=_cvss_ratings)
    layer: str | None = field(default=None, validator=optional(_TEXT))
    """Digest of the layer that brought the package, where the backend says."""
    inferred: bool = field(default=False, validator=_TRUTH)
    """The backend did not say that this is a vulnerability; the plugin concluded it."""
    details: Mapping[str, str] = field(factory=dict, validator=_text_by_name)
    """What else the backend said and no other member has a place for."""


def _finding_order(finding: Finding) -> tuple[int, str, str, str, str]:
    package = finding.package
    return -_RANK[finding.severity], finding.id, package.name, package.version, package.namespace


def _sorted_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    findings = tuple(findings)
    strangers = [finding for finding in findings if not isinstance(finding, Finding)]
    if strangers:
        msg = f"findings must be Finding objects, got {type(strangers[0]).__name__}"
        raise TypeError(msg)
    return tuple(sorted(findings, key=_finding_order))


@frozen(kw_only=True)
class ScannerReport:
    """What a scanner returns for one image."""

    findings: tuple[Finding, ...] = field(default=(), converter=_sorted_findings)
    """By severity, highest first, then by id and package."""
    complete: bool = field(default=True, validator=_TRUTH)
    """False when not all of the image was seen, or not all of the answer could be read."""
    notes: tuple[str, ...] = field(default=(), converter=_texts)
    """What a reader must know in order to trust the findings: one sentence each."""
    scanner_version: str = field(default="", validator=_TEXT)
    database_version: str = field(default="", validator=_TEXT)
    database_updated: datetime | None = field(default=None, validator=optional(instance_of(datetime)))
    """When the vulnerability data was last updated, where the backend says."""


@frozen(kw_only=True)
class ScannerRun:
    """The engine's record of one scanner on one image."""

    scanner: str = field(validator=_word)
    """The name in the configuration; two instances of one plugin have two names."""
    plugin: str = field(validator=_word)
    """The name of the entry point."""
    outcome: Outcome
    error: str | None = field(default=None)
    """Why the outcome is what it is; None when it is `OK`."""
    report: ScannerReport | None = field(default=None)
    """Always there when the outcome is `OK` or `INCOMPLETE`; with the others, what was found so far."""
    started: datetime | None = None
    """When the scanner got its slot (UTC); None if it never did."""
    waited: float = field(default=0.0, validator=ge(0))
    """Seconds until it got its slot."""
    elapsed: float = field(default=0.0, validator=ge(0))
    """Seconds from then to the end."""
    attempts: int = field(default=0, validator=ge(0))
    """How often the scan was begun: more than once when the backend was unavailable."""

    @report.validator
    def _fits_outcome(self, _attribute: Attribute[ScannerReport | None], report: ScannerReport | None) -> None:
        if self.outcome in {Outcome.OK, Outcome.INCOMPLETE} and report is None:
            msg = f"a run that ended {self.outcome.value} has a report"
            raise ValueError(msg)
        if report is not None and report.complete != (self.outcome is Outcome.OK):
            msg = f"a run that ended {self.outcome.value} can't have a report with complete={report.complete}"
            raise ValueError(msg)

    @error.validator
    def _says_why(self, _attribute: Attribute[str | None], error: str | None) -> None:
        if (error is None) != (self.outcome is Outcome.OK):
            msg = f"a run that ended {self.outcome.value} can't have error={error!r}"
            raise ValueError(msg)


@frozen(kw_only=True)
class Rating:
    """What one scanner thinks of one vulnerability."""

    scanner: str
    severity: Severity
    label: str = ""
    """The word that the scanner used."""
    cvss: tuple[Cvss, ...] = ()


@frozen(kw_only=True)
class Vulnerability:
    """Findings of several scanners that mean the same thing."""

    id: str
    severity: Severity
    """The highest of `ratings`."""
    package: Package
    fixed_by: tuple[str, ...] = field(default=(), converter=_texts)
    links: tuple[str, ...] = field(default=(), converter=_texts)
    title: str = ""
    description: str = ""
    ratings: tuple[Rating, ...] = ()
    """By scanner, then by severity."""
    scanners: tuple[str, ...] = ()
    """Who found it, by name."""


@frozen(kw_only=True)
class ImageReport:
    """Everything that was learned about one image."""

    image: Image
    verdict: Verdict
    results: tuple[ScannerRun, ...] = ()
    """One for each selected scanner, in the order of the configuration."""
    vulnerabilities: tuple[Vulnerability, ...] = ()
    """By severity, highest first, then by id and package."""


@frozen(kw_only=True)
class UnresolvedImage:
    """A reference that could not be scanned at all."""

    reference: str
    step: str
    """Where it ended; `RegistryError.step`."""
    message: str


@frozen(kw_only=True)
class ReportDocument:
    """The whole answer of one command: what is written as JSON."""

    schema_version: int = SCHEMA_VERSION
    reports: tuple[ImageReport, ...] = ()
    errors: tuple[UnresolvedImage, ...] = ()
