"""What is put together from the runs of all scanners."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from attrs import field, frozen
from portus_images import Image, moment, nonempty_string, strings

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
    """Everything that was learned about one image.

    Attributes:
        results: One for each selected scanner, in the order of the configuration.
        vulnerabilities: By severity, highest first, then by id and package.
    """

    image: Image
    verdict: Verdict
    results: tuple[ScannerRun, ...] = ()
    vulnerabilities: tuple[Vulnerability, ...] = ()


@frozen(kw_only=True)
class UnresolvedImage:
    """A reference that could not be scanned at all.

    Attributes:
        step: Where it ended; `RegistryError.step`.
    """

    reference: str
    step: str
    message: str


@frozen(kw_only=True)
class GateViolation:
    """One rule of the gate that does not hold, of one image or of all.

    Attributes:
        rule: The rule's key in the configuration: ``fail_on``, ``required``; ``scanned`` for the one that always holds.
        message: What failed and by what: ``3 vulnerabilities of severity high or above, 0 are allowed``.
        reference: The image, as the user wrote it; empty for a rule that is about all of them.
        vulnerabilities: Ids of those that count, where it is about some: highest severity first.
    """

    rule: str = field(validator=nonempty_string)
    message: str = field(validator=nonempty_string)
    reference: str = ""
    vulnerabilities: tuple[str, ...] = field(default=(), converter=strings)


@frozen(kw_only=True)
class GateResult:
    """Whether reports pass the gate; there is one only where a policy was given.

    Attributes:
        rules: The rules that were in force, in words.
    """

    passed: bool
    rules: tuple[str, ...] = field(default=(), converter=strings)
    violations: tuple[GateViolation, ...] = ()


@frozen(kw_only=True)
class UnusedRule:
    """A suppression that did not apply to anything.

    Attributes:
        rule: Where it stands: ``suppressions.yml:12``.
        expired: Its last day has passed; otherwise nothing here fits it.
        message: What it names, and why it did not apply, in words.
    """

    rule: str = field(validator=nonempty_string)
    expired: bool
    message: str = field(validator=nonempty_string)


@frozen(kw_only=True)
class ReportDocument:
    """The whole answer of one command: what is written as JSON.

    Attributes:
        created: When it was made (UTC).
        unused_rules: Suppressions that did not apply, in their order.
        gate: None where no policy was given.
    """

    schema_version: int = SCHEMA_VERSION
    reports: tuple[ImageReport, ...] = ()
    errors: tuple[UnresolvedImage, ...] = ()
    created: datetime | None = field(default=None, validator=moment)
    unused_rules: tuple[UnusedRule, ...] = ()
    gate: GateResult | None = None
