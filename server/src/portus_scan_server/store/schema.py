"""The tables. What each row is: ``docs/explanation/service.md``. The migrations make them; a test compares the two.

Bodies are JSON in ASCII, written and read by one module each. A column beside a body is what queries ask for.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from .types import Moment, database_now

SCHEMA = "0008"
"""The version of the schema that this program works with: that of the newest migration."""
ONLY = "only"
"""The key of a table's or column's ``info`` that names the one database that has it."""
SEVERITIES = ("unknown", "negligible", "low", "medium", "high", "critical", "defcon1")
"""The columns of `summaries` with a count each, lowest severity first."""
OPEN = "state in ('queued', 'running')"
OPEN_STATES = ("queued", "running")

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True)


def _reference(name: str, target: str, *, nullable: bool = False, cascade: bool = False) -> Column[int]:
    key = ForeignKey(f"{target}.id", ondelete="CASCADE" if cascade else None)
    return Column(name, Integer, key, nullable=nullable)


def _member(name: str, target: str) -> Column[int]:
    """Return a part of a primary key whose row goes with the row that it names."""
    return Column(name, Integer, ForeignKey(f"{target}.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)


def _string(name: str, *, unique: bool = False, default: str | None = None) -> Column[str]:
    return Column(name, Text, nullable=False, unique=unique, server_default=default)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default="0")


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default=false())


def _index_where(condition: str, name: str, *columns: Any, unique: bool = False) -> Index:
    """Return an index of the rows alone for which a condition holds."""
    where = text(condition)
    return Index(name, *columns, unique=unique, postgresql_where=where, sqlite_where=where)


registries = Table(
    "registries",
    metadata,
    _id(),
    _string("host", unique=True),
    Column("last_event_at", Moment),
    Column("last_sync_at", Moment),  # of a sync whose lists were whole
    _string("sync_error", default=""),
    Column("missed_at", Moment),  # when tags that were not found were counted last
    _count("held"),
    _count("confirmed"),
)
repositories = Table(
    "repositories",
    metadata,
    _id(),
    _reference("registry_id", "registries"),
    _string("name"),
    UniqueConstraint("registry_id", "name"),
)
images = Table(
    "images",
    metadata,
    _id(),
    _string("digest", unique=True),
    _string("media_type", default=""),
    _flag("is_index"),
    Column("body", Text),  # NULL: the resolver was not asked yet
    Column("first_seen_at", Moment, nullable=False, server_default=database_now()),
    Column("last_seen_at", Moment, nullable=False, server_default=database_now()),
    Column("admission_at", Moment),  # when a cluster last wanted to run it, to the day
)
index_images = Table(
    "index_images",
    metadata,
    _member("index_id", "images"),
    Column("position", Integer, primary_key=True, autoincrement=False),
    _reference("image_id", "images", cascade=True),
    _string("platform", default=""),
    _flag("runnable"),
    Index(None, "image_id"),
)
image_repositories = Table(
    "image_repositories",
    metadata,
    _member("image_id", "images"),
    _member("repository_id", "repositories"),
    Column("seen_at", Moment, nullable=False, server_default=database_now()),
    Index(None, "repository_id"),
)
tags = Table(
    "tags",
    metadata,
    _id(),
    _reference("repository_id", "repositories"),
    _string("name"),
    _reference("image_id", "images"),
    Column("pushed_at", Moment, nullable=False, server_default=database_now()),
    _string("pushed_by", default=""),
    Column("missed", SmallInteger, nullable=False, server_default="0"),
    Column("gone_at", Moment),
    UniqueConstraint("repository_id", "name"),
    Index(None, "image_id"),
)
tag_history = Table(
    "tag_history",
    metadata,
    _id(),
    _reference("tag_id", "tags", cascade=True),
    _reference("image_id", "images"),
    Column("from_at", Moment, nullable=False),
    Column("to_at", Moment, nullable=False, server_default=database_now()),
    Index(None, "tag_id"),
    Index(None, "image_id"),
)
events = Table(
    "events",
    metadata,
    _id(),
    _reference("registry_id", "registries", cascade=True),
    _string("event_id"),
    _string("action"),
    _string("repository"),
    *(_string(name, default="") for name in ("tag", "digest", "actor")),
    Column("received_at", Moment, nullable=False, server_default=database_now()),
    Column("due_at", Moment, nullable=False, server_default=database_now()),
    _count("tries"),
    _string("error", default=""),
    Column("done_at", Moment),
    UniqueConstraint("registry_id", "event_id"),
    _index_where("done_at is null", "ix_events_waiting", "registry_id", "id"),
    Index(None, "done_at"),
)
schedules = Table(
    "schedules",
    metadata,
    Column("name", Text, primary_key=True),
    Column("last_at", Moment, nullable=False, server_default=database_now()),
)
advisories = Table(
    "advisories",
    metadata,
    _id(),
    _string("fingerprint", unique=True),
    _string("body"),
)
advisory_names = Table(
    "advisory_names",
    metadata,
    Column("name", Text, primary_key=True),
    _member("advisory_id", "advisories"),
    Index(None, "advisory_id"),
    sqlite_with_rowid=False,
)
findings = Table(
    "findings",
    metadata,
    _id(),
    _string("fingerprint", unique=True),
    _reference("advisory_id", "advisories"),
    Column("severity", SmallInteger, nullable=False),
    *map(_string, ("package", "version", "body")),
    Index(None, "advisory_id"),
)
finding_sets = Table(
    "finding_sets",
    metadata,
    _id(),
    _string("fingerprint", unique=True),
    Column("total", Integer, nullable=False),
    Column("finding_ids", ARRAY(Integer), nullable=False, info={ONLY: "postgresql"}),
)
set_findings = Table(
    "set_findings",
    metadata,
    _member("set_id", "finding_sets"),
    Column("finding_id", Integer, ForeignKey("findings.id"), primary_key=True, autoincrement=False),
    Index(None, "finding_id", "set_id"),
    sqlite_with_rowid=False,
    info={ONLY: "sqlite"},
)
runs = Table(
    "runs",
    metadata,
    _id(),
    _reference("image_id", "images", cascade=True),
    _string("scanner"),
    _string("outcome"),
    _reference("set_id", "finding_sets", nullable=True),
    _string("body"),
    Column("places", LargeBinary),
    *(_string(name, default="") for name in ("plugin_version", "scanner_version", "settings")),
    Column("database_identity", Text),
    Column("database_updated", Moment),
    Column("times", Integer, nullable=False, server_default="1"),
    Column("first_at", Moment, nullable=False, server_default=database_now()),
    Column("checked_at", Moment, nullable=False, server_default=database_now()),
    Index(None, "image_id", "scanner"),
    Index(None, "set_id"),
)
latest = Table(
    "latest",
    metadata,
    _member("image_id", "images"),
    Column("scanner", Text, primary_key=True),
    _reference("answer_id", "runs", nullable=True),
    _reference("said_id", "runs", nullable=True),
    _reference("try_id", "runs"),
    Index(None, "answer_id"),
    Index(None, "said_id"),
    Index(None, "try_id"),
)
scanners = Table(
    "scanners",
    metadata,
    Column("name", Text, primary_key=True),
    _string("plugin"),
    *(_string(name, default="") for name in ("plugin_version", "scanner_version", "settings")),
    Column("database_identity", Text),
    Column("database_updated", Moment),
    Column("healthy", Boolean),
    _string("message", default=""),
    Column("asked_at", Moment, nullable=False, server_default=database_now()),
)
summaries = Table(
    "summaries",
    metadata,
    _member("image_id", "images"),
    _string("configuration"),
    _string("verdict"),
    *map(_count, (*SEVERITIES, "total", "fixable", "suppressed")),
    _string("gate", default=""),
    _string("violations", default="[]"),
    _string("doubts", default="{}"),
    Column("oldest_database", Moment),
    Column("checked_at", Moment),
    Column("made_at", Moment, nullable=False, server_default=database_now()),
    Column("holds_until", Moment),
    Index(None, "configuration"),
)
requests = Table(
    "requests",
    metadata,
    _id(),
    _reference("image_id", "images", cascade=True),
    _string("scanner_set", default=""),
    _string("reason"),
    Column("priority", SmallInteger, nullable=False),
    _string("state", default="queued"),
    Column("due_at", Moment, nullable=False, server_default=database_now()),
    *map(_count, ("attempt", "failures", "deaths")),
    _flag("alone"),
    Column("owner", Text),
    _string("asked_by", default=""),
    _string("step", default=""),
    _string("error", default=""),
    Column("asked_at", Moment, nullable=False, server_default=database_now()),
    Column("claimed_at", Moment),
    Column("ended_at", Moment),
    _index_where(OPEN, "uq_requests_open", "image_id", "scanner_set", unique=True),
    _index_where("state = 'queued'", "ix_requests_queued", text("priority desc"), "id", "due_at"),
    Index("ix_requests_state_ended_at", "state", "ended_at"),
    Index(None, "image_id", "id"),
)
request_sources = Table(
    "request_sources",
    metadata,
    _member("request_id", "requests"),
    _member("repository_id", "repositories"),
    _string("tag", default=""),
    _string("error", default=""),
)
workers = Table(
    "workers",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("lock_key", Integer, nullable=False, unique=True),
    Column("began_at", Moment, nullable=False, server_default=database_now()),
    info={ONLY: "postgresql"},
)
programs = Table("programs", metadata, Column("schema", Text, primary_key=True))
sessions = Table(
    "sessions",
    metadata,
    _id(),
    _string("hash", unique=True),
    _string("name"),
    _string("groups", default="[]"),
    Column("created_at", Moment, nullable=False, server_default=database_now()),
    Column("expires_at", Moment, nullable=False),
)
news = Table(
    "news",
    metadata,
    _id(),
    _string("uid", unique=True),
    _string("kind"),
    _string("about"),
    _reference("repository_id", "repositories", nullable=True, cascade=True),
    _string("message"),
    Column("made_at", Moment, nullable=False, server_default=database_now()),
    Column("over_at", Moment),  # of what happens at one moment: that moment
    _index_where("over_at is null", "uq_news_open", "kind", "about", unique=True),
    Index(None, "over_at"),
    Index(None, "repository_id"),
)
news_names = Table(
    "news_names",
    metadata,
    _member("repository_id", "repositories"),
    Column("name", Text, primary_key=True),
    _reference("news_id", "news", cascade=True),
    Index(None, "news_id"),
)
deliveries = Table(
    "deliveries",
    metadata,
    _id(),
    *map(_string, ("message", "channel", "kind", "body")),
    _string("state", default="queued"),
    _count("tries"),
    Column("due_at", Moment, nullable=False, server_default=database_now()),
    _string("error", default=""),
    Column("made_at", Moment, nullable=False, server_default=database_now()),
    Column("ended_at", Moment),
    UniqueConstraint("message", "channel"),
    _index_where("state = 'queued'", "ix_deliveries_queued", "due_at"),
    Index(None, "state", "ended_at"),
)
tokens = Table(
    "tokens",
    metadata,
    _id(),
    _string("name", unique=True),
    *map(_string, ("hash", "scopes")),
    _string("repositories", default="[]"),
    Column("created_at", Moment, nullable=False, server_default=database_now()),
    Column("expires_at", Moment),
)
harbor_scans = Table(
    "harbor_scans",
    metadata,
    Column("uid", Text, primary_key=True),
    *map(_string, ("registration", "url", "repository", "digest", "tag", "artifact")),
    Column("sealed", LargeBinary),  # NULL: the credentials are erased
    _string("state", default="new"),
    Column("request_id", Integer),
    _string("error", default=""),
    Column("report", LargeBinary),
    Column("asked_at", Moment, nullable=False, server_default=database_now()),
    Column("over_at", Moment, nullable=False),
    Column("ended_at", Moment),
    _index_where("ended_at is null", "ix_harbor_scans_open", "digest"),
    Index(None, "ended_at"),
)
