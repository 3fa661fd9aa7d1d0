"""The documents of Portus' API (version 1): repositories, tags, vulnerabilities. Pure.

Portus' clients show a tag with ``scanned: 2`` and an empty list as passed. So this is what a tag has that has passed,
and no other one: where nothing was found and a scanner has failed, ``vulnerabilities`` is null, as for a tag that was
never scanned. What Portus does not have stands under keys of its own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from portus_scanners import Verdict

from ..answers import AnswerDoubt
from ..views import Activity, ImageView, ScannerRow, Security, SecurityState, VulnerabilityPage, VulnerabilityRow

Document = dict[str, Any]

_NONE, _WORKING, _DONE = 0, 1, 2


def repository(row: Any) -> Document:
    """Return a repository.

    Args:
        row: Its id, name and registry (host), how many tags it has, and when they were pushed first and last.
    """
    namespace, _, name = row.name.rpartition("/")
    return {
        "id": row.id,
        "name": name,
        "full_name": row.name,
        "description": "",
        "namespace": {"id": _number(f"{row.host}/{namespace}"), "name": namespace},
        "stars": 0,
        "tags_count": row.tags,
        "created_at": _moment(row.first_at),
        "updated_at": _moment(row.last_at),
        "registry_hostname": row.host,
    }


def tag(row: Any, image: ImageView, found: VulnerabilityPage | None) -> Document:
    """Return a tag.

    Args:
        row: Its id, name, digest, and the image's body; who pushed it and when.
        image: What is known of what it names.
        found: Its vulnerabilities; None where none was counted.
    """
    body = json.loads(row.body) if row.body else {}
    sizes = [layer.get("size") for layer in body.get("layers") or ()]
    pushed = _moment(row.pushed_at)
    rows = found.rows if found is not None else ()
    scanned, vulnerabilities = _state(image.security, rows, pushed)
    return {
        "id": row.id,
        "name": row.name,
        "author": {"id": _number(row.pushed_by) if row.pushed_by else 0, "name": row.pushed_by},
        "digest": row.digest,
        "image_id": (body.get("config_digest") or "").partition(":")[2],
        "created_at": pushed,
        "updated_at": pushed,
        "size": sum(sizes) if sizes and None not in sizes else None,
        "scanned": scanned,
        "vulnerabilities": vulnerabilities,
        "outcome": _outcome(image.security).value,
        "incomplete": not _is_complete(image.security) or (found is not None and found.matching > len(rows)),
        "vulnerabilities_total": found.matching if found is not None else 0,
        "security": image.security.words,
        "scanners": {one.scanner: _scanner(one) for one in image.scanners if one.is_enabled},
    }


def _state(security: Security, rows: Sequence[VulnerabilityRow], seen: str | None) -> tuple[int, list[Document] | None]:
    """Return ``scanned`` and ``vulnerabilities``; an empty list for what has passed alone."""
    running = security.activity is Activity.RUNNING
    is_asked = any(AnswerDoubt.NOT_SCANNED in why for why in security.doubts.values())
    if rows and not (security.activity is not None and is_asked):
        return _DONE, [_vulnerability(row, seen) for row in rows]
    if security.state is SecurityState.PASSED and not rows:
        return _DONE, []
    return _WORKING if running else _NONE, None


def _outcome(security: Security) -> Verdict:
    """Return the verdict; clean only where it is shown as passed as well."""
    is_clean = security.verdict is Verdict.CLEAN
    return Verdict.UNKNOWN if is_clean and security.state is not SecurityState.PASSED else security.verdict


def _is_complete(security: Security) -> bool:
    doubts = {doubt for why in security.doubts.values() for doubt in why} - {AnswerDoubt.LAST_FAILED}
    return security.is_current and not doubts and _outcome(security) is not Verdict.UNKNOWN


def _vulnerability(row: VulnerabilityRow, seen: str | None) -> Document:
    one = row.vulnerability
    return {
        "id": _number(one.id),
        "name": one.id,
        "scanner": one.scanners[0] if one.scanners else "",
        "severity": one.severity.value.capitalize(),
        "link": next(iter(one.links), ""),
        "fixed_by": ", ".join(one.fixed_by),
        "metadata": None,
        "description": one.description or one.title or None,
        "created_at": seen,
        "updated_at": seen,
        "package": one.package.name,
        "version": one.package.version,
        "scanners": list(one.scanners),
        "ratings": [{"scanner": rating.scanner, "severity": rating.severity.value} for rating in one.ratings],
        "suppressed": one.suppressed is not None,
    }


def _scanner(one: ScannerRow) -> Document:
    last = one.last
    return {
        "outcome": last.outcome.value if last is not None else "pending",
        "error": (last.error or None) if last is not None else None,
        "db_version": _moment(last.database_updated) if last is not None else None,
        "scanned_at": _moment(last.checked_at) if last is not None else None,
    }


def _moment(value: datetime | None) -> str | None:
    """Return a time as Rails writes it."""
    return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _number(text: str) -> int:
    """Return a number that stands for a string for ever, and that a double holds: Portus' ids are numbers."""
    return int.from_bytes(blake2b(text.encode("utf-8", "backslashreplace"), digest_size=6).digest())
