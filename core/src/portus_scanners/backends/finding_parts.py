"""The parts that scanners make findings of: times and links as backends write them, and each finding once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import urlsplit

from attrs import evolve

from ..models import Finding, Package


def read_time(text: str) -> datetime | None:
    """Return a time in ISO 8601 or RFC 3339 form, in UTC where it has no zone; None for any other string."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def web_links(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the strings that are ``http`` or ``https`` URLs, each once, in their order: for `Finding.links`."""
    return tuple(dict.fromkeys(text.strip() for text in texts if _is_web_link(text.strip())))


def unique_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return one finding for each id, package and package URL, where a backend reports one for each file or layer.

    The worst one is kept (of equals, the first), with the aliases, fixes and links of all.
    """
    groups: dict[tuple[str, Package, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.id, finding.package, finding.purl), []).append(finding)
    return tuple(group[0] if len(group) == 1 else _joined(group) for group in groups.values())


def _joined(group: list[Finding]) -> Finding:
    worst = max(group, key=lambda finding: finding.severity)  # the first of equals
    aliases = dict.fromkeys(alias for finding in group for alias in finding.aliases)
    fixes = dict.fromkeys(fix for finding in group for fix in finding.fixed_by)
    links = dict.fromkeys(link for finding in group for link in finding.links)
    return evolve(worst, aliases=tuple(aliases), fixed_by=tuple(fixes), links=tuple(links))


def _is_web_link(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:  # for instance a bracket that is not closed
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and text.isprintable() and " " not in text
