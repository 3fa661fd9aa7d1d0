"""What is put together from the runs of all scanners."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from attrs import field, frozen
from portus_images import Image, moment, texts, word

from .runs import ScannerRun
from .vulnerabilities import Vulnerability

__all__ = [
    "GateResult",
    "GateViolation",
    "ImageReport",
    "ReportDocument",
    "UnresolvedImage",
    "UnusedRule",
    "Verdict",
]

SCHEMA_VERSION = 1
"""The version of the JSON document. It grows when a reader of the old one could misread the new one."""


class Verdict(Enum):
    """The answer for one image."""

    VULNERABLE = "vulnerable"
    """Some scanner found something."""
    CLEAN = "clean"
    """At least one scanner was asked, every one ended `ok`, and none found anything."""
    UNKNOWN = "unknown"
    """Nothing was found, but not everybody has looked."""


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
class GateViolation:
    """One rule of the gate that does not hold, of one image or of all."""

    rule: str = field(validator=word)
    """The rule's key in the configuration: ``fail_on``, ``required``; ``scanned`` for the one that always holds."""
    message: str = field(validator=word)
    """What failed and by what: ``3 vulnerabilities of severity high or above, 0 are allowed``."""
    reference: str = ""
    """The image, as the user wrote it; empty for a rule that is about all of them."""
    vulnerabilities: tuple[str, ...] = field(default=(), converter=texts)
    """Ids of those that count, where it is about some: highest severity first."""


@frozen(kw_only=True)
class GateResult:
    """Whether reports pass the gate; there is one only where a policy was given."""

    passed: bool
    rules: tuple[str, ...] = field(default=(), converter=texts)
    """The rules that were in force, in words."""
    violations: tuple[GateViolation, ...] = ()


@frozen(kw_only=True)
class UnusedRule:
    """A suppression that did not apply to anything."""

    rule: str = field(validator=word)
    """Where it stands: ``suppressions.yml:12``."""
    expired: bool
    """Its last day has passed; otherwise nothing here fits it."""
    message: str = field(validator=word)
    """What it names, and why it did not apply, in words."""


@frozen(kw_only=True)
class ReportDocument:
    """The whole answer of one command: what is written as JSON."""

    schema_version: int = SCHEMA_VERSION
    reports: tuple[ImageReport, ...] = ()
    errors: tuple[UnresolvedImage, ...] = ()
    created: datetime | None = field(default=None, validator=moment)
    """When it was made (UTC)."""
    unused_rules: tuple[UnusedRule, ...] = ()
    """Suppressions that did not apply, in their order."""
    gate: GateResult | None = None
    """None where no policy was given."""
