"""Lists say where to look; what they leave out is not gone."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from portus_scan_server.intake import (
    ImagePlace,
    SyncResult,
    confirm_removals,
    follow_schedules,
    next_time,
    sync_registry,
)
from portus_scan_server.intake.sync import KnownTag, _look
from portus_scan_server.settings import RescanTimes, ScheduleSettings
from portus_scan_server.store import database_now, tables
from portus_scanners_testing.images import debian_image
from portus_scanners_testing.servers import Status
from sqlalchemy import select, update

from .conftest import Watching

IMAGE, OTHER = debian_image({"bash": "5"}), debian_image({"bash": "6"})


async def sync(watching: Watching, spacing: float = 0) -> SyncResult:
    """Sync once."""
    return await sync_registry(watching.store, watching.client, watching.watched, spacing=spacing)


def says(document: object) -> Status:
    """Return the answer with a document."""
    return Status(200, json.dumps(document).encode(), {"Content-Type": "application/json"})


def take_away(watching: Watching, repository: str, *tags: str) -> None:
    """Remove tags from the registry."""
    for tag in tags:
        del watching.registry._repositories[repository].tags[tag]


async def test_lost_events_are_found(watching: Watching) -> None:
    """A sync finds new tags, those that moved, and asks for both; a second one asks for nothing and writes nothing."""
    first = watching.registry.push("team/app", "1.0", IMAGE)
    result = await sync(watching)
    assert (1, 1, []) == (result.seen, result.asked, result.errors)
    assert {first: ("first_sync", 5, "")} == await watching.requests()
    second = watching.registry.push("team/app", "1.0", OTHER)
    watching.registry.push("lib/base", "2.0", OTHER)
    await sync(watching)
    assert {"team/app:1.0": second, "lib/base:2.0": second} == await watching.tags()
    result = await sync(watching)
    assert (2, 0) == (result.seen, result.asked)
    assert (await watching.registry_row()).last_sync_at is not None


async def test_a_registry_with_an_empty_catalogue_removes_nothing(watching: Watching) -> None:
    """However often it lists nothing, what our own HEADs still find stays."""
    watching.registry.push("team/app", "1.0", IMAGE)
    await sync(watching)
    watching.registry.faults.add("/v2/_catalog", says({"repositories": []}))
    watching.registry.faults.add("/v2/team/app/tags/list", says({"name": "team/app", "tags": None}))
    for _ in range(3):
        result = await sync(watching)
        assert ([], 0) == (result.missing, result.gone)
    assert ["team/app:1.0"] == list(await watching.tags())


async def test_gone_is_what_two_syncs_were_told_is_not_there(watching: Watching) -> None:
    """One sync counts, the second removes; two that come too close are one; a tag that comes back is back."""
    watching.registry.push("team/app", "1.0", IMAGE)
    watching.registry.push("team/app", "2.0", IMAGE)
    await sync(watching)
    take_away(watching, "team/app", "2.0")
    await sync(watching)
    await sync(watching, spacing=600)
    assert {"team/app:1.0", "team/app:2.0"} == set(await watching.tags())
    assert 1 == (await sync(watching)).gone
    assert {"team/app:1.0"} == set(await watching.tags())
    watching.registry.push("team/app", "2.0", OTHER)
    await sync(watching)
    assert {"team/app:1.0", "team/app:2.0"} == set(await watching.tags())


async def test_a_list_with_an_error_removes_nothing(watching: Watching) -> None:
    """Neither a catalogue nor a list of tags that breaks off lets a tag be counted; the row says what was wrong."""
    watching.registry.push("team/app", "1.0", IMAGE)
    watching.registry.push("team/app", "2.0", IMAGE)
    await sync(watching)
    take_away(watching, "team/app", "2.0")
    for path in ("/v2/_catalog", "/v2/team/app/tags/list"):
        for fault in (Status(404) if path == "/v2/_catalog" else Status(400), says({"errors": [{"code": "X"}]})):
            watching.registry.faults.add(path, fault)
            result = await sync(watching)
            watching.registry.faults.clear()
            assert (0, 1) == (result.gone, len(result.errors))
            assert result.errors[0] in (await watching.registry_row()).sync_error
    assert {"team/app:1.0", "team/app:2.0"} == set(await watching.tags())
    async with watching.store.reading() as db:
        assert {0} == set((await db.execute(select(tables.tags.c.missed))).scalars())


async def test_a_registry_that_goes_away_is_not_asked_for_everything(
    watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some requests without an answer the sync ends, has counted nothing, and says so."""

    async def no_pause(_seconds: float) -> None:
        return None

    monkeypatch.setattr("portus_images.registry.transport.sender.sleep", no_pause)
    for number in range(40):
        watching.registry.push("team/app", f"1.{number}", IMAGE)
    await sync(watching)
    take_away(watching, "team/app", "1.0")
    watching.registry.requests.clear()
    watching.registry.faults.add("/v2/team/app/manifests/1.[1-9]*", Status(503))
    result = await sync(watching)
    assert (True, 0) == (result.is_over, result.gone)
    assert "HTTP 503" in (await watching.registry_row()).sync_error
    assert len({one.path for one in watching.registry.requests if "/manifests/" in one.path}) < 20
    watching.registry.faults.clear()
    await sync(watching)
    assert 40 == len(await watching.tags())


