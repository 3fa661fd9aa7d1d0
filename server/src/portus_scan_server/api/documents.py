"""The rows of `views` as the API's JSON; `openapi.yaml` describes what stands here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import Enum
from operator import attrgetter
from typing import Any

from portus_scanners import Finding

from ..views import (
    FoundImage,
    FoundPackage,
    HistoryRow,
    ImageName,
    ImageVerdict,
    ImageView,
    Page,
    PlatformRow,
    RegistryRow,
    RepositoryImageRow,
    RepositoryRow,
    RequestRow,
    RunRow,
    ScannerRow,
    Security,
    SourceRow,
    TagName,
    TagRow,
    TagView,
    VulnerabilityView,
)

_MEMBERS: Mapping[type, str] = {
    FoundImage: "digest names packages security",
    FoundPackage: "scanner package version severity fixed_by",
    Finding: "id package=package.name version=package.version severity severity_label severity_source fix_state"
    " fixed_by",
    HistoryRow: "digest from_at to_at security",
    ImageName: "registry=host repository tag?",
    ImageVerdict: "digest verdict=answer reasons security",
    ImageView: "digest is_index media_type first_seen_at last_seen_at names security scanners platforms",
    Page: "items=rows next=next_cursor",
    PlatformRow: "digest platform runnable security",
    RegistryRow: "host last_event_at last_sync_at error? held confirmed",
    RepositoryImageRow: "digest is_index media_type tags pushed_at security",
    RepositoryRow: "registry=host name tags images vulnerable passed unknown highest pushed_at",
    RequestRow: "id digest is_index names scanners state reason priority asked_at asked_by due_at claimed_at ended_at"
    " attempt failures deaths alone step error sources",
    RunRow: "outcome error? first_at checked_at times plugin_version scanner_version database_updated findings=total",
    ScannerRow: "scanner enabled=is_enabled answer said last doubts",
    Security: "state words verdict current=is_current counts total fixable suppressed gate=gate_word doubts activity"
    " oldest_database checked_at",
    SourceRow: "registry=host repository tag? error?",
    TagName: "name pushed_at pushed_by",
    TagRow: "name digest pushed_at pushed_by security",
    TagView: "registry=host repository name pushed_at pushed_by gone_at image history",
    VulnerabilityView: "id=name aliases severity title description links published modified images findings",
}
"""What is shown of a row: ``name``, ``name=attribute`` where they differ, ``name?`` where null stands for empty."""


def document(value: Any) -> Any:
    """Return a row, or what is in one, as JSON has it: of a row what `_MEMBERS` names, in that order."""
    if (readers := _READERS.get(type(value))) is not None:
        return {name: document(read(value)) for name, read in readers}
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03}Z"
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {document(key): document(one) for key, one in value.items()}
    return list(map(document, value)) if isinstance(value, list | tuple) else value


def _reader(member: str) -> tuple[str, Callable[[Any], Any]]:
    name, _, attribute = member.rstrip("?").partition("=")
    read = attrgetter(attribute or name)
    return name, (lambda row: read(row) or None) if member.endswith("?") else read


_READERS = {kind: list(map(_reader, members.split())) for kind, members in _MEMBERS.items()}
