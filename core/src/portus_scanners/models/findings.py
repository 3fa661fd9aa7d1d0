"""Findings: what a scanner says of one package."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from attrs import field, frozen
from attrs.validators import and_, ge, instance_of, le, optional
from portus_images import BOOLEAN, STRING, all_of, moment, nonempty_string, strings, strings_by_name

from .words import HIGHEST_SCORE, FixState, Severity

__all__ = [
    "Cvss",
    "Finding",
    "Package",
    "VendorRating",
]


@frozen(weakref_slot=False)
class Package:
    """What a vulnerability is in. Empty where the backend does not say.

    Attributes:
        namespace: The distribution or ecosystem in the backend's own words: ``debian:12``.
    """

    name: str = field(default="", validator=STRING)
    version: str = field(default="", validator=STRING)
    namespace: str = field(default="", validator=STRING)


@frozen(kw_only=True)
class Cvss:
    """One CVSS rating.

    Attributes:
        version: ``2.0``, ``3.1``; empty where the backend does not say.
        score: 0.0 to 10.0.
        source: Who rated: ``NVD``.
    """

    version: str = field(validator=STRING)
    vector: str = field(default="", validator=STRING)
    score: float | None = field(default=None, validator=optional(and_(ge(0.0), le(10.0))))
    source: str = field(default="", validator=STRING)

    @classmethod
    def from_vector(cls, vector: str, *, version: str = "", score: float | None = None, source: str = "") -> Cvss:
        """Return a rating of the version that its vector begins with: ``CVSS:3.1/AV:N/...``.

        Args:
            vector: The vector; may be empty.
            version: Of a vector that does not say: those of version 2 don't.
            score: Any number but 0.0 to 10.0 counts as none.
            source: Who rated.
        """
        match = _VECTOR.match(vector)
        known = score is not None and 0.0 <= score <= HIGHEST_SCORE
        return cls(version=match[1] if match else version, vector=vector, score=score if known else None, source=source)


_VECTOR = re.compile(r"CVSS:(\d{1,2}\.\d{1,2})/", re.ASCII)


def _cvss_ratings(values: Iterable[Cvss]) -> tuple[Cvss, ...]:
    return all_of(Cvss, values)


@frozen(kw_only=True)
class VendorRating:
    """How bad somebody says that a vulnerability is: the distribution, NVD.

    Attributes:
        source: Who: ``debian``, ``nvd``.
        label: The word or number that the backend used.
    """

    source: str = field(validator=nonempty_string)
    severity: Severity = field(default=Severity.UNKNOWN, validator=instance_of(Severity))
    label: str = field(default="", validator=STRING)


def _vendor_ratings(values: Iterable[VendorRating]) -> tuple[VendorRating, ...]:
    return all_of(VendorRating, values)


@frozen(kw_only=True, weakref_slot=False)  # the layout that `finding_maker` relies on
class Finding:
    """One vulnerability in one package of one image, as one scanner reports it.

    Attributes:
        id: The backend's name of it: ``CVE-2016-6304``, ``RHSA-2019:1481``.
        aliases: Other names of it, where the backend gives them; for an advisory of several vulnerabilities, all of
            these.
        severity_label: The word that the backend used.
        severity_source: Whose severity the backend took: ``debian``; empty where it does not say.
        vendor_ratings: The severities of all whom the backend knows of.
        source_package: What `package` was built from, where the backend says both: ``glibc`` of ``libc6``.
        purl: The package as a package URL: ``pkg:deb/debian/bash@5.2-1?arch=amd64``.
        path: The file in the image that the package is known from: ``app/package-lock.json``.
        fixed_by: Versions (or patches) that mend it; empty when none is known.
        layer: Digest of the layer that brought the package, where the backend says.
        published: When the vulnerability became known.
        modified: When what is known of it changed last.
        inferred: The backend did not say that this is a vulnerability; the plugin concluded it.
        details: What else the backend said and no other member has a place for.
    """

    id: str = field(validator=nonempty_string)
    aliases: tuple[str, ...] = field(default=(), converter=strings)
    severity: Severity = field(default=Severity.UNKNOWN, validator=instance_of(Severity))
    severity_label: str = field(default="", validator=STRING)
    severity_source: str = field(default="", validator=STRING)
    vendor_ratings: tuple[VendorRating, ...] = field(default=(), converter=_vendor_ratings)
    package: Package = field(factory=Package, validator=instance_of(Package))
    source_package: Package | None = field(default=None, validator=optional(instance_of(Package)))
    purl: str = field(default="", validator=STRING)
    path: str = field(default="", validator=STRING)
    fix_state: FixState = field(default=FixState.UNKNOWN, validator=instance_of(FixState))
    fixed_by: tuple[str, ...] = field(default=(), converter=strings)
    links: tuple[str, ...] = field(default=(), converter=strings)
    title: str = field(default="", validator=STRING)
    description: str = field(default="", validator=STRING)
    cvss: tuple[Cvss, ...] = field(default=(), converter=_cvss_ratings)
    layer: str | None = field(default=None, validator=optional(STRING))
    published: datetime | None = field(default=None, validator=moment)
    modified: datetime | None = field(default=None, validator=moment)
    inferred: bool = field(default=False, validator=BOOLEAN)
    details: Mapping[str, str] = field(factory=dict, validator=strings_by_name)
