"""From what somebody tells to rows: only our own HEAD is believed."""

from __future__ import annotations

import asyncio

import pytest
from attrs import evolve
from portus_images import ImageNotFoundError
from portus_scan_server.intake import PushHint, UnknownRegistryError
from portus_scan_server.store import tables
from portus_scanners_testing.images import alpine_image, debian_image, make_index
from portus_scanners_testing.servers import Status
from sqlalchemy import select, update

from .conftest import Watching

FORGED = "sha256:" + "0" * 64
IMAGE, OTHER = debian_image({"bash": "5"}), debian_image({"bash": "6"})


def hint(event_id: str = "e-1", **members: str) -> PushHint:
    """Return the hint of a push of team/app:1.0."""
    return evolve(PushHint(event_id=event_id, action="push", repository="team/app", tag="1.0"), **members)


def heads(watching: Watching) -> list[str]:
    """Return the requests that the registry had, without those that find out how to speak with it."""
    found = [f"{one.method} {one.path}" for one in watching.registry.requests if one.path != "/v2/"]
    watching.registry.requests.clear()
    return found


async def test_a_push_becomes_a_request_by_one_head(watching: Watching) -> None:
    """The tag has the digest that the registry says; the same event again, and events of one tag, are one HEAD."""
    digest = watching.registry.push("team/app", "1.0", IMAGE)
    await watching.tell(hint(digest=digest, actor="alice"), hint("e-2", digest=FORGED, actor="mallory"))
    assert ["HEAD /v2/team/app/manifests/1.0"] == heads(watching)
    assert {"team/app:1.0": digest} == await watching.tags()
    assert {digest: ("push", 10, "")} == await watching.requests()
    assert [1] == watching.woken
    await watching.tell(hint(), hint("e-2"))
    assert [] == heads(watching)
    async with watching.store.reading() as db:
        assert "alice" == await db.scalar(select(tables.tags.c.pushed_by))


@pytest.mark.parametrize(
    ("forged", "asked"),
    [
        (hint(digest=FORGED), "manifests/1.0"),
        (hint(tag="", digest=FORGED), f"manifests/{FORGED}"),
        (hint(repository="team/none"), "none/manifests/1.0"),
        (hint(action="delete"), "manifests/1.0"),
        (hint(action="delete", tag="", digest=FORGED), f"manifests/{FORGED}"),
        (hint(tag="9.9"), "manifests/9.9"),
    ],
)
async def test_a_forged_event_changes_nothing_but_one_head(watching: Watching, forged: PushHint, asked: str) -> None:
    """Another digest, another repository, a deletion: the catalogue is what it was, and nobody is asked to scan."""
    digest = watching.registry.push("team/app", "1.0", IMAGE)
    await watching.tell(hint("e-0"))
    before = await watching.tags(), await watching.requests(), await rows(watching)
    heads(watching)
    await watching.tell(evolve(forged, event_id="e-9"))
    assert [True] == [one.startswith("HEAD ") and one.endswith(asked) for one in heads(watching)]
    assert before == (await watching.tags(), await watching.requests(), await rows(watching))
    assert {"team/app:1.0": digest} == before[0]


async def rows(watching: Watching) -> dict[str, int]:
    """Return how many rows the catalogue has."""
    counted = ("images", "repositories", "tags", "image_repositories", "tag_history", "registries", "requests")
    async with watching.store.reading() as db:
        return {name: len((await db.execute(select(tables.metadata.tables[name]))).all()) for name in counted}


async def test_a_registry_that_is_away_keeps_its_events(watching: Watching) -> None:
    """They wait, with why, while other events are seen to; once they are due again they are looked at."""
    digest = watching.registry.push("team/app", "1.0", IMAGE)
    watching.registry.push("team/app", "2.0", OTHER)
    broken = watching.registry.faults
    broken.add("/v2/team/app/manifests/1.0", Status(403))
    await watching.tell(hint(), hint("e-2", tag="2.0"))
    assert ["team/app:2.0"] == list(await watching.tags())
    events = tables.events
    async with watching.store.writing() as db:
        left = (await db.execute(select(events.c.event_id, events.c.tries).where(events.c.done_at.is_(None)))).all()
        await db.execute(update(events).values(due_at=events.c.received_at))
    assert [("e-1", 1)] == left
    broken.clear()
    await watching.intake.work_off(watching.watched)
    assert digest == (await watching.tags())["team/app:1.0"]


async def test_an_inbox_is_worked_off_after_a_restart(watching: Watching) -> None:
    """What was committed before the process ended is looked at when the next one runs."""
    digest = watching.registry.push("team/app", "1.0", IMAGE)
    await watching.intake.store_hints(watching.watched, [hint()])
    assert {} == await watching.tags()
    async with watching.intake.running():
        while not await watching.requests():  # noqa: ASYNC110 (a row, which tells nobody)
            await asyncio.sleep(0.01)
    assert {"team/app:1.0": digest} == await watching.tags()


async def test_a_known_image_is_not_scanned_again_because_it_is_pushed_again(watching: Watching) -> None:
    """One with an answer is kept up to date by the planner; an index that is new in a repository is resolved there."""
    digest = watching.registry.push("team/app", "1.0", IMAGE)
    watching.registry.push("other/app", "1.0", IMAGE)
    await watching.tell(hint())
    async with watching.store.writing() as db:
        image_id = await db.scalar(select(tables.images.c.id))
        run = tables.runs.insert().values(image_id=image_id, scanner="dummy", outcome="ok", body="{}")
        run_id = await db.scalar(run.returning(tables.runs.c.id))
        known = {"answer_id": run_id, "said_id": run_id, "try_id": run_id}
        await db.execute(tables.latest.insert().values(image_id=image_id, scanner="dummy", **known))
        await db.execute(tables.requests.delete())
    await watching.tell(hint("e-2"), hint("e-3", repository="other/app"))
    assert ({}, {"team/app:1.0": digest, "other/app:1.0": digest}) == (await watching.requests(), await watching.tags())
    index = make_index(IMAGE, alpine_image({"musl": "1"}))
    watching.registry.push("team/app", "all", index)
    await watching.tell(hint("e-4", tag="all"))
    assert [index.digest] == list(await watching.requests())


async def test_a_person_asks_by_any_address(watching: Watching) -> None:
    """Host, alias and pull address mean one registry; another one, and what is not there, is said."""
    digest = watching.registry.push("team/app", "1.0", IMAGE)
    intake, host = watching.intake, watching.registry.host
    for name in ("old.example", "pull.example", "OLD.example", host):
        assert (host, "team/app") == (
            intake.find(f"{name}/team/app:1.0").host,
            intake.find(f"{name}/team/app").repository,
        )
    asked = await intake.ask_for(intake.find("old.example/team/app:1.0"), by="bob")
    again = await intake.ask_for(intake.find(f"pull.example/team/app@{digest}"), by="carol")
    assert (digest, asked.request_id, asked.image_id) == (again.digest, again.request_id, again.image_id)
    assert {digest: ("person", 8, "bob")} == await watching.requests()
    assert [1, 1] == watching.woken
    with pytest.raises(UnknownRegistryError, match=r"docker\.io is not a registry that this service watches"):
        intake.find("alpine")
    with pytest.raises(ImageNotFoundError, match=r"has no '9' in team/app"):
        await intake.ask_for(intake.find("old.example/team/app:9"), by="bob")
