"""The rows of `views` as the API's JSON; `openapi.yaml` describes what stands here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from portus_scanners import Finding

from ..views import (
    FoundImage,
    HistoryRow,
    ImageName,
    ImageVerdict,
    ImageView,
    RegistryRow,
    RepositoryImageRow,
    RepositoryRow,
    RequestRow,
    RunRow,
    ScannerRow,
    Security,
    TagRow,
    TagView,
    VulnerabilityView,
)

Document = dict[str, Any]


def moment(value: datetime | None) -> str | None:
    """Return a time as ``2026-11-30T10:00:00.000Z``."""
    return None if value is None else f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03}Z"


def security(one: Security) -> Document:
    """Return what is known of an image."""
    return {
        "state": one.state.value,
        "words": one.words,
        "verdict": one.verdict.value,
        "current": one.is_current,
        "counts": {severity.value: number for severity, number in one.counts.items()},
        "total": one.total,
        "fixable": one.fixable,
        "suppressed": one.suppressed,
        "gate": None if one.gate is None else "pass" if one.gate else "fail",
        "doubts": {scanner: [doubt.value for doubt in why] for scanner, why in one.doubts.items()},
        "activity": one.activity.value if one.activity else None,
        "oldest_database": moment(one.oldest_database),
        "checked_at": moment(one.checked_at),
    }


def registry(one: RegistryRow) -> Document:
    """Return a registry."""
    return {
        "host": one.host,
        "last_event_at": moment(one.last_event_at),
        "last_sync_at": moment(one.last_sync_at),
        "error": one.error or None,
        "held": one.held,
        "confirmed": one.confirmed,
    }


def repository(one: RepositoryRow) -> Document:
    """Return a repository."""
    return {
        "registry": one.host,
        "name": one.name,
        "tags": one.tags,
        "images": one.images,
        "vulnerable": one.vulnerable,
        "passed": one.passed,
        "unknown": one.unknown,
        "highest": one.highest.value if one.highest else None,
        "pushed_at": moment(one.pushed_at),
    }


def repository_image(one: RepositoryImageRow) -> Document:
    """Return a digest of a repository."""
    return {
        "digest": one.digest,
        "is_index": one.is_index,
        "media_type": one.media_type,
        "tags": [
            {"name": tag.name, "pushed_at": moment(tag.pushed_at), "pushed_by": tag.pushed_by} for tag in one.tags
        ],
        "pushed_at": moment(one.pushed_at),
        "security": security(one.security),
    }


def tag_row(one: TagRow) -> Document:
    """Return a tag in a list."""
    return {
        "name": one.name,
        "digest": one.digest,
        "pushed_at": moment(one.pushed_at),
        "pushed_by": one.pushed_by,
        "security": security(one.security),
    }


def tag(one: TagView) -> Document:
    """Return a tag, what it names, and what it named."""
    return {
        "registry": one.host,
        "repository": one.repository,
        "name": one.name,
        "pushed_at": moment(one.pushed_at),
        "pushed_by": one.pushed_by,
        "gone_at": moment(one.gone_at),
        "image": image(one.image),
        "history": [_history(row) for row in one.history],
    }


def _history(one: HistoryRow) -> Document:
    return {
        "digest": one.digest,
        "from_at": moment(one.from_at),
        "to_at": moment(one.to_at),
        "security": security(one.security),
    }


def image(one: ImageView) -> Document:
    """Return an image or an index."""
    return {
        "digest": one.digest,
        "is_index": one.is_index,
        "media_type": one.media_type,
        "first_seen_at": moment(one.first_seen_at),
        "last_seen_at": moment(one.last_seen_at),
        "names": [name(each) for each in one.names],
        "security": security(one.security),
        "scanners": [_scanner(each) for each in one.scanners],
        "platforms": [
            {
                "digest": each.digest,
                "platform": each.platform,
                "runnable": each.runnable,
                "security": security(each.security),
            }
            for each in one.platforms
        ],
    }


def name(one: ImageName) -> Document:
    """Return a name of an image."""
    return {"registry": one.host, "repository": one.repository, "tag": one.tag or None}


def _scanner(one: ScannerRow) -> Document:
    return {
        "scanner": one.scanner,
        "enabled": one.is_enabled,
        "answer": _run(one.answer),
        "said": _run(one.said),
        "last": _run(one.last),
        "doubts": [doubt.value for doubt in one.doubts],
    }


def _run(one: RunRow | None) -> Document | None:
    if one is None:
        return None
    return {
        "outcome": one.outcome.value,
        "error": one.error or None,
        "first_at": moment(one.first_at),
        "checked_at": moment(one.checked_at),
        "times": one.times,
        "plugin_version": one.plugin_version,
        "scanner_version": one.scanner_version,
        "database_updated": moment(one.database_updated),
        "findings": one.total,
    }


def verdict(one: ImageVerdict) -> Document:
    """Return whether an image may be used."""
    return {
        "digest": one.digest,
        "verdict": one.answer.value,
        "reasons": list(one.reasons),
        "security": security(one.security),
    }


def found_image(one: FoundImage) -> Document:
    """Return an image that has a vulnerability."""
    return {
        "digest": one.digest,
        "names": [name(each) for each in one.names],
        "packages": [
            {
                "scanner": each.scanner,
                "package": each.package,
                "version": each.version,
                "severity": each.severity.value,
                "fixed_by": list(each.fixed_by),
            }
            for each in one.packages
        ],
        "security": security(one.security),
    }


def vulnerability(one: VulnerabilityView) -> Document:
    """Return what is said of a vulnerability."""
    return {
        "id": one.name,
        "aliases": list(one.aliases),
        "severity": one.severity.value,
        "title": one.title,
        "description": one.description,
        "links": list(one.links),
        "published": moment(one.published),
        "modified": moment(one.modified),
        "images": one.images,
        "findings": [_finding(each) for each in one.findings],
    }


def _finding(one: Finding) -> Document:
    return {
        "id": one.id,
        "package": one.package.name,
        "version": one.package.version,
        "severity": one.severity.value,
        "severity_label": one.severity_label,
        "severity_source": one.severity_source,
        "fix_state": one.fix_state.value,
        "fixed_by": list(one.fixed_by),
    }


def request(one: RequestRow) -> Document:
    """Return a request."""
    return {
        "id": one.id,
        "digest": one.digest,
        "is_index": one.is_index,
        "names": [name(each) for each in one.names],
        "scanners": list(one.scanners),
        "state": one.state.value,
        "reason": one.reason.value,
        "priority": one.priority,
        "asked_at": moment(one.asked_at),
        "asked_by": one.asked_by,
        "due_at": moment(one.due_at),
        "claimed_at": moment(one.claimed_at),
        "ended_at": moment(one.ended_at),
        "attempt": one.attempt,
        "failures": one.failures,
        "deaths": one.deaths,
        "alone": one.alone,
        "step": one.step,
        "error": one.error,
        "sources": [
            {"registry": each.host, "repository": each.repository, "tag": each.tag or None, "error": each.error or None}
            for each in one.sources
        ],
    }