async def test_many_go_only_when_a_person_confirms_it(watching: Watching) -> None:
    """21 of 30 are held, sync after sync; what was confirmed goes, unless it is more by then."""
    names = [f"1.{number}" for number in range(30)]
    for name in names:
        watching.registry.push("team/app", name, IMAGE)
    await sync(watching)
    take_away(watching, "team/app", *names[:21])
    assert [0, 21, 21] == [(await sync(watching)).held for _ in range(3)]
    assert (30, 21) == (len(await watching.tags()), (await watching.registry_row()).held)
    take_away(watching, "team/app", names[21])
    await sync(watching)
    assert 21 == await confirm(watching)
    assert (22, 0) == ((result := await sync(watching)).held, result.gone)
    assert 22 == await confirm(watching)
    assert (0, 22) == ((result := await sync(watching)).held, result.gone)
    assert 8 == len(await watching.tags())
    assert 0 == await confirm(watching)


async def confirm(watching: Watching) -> int:
    """Confirm what is held back."""
    async with watching.store.writing() as db:
        return await confirm_removals(db, watching.registry.host)


async def test_few_go_without_a_person(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of a small registry's are few, and so is a tenth of a large one's."""
    monkeypatch.setattr("portus_scan_server.intake.sync.FEW_TAGS", 2)
    for total, few in ((2, 2), (30, 3)):
        names = [f"{total}.{number}" for number in range(total)]
        for name in names:
            watching.registry.push("team/app", name, IMAGE)
        await sync(watching)
        take_away(watching, "team/app", *names[:few])
        assert [0, few] == [(await sync(watching)).gone for _ in range(2)]


async def test_what_a_push_has_told_meanwhile_is_newer(watching: Watching) -> None:
    """An answer that a sync had before an event moved the tag is not noted over what the event has led to."""
    old = watching.registry.push("team/app", "1.0", IMAGE)
    await sync(watching)
    new = watching.registry.push("team/app", "1.0", OTHER)
    known = {"1.0": KnownTag(tag_id=1, digest="sha256:" + "0" * 64, missed=0)}
    place = ImagePlace(host=watching.registry.host, repository="team/app", tag="1.0")
    await _look(watching.store, watching.client, [place], known, SyncResult())
    assert {"team/app:1.0": old} == await watching.tags()
    await sync(watching)
    assert {"team/app:1.0": new} == await watching.tags()


async def test_an_image_that_nobody_is_asked_for_any_longer_is_asked_for(watching: Watching) -> None:
    """A request that failed, since no source had the image, is made anew while the registry has it."""
    digest = watching.registry.push("team/app", "1.0", IMAGE)
    await sync(watching)
    async with watching.store.writing() as db:
        await db.execute(update(tables.requests).values(state="failed"))
    assert 1 == (await sync(watching)).asked
    async with watching.store.writing() as db:
        await db.execute(update(tables.requests).values(state="dead"))
    assert 0 == (await sync(watching)).asked
    assert [digest] == list(await watching.requests())


async def test_a_schedule_is_followed_once_for_the_time_that_has_passed(watching: Watching) -> None:
    """New, it counts from now; days late, it asks once for the tagged images of the repositories that it names."""
    watching.registry.push("team/app", "1.0", IMAGE)
    digest = watching.registry.push("lib/base", "1.0", OTHER)
    await sync(watching)
    async with watching.store.writing() as db:
        await db.execute(tables.requests.delete())
    times = RescanTimes(at="0 3 * * *", repositories="main/lib/*")
    plan = ScheduleSettings(timezone="Europe/Berlin", rescans=(times,))
    assert 0 == await follow_schedules(watching.store, plan, watching.settings.registries)
    async with watching.store.writing() as db:
        await db.execute(update(tables.schedules).values(last_at=database_now(-3 * 86_400)))
    asked = [await follow_schedules(watching.store, plan, watching.settings.registries) for _ in range(2)]
    assert ([1, 0], {digest: ("rescan", 0, "")}) == (asked, await watching.requests())


def test_times_are_of_the_time_zone() -> None:
    """Three at night is another hour of UTC in summer; an hour that a day does not have comes at its end."""
    winter, summer = datetime(2026, 1, 10, 12, tzinfo=UTC), datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert datetime(2026, 1, 11, 2, tzinfo=UTC) == next_time("0 3 * * *", winter, "Europe/Berlin")
    assert datetime(2026, 3, 29, 1, tzinfo=UTC) == next_time("30 2 * * *", summer, "Europe/Berlin")
