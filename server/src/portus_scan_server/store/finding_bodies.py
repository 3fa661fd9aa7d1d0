"""Findings as rows and back, exactly: what is said of the vulnerability, what of the package, and where in this image.

Each member of a finding is in exactly one of the three; the first two are shared by all images and known by the hash of
all that they say, so that no image is shown another one's words, severities or fixes. Bodies are JSON in ASCII: a
database never sees a NUL or a lone surrogate, and what goes in comes out.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from hashlib import blake2b
from operator import attrgetter
from typing import Any

from attrs import asdict, fields, frozen
from portus_scanners import Cvss, Finding, FixState, Package, Severity, VendorRating, Vulnerability
from portus_scanners.models import finding_maker

ADVISORY = ("id", "aliases", "vendor_ratings", "links", "title", "description", "cvss", "published", "modified")
"""What is said of a vulnerability, whatever package it is in."""
IN_PACKAGE = (
    *("severity", "severity_label", "severity_source", "package", "source_package", "purl"),
    *("fix_state", "fixed_by", "inferred", "details"),
)
"""What is said of it in one package."""
PLACE = ("layer", "path")
"""Where it is in one image."""
RANKS = {severity: rank for rank, severity in enumerate(Severity)}
"""The numbers of the severities in columns; that of the lowest is 0."""

_make = finding_maker(*ADVISORY, *IN_PACKAGE, *PLACE)
_ALL_BUT_PLACE = attrgetter(*ADVISORY, *IN_PACKAGE)
_DEFAULTS = {one.name: one.default for one in fields(Finding)}
"""Members that are equal to these are left out; those that have a factory are empty."""
_ABSENT = {name: getattr(one, "factory", lambda one=one: one) for name, one in _DEFAULTS.items()}
"""What makes a member that was left out."""


@frozen
class FindingRow:
    """One finding without its place, as it is stored.

    Attributes:
        fingerprint: The hash of all that it says.
        advisory: The hash of what it says of the vulnerability.
        finding: The finding that it was made of, or one that says the same in another place.
        body: What it says of the vulnerability in its package.
        advisory_body: What it says of the vulnerability.
    """

    fingerprint: str
    advisory: str
    finding: Finding
    body: str
    advisory_body: str


def make_row(finding: Finding) -> FindingRow:
    """Return what is stored of one finding."""
    advisory_body, body = _encode(finding, ADVISORY), _encode(finding, IN_PACKAGE)
    advisory = fingerprint_of(advisory_body)
    return FindingRow(fingerprint_of(advisory + body), advisory, finding, body, advisory_body)


def fingerprint_of(text: str) -> str:
    """Return the hash of an ASCII string, 32 hex digits."""
    return blake2b(text.encode("ascii"), digest_size=16).hexdigest()


class FindingReader:
    """Makes findings of rows; what is said of a vulnerability, which many of them share, is read once."""

    def __init__(self) -> None:
        self._advisories: dict[str, Sequence[Any]] = {}

    def read(self, advisory_body: str, body: str) -> Finding:
        """Return the finding of two bodies, in no layer and no file."""
        said = self._advisories.get(advisory_body)
        if said is None:
            said = self._advisories[advisory_body] = _decode(advisory_body, ADVISORY)
        return _make(*said, *_decode(body, IN_PACKAGE), None, "")


def put_at(finding: Finding, layer: str | None, path: str) -> Finding:
    """Return a finding in another place."""
    return _make(*_ALL_BUT_PLACE(finding), layer, path)


def _decode(body: str, members: Sequence[str]) -> list[Any]:
    said = json.loads(body)
    return [_READERS[name](said[name]) if name in said else _ABSENT[name]() for name in members]


def _encode(finding: Finding, members: Sequence[str]) -> str:
    said = {name: value for name in members if (value := getattr(finding, name)) and value != _DEFAULTS[name]}
    return json.dumps(said, default=_plain, separators=(",", ":"), sort_keys=True, allow_nan=False)


def _plain(value: Any) -> object:
    """Return what JSON has for a value that it does not know."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Package):
        return [value.name, value.version, value.namespace]
    return asdict(value)  # a rating: strings, numbers and enums


def _ratings(values: Iterable[Mapping[str, Any]]) -> tuple[VendorRating, ...]:
    return tuple(
        [VendorRating(source=one["source"], severity=Severity(one["severity"]), label=one["label"]) for one in values]
    )


def _cvss(values: Iterable[Mapping[str, Any]]) -> tuple[Cvss, ...]:
    return tuple([Cvss(**one) for one in values])


def _package(parts: Sequence[str]) -> Package:
    return Package(*parts)


def _same(value: Any) -> Any:
    return value


_READERS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys((*ADVISORY, *IN_PACKAGE), _same),
    **dict.fromkeys(("aliases", "links", "fixed_by"), tuple),
    **dict.fromkeys(("published", "modified"), datetime.fromisoformat),
    **dict.fromkeys(("package", "source_package"), _package),
    "vendor_ratings": _ratings,
    "cvss": _cvss,
    "severity": Severity,
    "fix_state": FixState,
}
"""What makes a member of its JSON value."""


def names_in(one: Finding | Vulnerability) -> set[str]:
    """Return the id and the aliases of a finding or a vulnerability as they are looked for."""
    return {lookup_name(name) for name in (one.id, *one.aliases)} - {""}


def lookup_name(name: str) -> str:
    """Return an id or alias as it is looked for: upper case, a column's string."""
    return column_string(name).upper()


_LONGEST_COLUMN = 200


def column_string(text: str) -> str:
    """Return a foreign string for a column that is looked in or sorted by: cut, without what databases reject."""
    cut = text[:_LONGEST_COLUMN].replace("\0", "")
    return cut.encode("utf-8", "replace").decode("utf-8")


def pack_places(findings: Sequence[Finding], order: Sequence[int]) -> bytes | None:
    """Return where the findings of a report are, and which each one is.

    Args:
        findings: In the order of the report.
        order: For each, its number in its set.

    Returns:
        Compressed JSON; None where each member of the set comes once, in the set's order, in no layer and no file.
    """
    if list(order) == list(range(len(order))) and not any(one.layer is not None or one.path for one in findings):
        return None
    layers: dict[str | None, int] = {}
    paths: dict[str, int] = {}
    rows = [
        (number, layers.setdefault(one.layer, len(layers)), paths.setdefault(one.path, len(paths)))
        for number, one in zip(order, findings, strict=True)
    ]
    value = [list(layers), list(paths), *(list(column) for column in zip(*rows, strict=True))]
    return zlib.compress(json.dumps(value, separators=(",", ":")).encode("ascii"), 6)


def unpack_places(packed: bytes) -> list[tuple[int, str | None, str]]:
    """Return for each finding of a report its number in the set, its layer and its path; see `pack_places`."""
    layers, paths, numbers, in_layers, in_paths = json.loads(zlib.decompress(packed))
    return [(n, layers[one], paths[two]) for n, one, two in zip(numbers, in_layers, in_paths, strict=True)]
