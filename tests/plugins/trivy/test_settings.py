"""What the scanner can be told, and what it refuses."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from portus_scanner_trivy.database import check_age
from portus_scanner_trivy.settings import ALLOWED_ARGUMENTS, TrivySettings, count_cores
from portus_scanner_trivy.wire import Database, Versions
from portus_scanners import ScannerError, Settings


@pytest.mark.parametrize("argument", sorted(ALLOWED_ARGUMENTS))
def test_listed_arguments_are_passed(argument: str) -> None:
    """With or without a value."""
    assert (argument, f"{argument}=x") == TrivySettings(arguments=(argument, f"{argument}=x")).arguments


@pytest.mark.parametrize(
    "argument",
    [
        "--severity=HIGH",
        "--ignore-unfixed",
        "--password=hunter2",
        "--exit-code=1",
        "--config=x",
        "image.tar",
        "--format=table",
    ],
)
def test_other_arguments_are_refused(argument: str) -> None:
    """What hides findings, holds a secret or is set by the plugin; the argument itself is not shown."""
    with pytest.raises(ValueError, match="one that is not allowed") as caught:
        TrivySettings(arguments=(argument,))
    assert argument not in str(caught.value)


@pytest.mark.parametrize(
    "server", ["trivy.example:4954", "http://user:pw@a.example", "ftp://a", "http://a:x", "http://a/?b"]
)
def test_a_server_is_a_plain_url(server: str) -> None:
    """Nothing else, and no credentials in it."""
    with pytest.raises(ValueError, match="server must be a"):
        TrivySettings(server=server)


@pytest.mark.parametrize(
    ("values", "updates"),
    [
        ({}, True),
        ({"skip_update": True}, False),
        ({"offline": True}, False),
        ({"server": "http://a.example:4954/"}, False),
    ],
)
def test_who_keeps_the_database_up_to_date(values: dict[str, object], updates: bool) -> None:
    """This side, unless it shall not or a server has it."""
    assert updates == TrivySettings(**values).updates  # type: ignore[arg-type]


def test_defaults() -> None:
    """As many processes as cores; the cache is Trivy's own."""
    settings = TrivySettings()
    assert (count_cores(), "trivy") == (settings.concurrency, settings.program)
    assert Path("~/.cache/trivy").expanduser() == settings.cache_folder


@pytest.mark.parametrize("section", [{"enabled": True}, {"server": "http://trivy.example:4954"}])
def test_it_is_enabled_by_either(section: dict[str, object]) -> None:
    """By a server, or by ``enabled: true``."""
    settings = Settings.from_mapping({"security": {"trivy": section}})
    assert ["trivy"] == [one.plugin for one in settings.enabled]


def test_no_password_is_an_argument() -> None:
    """A URL with a name or a password among the arguments is refused, and not shown."""
    with pytest.raises(ValueError, match="every user of the machine can read arguments") as raised:
        TrivySettings(arguments=("--cache-backend=redis://user:canary@host:6379",))
    assert "canary" not in str(raised.value)


SERVED = {"server": "http://trivy.example:4954"}
ANY = {"max_database_age": 0}


@pytest.mark.parametrize(
    ("database", "values", "said"),
    [
        (Database(Version=2, UpdatedAt="2026-01-31T00:00:00Z"), {}, ""),
        (Database(UpdatedAt="2026-01-31T00:00:00Z"), {}, ""),
        (Database(Version=2, UpdatedAt="2025-12-31T00:00:00Z"), {}, "of 2025-12-31, older than max_database_age"),
        (Database(Version=2, UpdatedAt="2025-12-31T00:00:00Z"), SERVED, "the server gets a newer one"),
        (Database(Version=2, UpdatedAt="2025-12-31T00:00:00Z"), ANY, ""),
        (Database(Version=1, UpdatedAt="2026-01-31T00:00:00Z"), {}, "of schema 1"),
        (Database(Version=1, UpdatedAt="2026-01-31T00:00:00Z"), ANY, ""),
        (Database(Version=2), {}, "nothing says how old"),
        (Database(Version=2, UpdatedAt="yesterday"), {}, "nothing says how old"),
        (Database(Version=2, UpdatedAt="0001-01-01T00:00:00Z"), {}, "nothing says how old"),
        (None, {}, "nothing says how old"),
        (None, SERVED, "nothing says how old"),
        (None, ANY, ""),
    ],
)
def test_a_database_may_be_so_old(database: Database | None, values: dict[str, Any], said: str) -> None:
    """An age that can't be told counts as one that is not allowed, unless any is."""
    versions = Versions(Version="0.76.0", VulnerabilityDB=database)
    now = datetime(2026, 2, 1, tzinfo=UTC)
    with pytest.raises(ScannerError, match=said) if said else nullcontext():
        check_age(versions, TrivySettings(**values), now)


BACKENDS = [
    ({}, True, False, "--cache-backend=memory"),
    ({"arguments": ("--cache-backend=fs",)}, True, False, "--cache-backend=memory"),
    ({"arguments": ("--cache-backend=redis://a:6379",)}, True, True, "--cache-backend=memory"),
    ({"arguments": ("--cache-backend=memory",)}, False, False, "--cache-backend=memory"),
    ({"server": "http://a:4954", "arguments": ("--cache-backend=memory",)}, True, True, "--skip-files="),
]


@pytest.mark.parametrize(("values", "keeps", "shares", "nothing"), BACKENDS)
def test_where_trivy_keeps_layers(values: dict[str, Any], keeps: bool, shares: bool, nothing: str) -> None:
    """In its folder, in Redis or on its server, unless it shall keep nothing; and how it keeps nothing of one scan."""
    settings = TrivySettings(**values)
    assert (keeps, shares) == (settings.keeps_layers, settings.shares_cache)
    (option,) = settings.keep_nothing
    assert option.startswith(nothing)
