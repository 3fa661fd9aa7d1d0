"""What vulnerabilities are called: which names are the same text, which is the best, which say nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable

from attrs import frozen

from ..models import Finding

SCHEMES = (
    "CVE",
    "GHSA",
    "PYSEC",
    "GO",
    "RUSTSEC",
    "RHSA",
    "RHBA",
    "RHEA",
    "SUSE",
    "OPENSUSE",
    "DSA",
    "DLA",
    "USN",
    "ELSA",
    "ALSA",
    "RLSA",
    "ALAS",
)
"""Prefixes of names, the best first: those that name one vulnerability, then advisories, which may be about several."""
_PLACEHOLDER = "TEMP"
"""Debian's names for what has no better one yet: the worst of all."""
_PREFIX = re.compile(rf"({'|'.join((*SCHEMES, _PLACEHOLDER))})[0-9]{{0,4}}[-:]", re.IGNORECASE | re.ASCII)
_RANKS = {scheme: rank for rank, scheme in enumerate(SCHEMES)} | {_PLACEHOLDER: len(SCHEMES) + 1}
_OTHER = len(SCHEMES)
_CVE = re.compile(r"CVE-", re.IGNORECASE | re.ASCII)
_GHSA = re.compile(r"GHSA-", re.IGNORECASE | re.ASCII)
_DIGIT = re.compile(r"[0-9]", re.ASCII)


@frozen
class Statement:
    """That a finding has these names; as they are compared, each once."""

    own: str
    aliases: tuple[str, ...] = ()


def read_statement(finding: Finding) -> Statement:
    """Return the names of a finding."""
    own = plain_name(finding.id) or finding.id
    if not finding.aliases:
        return Statement(own)
    aliases = dict.fromkeys(map(plain_name, finding.aliases))
    return Statement(own, tuple(name for name in aliases if name and name != own))


def plain_name(name: str) -> str:
    """Return a name as it is compared: CVE and GHSA ids mean the same in any case, others do not."""
    name = name.strip()
    if _CVE.match(name):
        return name.upper()
    return f"GHSA{name[4:].lower()}" if _GHSA.match(name) else name


def is_cve(name: str) -> bool:
    """Return whether a plain name is a CVE id."""
    return name.startswith("CVE-")


def is_ghsa(name: str) -> bool:
    """Return whether a plain name is an id of GitHub's."""
    return name.startswith("GHSA-")


def is_telling(name: str) -> bool:
    """Return whether a name can tell one thing from others: ``N/A`` and ``none`` stand for anything."""
    return is_ghsa(name) or _DIGIT.search(name) is not None


def best_name(names: Iterable[str]) -> str:
    """Return the best of some plain names: by `SCHEMES`, then any other, then ``TEMP``; of equals, the first."""
    return min(names, key=lambda name: (_rank(name), name))


def _rank(name: str) -> int:
    match = _PREFIX.match(name)
    return _RANKS[match[1].upper()] if match else _OTHER
