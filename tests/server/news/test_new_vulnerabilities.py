"""What is news of an image: told once for each repository and vulnerability, and what is silent."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve
from portus_images import Platform
from portus_policy import GatePolicy, Policy, Suppression
from portus_scan_server.store import (
    Store,
    database_now,
    put_image,
    put_index,
    put_repository,
    put_tag,
    remove_old,
    tables,
)
from portus_scan_server.summaries import Rules
from portus_scanners import Finding, Outcome, Package, ScannerReport, ScannerRun, Severity
from sqlalchemy import select, update

from ..views.world import HOST, RULES, digest, failed, found, image, ok, tagged
from .newsroom import ended, told

ONLY_CLAIR = evolve(RULES, enabled=("clair",))


async def test_a_vulnerability_is_told_once(store: Store) -> None:
    """The first answer is silent; what a later one has more is told with its id, and then never again."""
    await tagged(store, 1, "team/app:1.0")
    assert [] == await ended(store, 1, ok("clair", *found("CVE-1")), ok("trivy"))
    one = await ended(store, 1, ok("clair", *found("CVE-1", "CVE-2", "CVE-3")), ok("trivy", *found("CVE-2")))
    assert [("team/app", ["CVE-2", "CVE-3"])] == told(one)
    assert (2, 0, f"{HOST}/team/app:1.0") == (
        one[0]["data"]["total"],
        one[0]["data"]["cut"],
        one[0]["data"]["image"]["names"][0],
    )
    assert [] == await ended(store, 1, ok("clair", *found("CVE-1")), ok("trivy"))  # that it is gone is not told
    assert [] == await ended(store, 1, ok("clair", *found("CVE-1", "CVE-2")), ok("trivy"))
    async with store.reading() as db:
        rows = (await db.execute(select(tables.news.c.about, tables.news.c.uid).order_by(tables.news.c.id))).all()
    assert [(each["id"], each["news_id"]) for each in one[0]["data"]["vulnerabilities"]] == [tuple(row) for row in rows]


async def test_a_vulnerability_by_another_name_is_the_same(store: Store) -> None:
    """A name that was told as an alias, or before there was a CVE, is not told again."""
    await tagged(store, 1, "team/app:1.0")
    await ended(store, 1, ok("clair"), ok("trivy"))
    bash = Package("bash", "5")
    early = Finding(id="GHSA-aaaa-bbbb-cccc", severity=Severity.HIGH, package=bash)
    late = Finding(id="CVE-2026-9", aliases=("ghsa-aaaa-bbbb-cccc",), severity=Severity.HIGH, package=bash)
    assert [("team/app", [early.id])] == told(await ended(store, 1, ok("clair", early), ok("trivy")))
    assert [] == await ended(store, 1, ok("clair"), ok("trivy"))
    assert [] == await ended(store, 1, ok("clair", late), ok("trivy"))


async def test_what_is_below_or_suppressed_is_silent(store: Store) -> None:
    """Only what is as bad as the configuration says is told, and nothing that a rule suppresses."""
    rules = Rules(
        enabled=("clair",),
        policy=Policy(suppressions=(Suppression(rule="rules:1", reason="not reachable", ids=("CVE-2",)),)),
    )
    await tagged(store, 1, "team/app:1.0")
    await ended(store, 1, ok("clair"), rules=rules)
    said = found("CVE-2", "CVE-3"), found("CVE-1", severity=Severity.MEDIUM)
    assert [("team/app", ["CVE-3"])] == told(await ended(store, 1, ok("clair", *said[0], *said[1]), rules=rules))


async def test_new_scanners_and_new_plugins_are_silent(store: Store) -> None:
    """What only a scanner has found that had no answer before, or had it from another plugin version, is not news."""
    await tagged(store, 1, "team/app:1.0")
    await ended(store, 1, ok("clair"), rules=ONLY_CLAIR)
    both = ok("clair", *found("CVE-1")), ok("trivy", *found("CVE-1", "CVE-2"))
    assert [("team/app", ["CVE-1"])] == told(await ended(store, 1, *both))
    new = ok("clair", *found("CVE-1", "CVE-3")), ok("trivy", *found("CVE-1", "CVE-2"))
    assert [] == await ended(store, 1, *new, versions={"clair": "2"})
    new = ok("clair", *found("CVE-1", "CVE-3", "CVE-4")), new[1]
    assert [("team/app", ["CVE-4"])] == told(await ended(store, 1, *new, versions={"clair": "2"}))


async def test_an_image_is_compared_with_its_line(store: Store) -> None:
    """An image's first answer is compared with that of the image that its tag named before; a new tag's is silent.

    What another image of the repository had at the time of that answer is not new, what it has got since is.
    """
    await tagged(store, 1, "team/app:latest", "team/app:1.0")
    await tagged(store, 3, "team/app:2.0")
    assert [] == await ended(store, 3, ok("clair", *found("CVE-5")), ok("trivy"))
    await ended(store, 1, ok("clair", *found("CVE-1")), ok("trivy"))
    await tagged(store, 2, "team/app:latest")
    new = ok("clair", *found("CVE-1", "CVE-2", "CVE-5"))
    assert [("team/app", ["CVE-2"])] == told(await ended(store, 2, new, ok("trivy")))
    assert [] == await ended(store, 3, ok("clair", *found("CVE-5", "CVE-2")), ok("trivy"))


async def test_an_image_of_an_index_is_compared_with_that_of_its_platform(store: Store) -> None:
    """What another platform had before says nothing of this one, whose first answer is silent."""
    platforms = [Platform.parse(f"linux/{one}") for one in ("amd64", "arm64")]
    for index, members in ((10, (1,)), (20, (2, 3))):
        async with store.writing() as db:
            index_id = await put_image(db, digest(index))
            images = [evolve(image(one), index_platform=platforms[place]) for place, one in enumerate(members)]
            ids = await put_index(db, index_id, images)
            repository_id = await put_repository(db, HOST, "team/app")
            await put_tag(db, repository_id, "latest", index_id)
            for one in ids:
                await db.execute(tables.image_repositories.insert().values(image_id=one, repository_id=repository_id))
        if index == 10:
            await ended(store, 1, ok("clair"), ok("trivy"))
    assert [("team/app", ["CVE-1"])] == told(await ended(store, 2, ok("clair", *found("CVE-1")), ok("trivy")))
    assert [] == await ended(store, 3, ok("clair", *found("CVE-2")), ok("trivy"))


async def test_each_repository_has_news_of_its_own(store: Store) -> None:
    """An image of two repositories is news to both, with another id; what other images of one had is not."""
    await tagged(store, 1, "team/app:1.0", "other/app:1.0")
    await tagged(store, 2, "other/app:2.0")
    await ended(store, 2, ok("clair", *found("CVE-1")), ok("trivy"))
    await ended(store, 1, ok("clair"), ok("trivy"))
    messages = await ended(store, 1, ok("clair", *found("CVE-1", "CVE-2")), ok("trivy"))
    assert [("team/app", ["CVE-1", "CVE-2"]), ("other/app", ["CVE-2"])] == told(messages)
    ids = [one["data"]["vulnerabilities"][-1]["news_id"] for one in messages]
    assert 2 == len(set(ids))


async def test_a_repeat_after_retention_has_the_same_id(store: Store) -> None:
    """What was told long ago and comes back is told with the id that it had."""
    await tagged(store, 1, "team/app:1.0")
    await ended(store, 1, ok("clair"), ok("trivy"))
    before = await ended(store, 1, ok("clair", *found("CVE-1")), ok("trivy"))
    await ended(store, 1, ok("clair"), ok("trivy"))
    async with store.writing() as db:
        await db.execute(update(tables.news).values(over_at=database_now(-100 * 86_400)))
    await remove_old(store, timedelta(days=90))
    after = await ended(store, 1, ok("clair", *found("CVE-1")), ok("trivy"))
    assert before[0]["data"]["vulnerabilities"] == after[0]["data"]["vulnerabilities"]
    assert before[0]["id"] != after[0]["id"]


async def test_a_long_list_is_cut_and_says_so(store: Store) -> None:
    """The text has twenty ids, the data a hundred, and both say how many there are; long words are cut as well."""
    await tagged(store, 1, "team/app:1.0")
    await ended(store, 1, ok("clair"), ok("trivy"))
    many = found(*(f"CVE-{number:04}" for number in range(119)), "CVE-" + "9" * 500)
    worst = found("CVE-5000", severity=Severity.CRITICAL)
    (message,) = await ended(store, 1, ok("clair", *many, *worst), ok("trivy"))
    lines = message["data"]["text"].splitlines()
    assert (121, 21, 100) == (message["data"]["total"], message["data"]["cut"], len(message["data"]["vulnerabilities"]))
    assert ("- CVE-5000 (critical) in bash 5", "... (cut: 101 more)") == (lines[3], lines[-1])
    assert "121 new vulnerabilities" in message["data"]["title"]
    assert "9" * 130 not in str(message)


GATED = Rules(enabled=("clair", "trivy"), policy=Policy(gate=GatePolicy(fail_on=Severity.HIGH)))


async def test_an_image_that_no_longer_passes_is_told(store: Store) -> None:
    """From pass to fail is news each time it happens; to go on failing, to pass, and a first failure are not."""
    await tagged(store, 1, "team/app:1.0")
    assert [] == await ended(store, 1, ok("clair"), ok("trivy"), rules=GATED)
    messages = await ended(store, 1, ok("clair", *found("CVE-1")), ok("trivy"), rules=GATED)
    assert ["team/app", "image.failing"] == [one for one, _ in told(messages)]
    assert messages[1]["data"]["violations"]
    assert [] == await ended(store, 1, ok("clair", *found("CVE-1")), ok("trivy"), rules=GATED)
    assert [] == await ended(store, 1, ok("clair"), ok("trivy"), rules=GATED)
    messages = await ended(store, 1, ok("clair", *found("CVE-1")), ok("trivy"), rules=GATED)
    assert ["image.failing"] == [one["type"] for one in messages]
    await tagged(store, 2, "team/app:2.0")
    assert [] == await ended(store, 2, ok("clair", *found("CVE-1")), ok("trivy"), rules=GATED)


async def test_a_try_that_failed_brings_no_news_and_ends_none(store: Store) -> None:
    """A failed or incomplete scan tells nothing to be gone, and what it has found is compared all the same."""
    await tagged(store, 1, "team/app:1.0")
    await ended(store, 1, ok("clair", *found("CVE-1")), ok("trivy"))
    assert [] == await ended(store, 1, failed("clair"), failed("trivy"))
    report = ScannerReport(findings=found("CVE-2"), complete=False)
    part = ScannerRun(scanner="clair", plugin="clair", outcome=Outcome.INCOMPLETE, error="one layer", report=report)
    assert [("team/app", ["CVE-2"])] == told(await ended(store, 1, part, failed("trivy")))
    assert [] == await ended(store, 1, ok("clair", *found("CVE-1", "CVE-2")), ok("trivy"))
