"""Reports: the runs of all scanners put together for one image, and the document of all images."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import Enum

from attrs import field, frozen
from portus_images import Image, moment, nonempty_string, strings

from .runs import ScannerRun
from .vulnerabilities import Vulnerability

SCHEMA_VERSION = 1
"""The version of the JSON document. It is raised when a reader of the old one could misread the new one."""


class Verdict(Enum):
    """The answer for one image."""

    VULNERABLE = "vulnerable"
    """At least one scanner found something."""
    CLEAN = "clean"
    """At least one scanner was selected, all of them ended `ok`, none found anything, and none says that the support of
    the distribution has ended."""
    UNKNOWN = "unknown"
    """Nothing was found, but not every scanner has looked at all of the image, or nobody knows what is vulnerable in
    it: the support of its distribution has ended."""


@frozen(kw_only=True)
class ImageReport:
    """Everything that was learned about one image.

    Attributes:
        image: The image.
        verdict: What the runs say together.
        results: The run of each selected scanner, in the order of the configuration.
        vulnerabilities: What the scanners found, merged, sorted by severity (highest first), then by id and package.
        notes: What a reader must know in order to trust `vulnerabilities`, one sentence each: what they leave out.
    """

    image: Image
    verdict: Verdict
    results: tuple[ScannerRun, ...] = ()
    vulnerabilities: tuple[Vulnerability, ...] = ()
    notes: tuple[str, ...] = field(default=(), converter=strings)


@frozen(kw_only=True)
class UnresolvedImage:
    """An image reference that could not be resolved, so that nothing was scanned.

    Attributes:
        reference: The reference, as the user wrote it.
        step: The step that failed, as in `RegistryError.step`: ``auth``, ``manifest``.
        message: What went wrong and what to do, in one line.
    """

    reference: str
    step: str
    message: str


@frozen(kw_only=True)
class GateViolation:
    """One rule of the gate that does not hold, for one image or for all together.

    Attributes:
        rule: The rule's key in the configuration: ``fail_on``, ``required``; ``scanned`` for the one that always holds.
        message: What failed and by what: ``3 vulnerabilities of severity high or above, 0 are allowed``.
        reference: The image, as the user wrote it; empty for a rule that is about all of them.
        vulnerabilities: Ids of the vulnerabilities that count for the rule, highest severity first; empty for a rule
            about something else.
    """

    rule: str = field(validator=nonempty_string)
    message: str = field(validator=nonempty_string)
    reference: str = ""
    vulnerabilities: tuple[str, ...] = field(default=(), converter=strings)


@frozen(kw_only=True)
class GateResult:
    """Whether reports pass the gate of a policy.

    Attributes:
        passed: True if there are no violations.
        rules: The rules that were in force, in words.
        violations: The rules that do not hold.
    """

    passed: bool
    rules: tuple[str, ...] = field(default=(), converter=strings)
    violations: tuple[GateViolation, ...] = ()


@frozen(kw_only=True)
class UnusedRule:
    """A suppression that did not apply to anything.

    Attributes:
        rule: Where it is: ``suppressions.yml:12``.
        expired: True if its last day has passed; otherwise it matches nothing here.
        message: What it names, and why it did not apply, in words.
    """

    rule: str = field(validator=nonempty_string)
    expired: bool
    message: str = field(validator=nonempty_string)


@frozen(kw_only=True)
class ReportDocument:
    """The whole answer of one command, which is written as JSON.

    Attributes:
        schema_version: The version of this form.
        reports: The report of each image that was scanned, in the order of the references: a tuple, or for a large file
            a sequence that reads each report when it is asked for.
        errors: The references that could not be resolved, in their order.
        created: When it was made (UTC); None where that is not known.
        unused_rules: The suppressions that did not apply to anything, in their order.
        gate: Whether the reports pass the gate; None where no policy has one.
    """

    schema_version: int = SCHEMA_VERSION
    reports: Sequence[ImageReport] = ()
    errors: tuple[UnresolvedImage, ...] = ()
    created: datetime | None = field(default=None, converter=moment)
    unused_rules: tuple[UnusedRule, ...] = ()
    gate: GateResult | None = None
