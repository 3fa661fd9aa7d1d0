"""Findings: what a scanner says of one package, and the words for how bad that is and whether there is a fix."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum
from functools import total_ordering

from attrs import field, fields, frozen
from attrs.validators import optional
from portus_images import (
    BOOLEAN,
    STRING,
    all_of,
    class_name,
    exactly,
    moment,
    nonempty_string,
    strings,
    strings_by_name,
)


@total_ordering
class Severity(Enum):
    """How bad a vulnerability is, lowest first: the scale of Clair, which Portus shows."""

    UNKNOWN = "unknown"
    NEGLIGIBLE = "negligible"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"
    DEFCON1 = "defcon1"

    __hash__ = object.__hash__  # Enum's own is a function in Python, and severities are keys everywhere

    @classmethod
    def from_word(cls, word: str) -> Severity:
        """Return the severity of that name, in upper or lower case; for an unknown word, `UNKNOWN`."""
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
"""The rank of each severity; that of the lowest is 0."""
HIGHEST_FIRST = tuple(reversed(Severity))
"""All severities, in the order of reports."""
_BY_WORD = {severity.value: severity for severity in Severity}
_HIGHEST_SCORE = 10.0
_BELOW = ((4.0, Severity.LOW), (7.0, Severity.MEDIUM), (9.0, Severity.HIGH))


class FixState(Enum):
    """Whether there is a fix for a vulnerability in a package, according to the distribution."""

    UNKNOWN = "unknown"
    """The backend does not say, or uses an unknown word."""
    FIXED = "fixed"
    """`Finding.fixed_by` says in which versions."""
    AFFECTED = "affected"
    """No fix so far."""
    UNDER_INVESTIGATION = "under_investigation"
    """It is not known yet whether the package is affected at all."""
    WILL_NOT_FIX = "will_not_fix"
    """There is no fix, and none is planned."""
    FIX_DEFERRED = "fix_deferred"
    """There may be a fix one day; it is not urgent."""
    END_OF_LIFE = "end_of_life"
    """The package is no longer maintained."""
    NOT_AFFECTED = "not_affected"
    """The package does not have the vulnerability."""

    @classmethod
    def from_word(cls, word: str) -> FixState:
        """Return what a word of Trivy, Grype, OSV, Debian, Ubuntu or Red Hat means: ``<no-dsa>``; else `UNKNOWN`."""
        return _STATE_BY_WORD.get(_BLANKS.sub("_", word.strip(" <>").casefold()), cls.UNKNOWN)


_BLANKS = re.compile(r"[\s_-]+")
_STATE_BY_WORD = {state.value: state for state in FixState} | {
    **dict.fromkeys(("not_fixed", "unfixed", "open", "needed", "pending", "last_affected"), FixState.AFFECTED),
    **dict.fromkeys(("resolved", "released"), FixState.FIXED),
    **dict.fromkeys(("undetermined", "needs_triage", "in_triage"), FixState.UNDER_INVESTIGATION),
    **dict.fromkeys(("wont_fix", "ignored"), FixState.WILL_NOT_FIX),
    **dict.fromkeys(("no_dsa", "postponed", "deferred"), FixState.FIX_DEFERRED),
    **dict.fromkeys(("eol", "unsupported", "out_of_support_scope"), FixState.END_OF_LIFE),
    **dict.fromkeys(("unaffected", "known_not_affected", "dne"), FixState.NOT_AFFECTED),
}


@frozen(weakref_slot=False)
class Package:
    """A package that a vulnerability is in. Members are empty where the backend does not say.

    Attributes:
        name: The name: ``openssl``.
        version: The installed version, as the package manager writes it: ``1:3.0.11-1~deb12u2``.
        namespace: The distribution or ecosystem in the backend's own words: ``debian:12``, ``npm``.
    """

    name: str = ""
    version: str = ""
    namespace: str = ""

    def __attrs_post_init__(self) -> None:
        # in one expression, not by three validators: an answer may have thousands of packages
        if not (type(self.name) is type(self.version) is type(self.namespace) is str):
            for member in fields(Package):
                STRING(self, member, getattr(self, member.name))


_SEVERITY, _FIX_STATE, _PACKAGE = exactly(Severity), exactly(FixState), exactly(Package)


def _base_score(value: float | None) -> float | None:
    """Return a base score as a float; a Decimal, a string, NaN or a boolean is not one."""
    if value is None:
        return None
    if type(value) not in {int, float} or not 0.0 <= value <= _HIGHEST_SCORE:
        shown = value if type(value) in {int, float} else class_name(value)
        raise ValueError(f"a CVSS score is a number (float) from 0.0 to 10.0, got {shown}")
    return float(value)


@frozen(kw_only=True)
class Cvss:
    """One CVSS rating.

    Attributes:
        version: Version of CVSS: ``2.0``, ``3.1``; empty where the backend does not say.
        vector: The vector: ``CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H``; empty where the backend gives none.
        score: The base score, 0.0 to 10.0; None where the backend gives none.
        source: Who rated: ``NVD``; empty where the backend does not say.
    """

    version: str = field(validator=STRING)
    vector: str = field(default="", validator=STRING)
    score: float | None = field(default=None, converter=_base_score)
    source: str = field(default="", validator=STRING)

    @classmethod
    def from_vector(cls, vector: str, *, version: str = "", score: float | None = None, source: str = "") -> Cvss:
        """Return a rating of the version that its vector begins with: ``CVSS:3.1/AV:N/...``.

        Args:
            vector: The vector; may be empty.
            version: The version where the vector does not say it: those of version 2 don't.
            score: The base score; a number outside 0.0 to 10.0 counts as none.
            source: Who rated.
        """
        match = re.match(_VECTOR, vector)
        known = score is not None and 0.0 <= score <= _HIGHEST_SCORE
        return cls(version=match[1] if match else version, vector=vector, score=score if known else None, source=source)


_VECTOR = r"(?a)CVSS:(\d{1,2}\.\d{1,2})/"


def _cvss_ratings(values: Iterable[Cvss]) -> tuple[Cvss, ...]:
    return all_of(Cvss, values)


@frozen(kw_only=True)
class VendorRating:
    """How bad a vulnerability is according to one source, such as the distribution or NVD.

    Attributes:
        source: Who says so: ``debian``, ``nvd``.
        severity: The severity.
        label: The word or number that the backend used for it.
    """

    source: str = field(validator=nonempty_string)
    severity: Severity = field(default=Severity.UNKNOWN, validator=_SEVERITY)
    label: str = field(default="", validator=STRING)


def _vendor_ratings(values: Iterable[VendorRating]) -> tuple[VendorRating, ...]:
    return all_of(VendorRating, values)


@frozen(kw_only=True, weakref_slot=False)  # the layout that `finding_maker` relies on
class Finding:
    """One vulnerability in one package of one image, as one scanner reports it.

    Strings are empty, and tuples too, where the backend does not say.

    Attributes:
        id: The backend's name for the vulnerability: ``CVE-2016-6304``, ``RHSA-2019:1481``. Never empty.
        aliases: Other names for it; for an advisory about several vulnerabilities, all of their names.
        severity: How bad it is.
        severity_label: The word that the backend used for the severity.
        severity_source: Whose severity the backend took: ``debian``.
        vendor_ratings: The severities according to all sources that the backend knows.
        package: The package that it is in.
        source_package: The package that `package` was built from, where the backend names both: ``glibc`` for
            ``libc6``; None otherwise.
        purl: The package as a package URL: ``pkg:deb/debian/bash@5.2-1?arch=amd64``.
        path: The file in the image in which the package was found: ``app/package-lock.json``.
        fix_state: Whether there is a fix.
        fixed_by: The versions (or patches) that fix it.
        links: URLs of pages about it.
        title: What it is, in one line.
        description: What it is, in the backend's words, any number of lines.
        cvss: Its CVSS ratings.
        layer: Digest of the layer that brought the package: ``sha256:...``; None where the backend does not say.
        published: When it became known, with a time zone; None where the backend does not say.
        modified: When the information about it last changed, with a time zone; None where the backend does not say.
        inferred: True if the backend did not say that this is a vulnerability, and the plugin concluded it.
        details: Whatever else the backend says that has no other member, by name.
    """

    id: str = field(validator=nonempty_string)
    aliases: tuple[str, ...] = field(default=(), converter=strings)
    severity: Severity = field(default=Severity.UNKNOWN, validator=_SEVERITY)
    severity_label: str = field(default="", validator=STRING)
    severity_source: str = field(default="", validator=STRING)
    vendor_ratings: tuple[VendorRating, ...] = field(default=(), converter=_vendor_ratings)
    package: Package = field(factory=Package, validator=_PACKAGE)
    source_package: Package | None = field(default=None, validator=optional(_PACKAGE))
    purl: str = field(default="", validator=STRING)
    path: str = field(default="", validator=STRING)
    fix_state: FixState = field(default=FixState.UNKNOWN, validator=_FIX_STATE)
    fixed_by: tuple[str, ...] = field(default=(), converter=strings)
    links: tuple[str, ...] = field(default=(), converter=strings)
    title: str = field(default="", validator=STRING)
    description: str = field(default="", validator=STRING)
    cvss: tuple[Cvss, ...] = field(default=(), converter=_cvss_ratings)
    layer: str | None = field(default=None, validator=optional(STRING))
    published: datetime | None = field(default=None, converter=moment)
    modified: datetime | None = field(default=None, converter=moment)
    inferred: bool = field(default=False, validator=BOOLEAN)
    details: Mapping[str, str] = field(factory=dict, converter=strings_by_name)
