"""A cluster asks over HTTPS: what is allowed, what is not, and what nobody knows."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from attrs import evolve, frozen
from portus_images import Image, Platform, Reference, Registry, RegistrySettings
from portus_scan_server.admission import TagRule, UnknownRule
from portus_scan_server.answers import MadeWith
from portus_scan_server.intake import Intake
from portus_scan_server.settings import Registries, ServerSettings, WatchedRegistry
from portus_scan_server.store import (
    Store,
    database_now,
    is_out_of_use,
    load_answers,
    prepare_run,
    put_details,
    put_image,
    put_in_repository,
    put_index,
    put_repository,
    put_tag,
    remove_old,
    store_run,
    tables,
)
from portus_scan_server.summaries import Rules, any_image, put_summary, read_now, summarize
from portus_scanners import ScannerRun, Settings
from portus_scanners_testing import StandInRegistry
from portus_scanners_testing.images import debian_image
from portus_scanners_testing.servers import Status
from sqlalchemy import select, update
from standins.certificates import Certificate, make_certificate

from ..store.test_retention import KEEP, OLD
from ..views.world import digest, failed, found, image, ok
from .asking import TOKEN, Cluster, clusters, pod, replace, review
from .test_reviews import BROKEN

RULES = Rules(enabled=("clair", "trivy"))
CLEAN, VULNERABLE = [ok("clair"), ok("trivy")], [ok("clair", *found("CVE-1")), ok("trivy")]
FAILED = [ok("clair"), failed("trivy")]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """The webhook's certificate."""
    return asyncio.run(make_certificate(tmp_path_factory.mktemp("webhook")))


@frozen
class Known:
    """A registry, and what is stored of it."""

    store: Store
    registry: StandInRegistry
    intake: Intake
    woken: list[int]

    def name(self, number: int | str, repository: str = "team/app") -> str:
        """Return the name of an image by its digest."""
        return f"{self.registry.host}/{repository}@{digest(number) if isinstance(number, int) else number}"

    async def scanned(self, number: int | str, runs: Sequence[ScannerRun], repository: str = "team/app") -> int:
        """Store an image of a repository with what was said of it; return its row."""
        name = digest(number) if isinstance(number, int) else number
        made = evolve(image(1), digest=name, reference=Reference.parse(f"{self.registry.host}/any@{name}"))
        async with self.store.writing() as db:
            image_id = await put_image(db, name, made.media_type)
            await put_details(db, image_id, made)
            await put_in_repository(db, image_id, await put_repository(db, self.registry.host, repository))
            for run in runs:
                await store_run(db, image_id, prepare_run(run, MadeWith(database="1")))
            answers, resolved = await load_answers(db, image_id), await any_image(db, image_id)
            assert resolved is not None
            summary = summarize(resolved, [self.name(number, repository)], answers, RULES, now=await read_now(db))
            await put_summary(db, image_id, summary, RULES)
        return image_id

    async def index(self, number: int, members: Mapping[str, int]) -> None:
        """Store an index of a repository."""
        inside = [
            Image(reference=Reference.parse("any:1"), digest=digest(one), index_platform=Platform.parse(platform))
            for platform, one in members.items()
        ]
        async with self.store.writing() as db:
            index_id = await put_image(db, digest(number))
            await put_in_repository(db, index_id, await put_repository(db, self.registry.host, "team/app"))
            await put_index(db, index_id, inside)

    async def requests(self) -> list[tuple[str, str, str, int]]:
        """Return digest, reason, asker and priority of all requests."""
        asked = tables.requests
        columns = tables.images.c.digest, asked.c.reason, asked.c.asked_by, asked.c.priority
        joined = asked.join(tables.images, tables.images.c.id == asked.c.image_id)
        async with self.store.reading() as db:
            return [tuple(row) for row in await db.execute(select(*columns).select_from(joined).order_by(asked.c.id))]

    async def until_asked(self, number: int) -> None:
        """Wait until there are as many requests."""
        while len(await self.requests()) < number:  # noqa: ASYNC110 (the database tells nobody)
            await asyncio.sleep(0.01)


@pytest.fixture
async def known(store: Store, registry: StandInRegistry) -> AsyncIterator[Known]:
    """A registry that is watched."""
    section = RegistrySettings(insecure=True, name="main")
    watched = WatchedRegistry(host=registry.host, name="main", pull="pull.example")
    settings = ServerSettings(scanning=Settings(registries={registry.host: section}), registries=Registries([watched]))
    woken: list[int] = []
    async with Registry(settings.scanning.registries) as client:
        yield Known(store, registry, Intake(store, settings, lambda: woken.append(1), client), woken)


async def test_by_digest_the_store_decides(known: Known, certificate: Certificate) -> None:
    """Clean runs; vulnerable, not known, failed, another repository's, another registry's do not; nobody is asked."""
    for number, runs in ((1, CLEAN), (2, VULNERABLE), (3, FAILED)):
        await known.scanned(number, runs)
    await known.scanned(4, CLEAN, "other/app")
    async with clusters(known.store, known.intake, RULES, certificate) as cluster:
        assert {"uid": "u-1", "allowed": True} == without_audit(await cluster.ask(known.name(1)))
        denied = await cluster.ask(known.name(1), initContainers=[])
        assert denied["allowed"]
        for key in ("initContainers", "ephemeralContainers"):
            status, answer = await cluster.post(review(pod(known.name(1), **{key: [{"image": known.name(2)}]})))
            assert (200, False) == (status, answer["response"]["allowed"])
        page = f"https://scan.example/r/{known.registry.host}/team/app@{digest(2)}"
        message = f"{known.name(2)} ({page}): vulnerabilities: 1 High - 1 total"
        assert {"code": 403, "reason": "Forbidden", "message": message} == answer["response"]["status"]
        for name, words in (
            (known.name(3), "no_answer: trivy"),
            (known.name(4), "it is not known yet"),
            (f"r.example/team/app@{digest(1)}", "not a registry that this service watches"),
            ("nginx", "docker.io is not a registry that this service watches"),
            ("Not an image", "not a valid"),
        ):
            said = await cluster.ask(known.name(1), name, dryRun=True)
            assert (False, "unknown") == (said["allowed"], said["auditAnnotations"]["verdict"])
            assert words in said["status"]["message"]
        assert (False, 1) == ((await cluster.ask(*[f"a:{n}" for n in range(101)]))["allowed"], 1)
    assert ([], []) == (list(known.registry.requests), await known.requests())
    for rule, warnings in ((UnknownRule.WARN, 1), (UnknownRule.ALLOW, 0)):
        async with clusters(known.store, known.intake, RULES, certificate, unknown=rule) as cluster:
            said = await cluster.ask(known.name(3))
            assert (True, warnings) == (said["allowed"], len(said.get("warnings", ())))
            assert not (await cluster.ask(known.name(3), known.name(2)))["allowed"]


def without_audit(response: dict[str, Any]) -> dict[str, Any]:
    """Return a response without what only the cluster's audit log has."""
    return {key: value for key, value in response.items() if key != "auditAnnotations"}


async def test_an_index_is_as_the_worst_platform_that_counts(known: Known, certificate: Certificate) -> None:
    """One that was not answered makes it unknown, one that fails denies it; platforms that do not count do neither."""
    for number, runs in ((1, CLEAN), (2, VULNERABLE), (3, FAILED)):
        await known.scanned(number, runs)
    await known.index(11, {"linux/amd64": 1, "linux/arm64": 2, "linux/s390x": 3})
    await known.index(12, {"linux/amd64": 1, "linux/s390x": 3})
    await known.index(13, {"linux/amd64": 1, "linux/arm/v7": 9})
    await known.index(14, {"linux/amd64": 1, "unknown/unknown": 9})
    await known.index(15, {"linux/s390x": 1})
    expected: dict[tuple[str, ...], list[str]] = {
        (): ["fail", "unknown", "unknown", "unknown", "pass"],
        ("linux/amd64",): ["pass", "pass", "pass", "unknown", "unknown"],
        ("linux/amd64", "linux/arm64"): ["fail", "pass", "pass", "unknown", "unknown"],
        ("linux/amd64", "linux/arm/v6"): ["pass", "pass", "pass", "unknown", "unknown"],
        ("linux/arm", "linux/s390x"): ["unknown", "unknown", "unknown", "unknown", "pass"],
    }
    for platforms, verdicts in expected.items():
        async with clusters(known.store, known.intake, RULES, certificate, platforms=platforms) as cluster:
            said = [await cluster.ask(known.name(number), dryRun=True) for number in range(11, 16)]
        assert verdicts == [one["auditAnnotations"]["verdict"] for one in said], platforms
        assert [one == "pass" for one in verdicts] == [one["allowed"] for one in said]


async def test_a_tag_is_what_the_registry_says_now(known: Known, certificate: Certificate) -> None:
    """The store's tag is never believed; an answer is good for ten seconds, none is unknown; or tags are denied."""
    clean, other = known.registry.push("team/app", "1.0", debian_image({"a": "1"})), "team/app:1.0"
    image_id = await known.scanned(clean, CLEAN)
    async with known.store.writing() as db:
        await put_tag(db, await put_repository(db, known.registry.host, "team/app"), "1.0", image_id)
    name, now = f"{known.registry.host}/{other}", [0.0]
    async with clusters(known.store, known.intake, RULES, certificate, clock=now) as cluster:
        both = await asyncio.gather(*(cluster.ask(name) for _ in range(4)))
        assert [True] * 4 == [one["allowed"] for one in both]
        known.registry.push("team/app", "1.0", debian_image({"a": "2"}))
        now.append(9.0)
        assert (await cluster.ask(name))["allowed"]
        assert 1 == len([one for one in known.registry.requests if one.method == "HEAD"])
        now.append(11.0)
        assert not (await cluster.ask(name, dryRun=True))["allowed"]
        known.registry.push("team/app", "1.0", debian_image({"a": "1"}))
        for fault in (Status(400), Status(403), Status(404)):
            now.append(now[-1] + 11)
            known.registry.faults.add("/v2/team/app/manifests/1.0", fault)
            said = await cluster.ask(name, dryRun=True)
            assert (False, "unknown") == (said["allowed"], said["auditAnnotations"]["verdict"])
            known.registry.faults.clear()
            assert (await cluster.ask(name, dryRun=True))["allowed"]  # what failed is not remembered
        assert (await cluster.ask(f"{name}@{clean}"))["allowed"]
    async with clusters(
        known.store, known.intake, RULES, certificate, tags=TagRule.DENY, unknown=UnknownRule.ALLOW
    ) as it:
        assert "name its digest" in (await it.ask(name))["status"]["message"]
        assert (await it.ask(known.name(clean)))["allowed"]


async def test_what_is_not_known_is_asked_for(known: Known, certificate: Certificate) -> None:
    """Once a minute each and sixty a minute in all, as urgent as a push; what was asked for is kept for 90 days."""
    pushed = [known.registry.push("team/app", str(n), debian_image({"a": str(n)})) for n in range(3)]
    now = [0.0]
    async with clusters(known.store, known.intake, RULES, certificate, clock=now) as cluster:
        assert not (await cluster.ask(known.name(pushed[0]), dryRun=True))["allowed"]
        wanted = known.name(pushed[0]), f"{known.registry.host}/team/app:1"
        said = await cluster.ask(*wanted)
        assert 2 == said["status"]["message"].count("a scan was asked for")
        await known.until_asked(2)
        assert "pending: nothing is known of it yet" in (await cluster.ask(*wanted))["status"]["message"]
        assert {(one, "admission", "admission", 10) for one in pushed[:2]} == set(await known.requests())
        assert [1, 1] == known.woken
        for number in range(58):
            await cluster.ask(known.name(100 + number))
        assert "was asked for" not in (await cluster.ask(known.name(pushed[2])))["status"]["message"]
        now.append(61.0)
        assert "was asked for" in (await cluster.ask(known.name(pushed[2])))["status"]["message"]
        await known.until_asked(3)
        await known.scanned(pushed[0], CLEAN)
        assert (await cluster.ask(known.name(pushed[0])))["allowed"]
        images = tables.images
        while True:  # what is noted is noted beside the answer
            async with known.store.reading() as db:
                noted = (await db.execute(select(images.c.digest).where(images.c.admission_at.is_not(None)))).scalars()
            if set(pushed) == set(noted):
                break
            await asyncio.sleep(0.01)
    async with known.store.writing() as db:
        await db.execute(update(tables.requests).values(asked_at=OLD, ended_at=OLD, state="done"))
        await db.execute(update(tables.tags).values(gone_at=OLD))
        await db.execute(update(images).values(last_seen_at=OLD))
        await db.execute(update(images).where(images.c.digest == pushed[0]).values(admission_at=OLD))
        await db.execute(
            update(images).where(images.c.digest == pushed[1]).values(admission_at=database_now(-89 * 86_400))
        )
    async with known.store.reading() as db:
        unused = select(images.c.digest).where(is_out_of_use(database_now(-30 * 86_400)))
        assert [pushed[0]] == (await db.execute(unused)).scalars().all()
    await remove_old(known.store, KEEP / 2)
    async with known.store.reading() as db:
        assert set(pushed[1:]) == set((await db.execute(select(images.c.digest))).scalars())


async def test_what_can_not_be_decided_is_not_an_answer(known: Known, certificate: Certificate, tmp_path: Path) -> None:
    """A broken body is 400, another form 415, one too long 413; without the path nothing is there; no tables: 500."""
    await known.scanned(1, CLEAN)
    fine = review(pod(known.name(1)))
    async with clusters(known.store, known.intake, RULES, certificate, unknown=UnknownRule.ALLOW) as cluster:
        for body in BROKEN:
            status, answer = await cluster.post(body)
            assert (400, False) == (status, "allowed" in answer)
        assert 413 == (await cluster.post(io.BytesIO(b" " * (4 * 1024 * 1024 + 1))))[0]
        for path in ("/v1/admission", "/v1/admission/", f"/v1/admission/{TOKEN}x", f"/v1/admission/{TOKEN}/", "/"):
            assert 404 == (await cluster.post(fine, path))[0]
        assert 200 == (await cluster.post(fine))[0]
        assert (500, False) == await undecided(cluster, fine, "?timeout=0s")
        async with known.store.writing() as db:
            await db.exec_driver_sql("drop table request_sources")
            await db.exec_driver_sql("drop table requests")
        assert (500, False) == await undecided(cluster, fine)
    async with clusters(known.store, known.intake, RULES, certificate) as cluster, aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientError):
            await http.post(f"http://127.0.0.1:{cluster.port}/v1/admission/{TOKEN}", data=fine)


async def undecided(cluster: Cluster, body: bytes, query: str = "") -> tuple[int, bool]:
    """Return the status of an answer, and whether it allows something."""
    status, answer = await cluster.post(body, f"/v1/admission/{TOKEN}{query}")
    return status, "allow" in json.dumps(answer)


async def test_certificates_are_read_anew(known: Known, tmp_path: Path) -> None:
    """A new certificate and a new authority of clients count for the next connection; half of a change for none."""
    first, second = await make_certificate(tmp_path / "1"), await make_certificate(tmp_path / "2")
    client, other = [await make_certificate(tmp_path / name, address=f"{name}.example") for name in ("api", "other")]
    authority = tmp_path / "clients.pem"
    authority.write_bytes(client.certificate_file.read_bytes())
    await known.scanned(1, CLEAN)
    fine, path = review(pod(known.name(1))), "/v1/admission"
    more = {"client_ca": str(authority), "token": False}
    async with clusters(known.store, known.intake, RULES, first, **more) as cluster:
        assert 200 == (await cluster.post(fine, path, client))[0]
        for wrong in (other, None):
            with pytest.raises(aiohttp.ClientError):
                await cluster.post(fine, path, wrong)
        before = Certificate(tmp_path / "before.pem", first.key_file)
        before.certificate_file.write_bytes(first.certificate_file.read_bytes())
        first.certificate_file.write_bytes(second.certificate_file.read_bytes())  # its key is not there yet
        await cluster.renew()
        assert 200 == (await Cluster(cluster.port, before).post(fine, path, client))[0]
        replace(first, second)
        authority.write_bytes(other.certificate_file.read_bytes())
        await cluster.renew()
        assert 200 == (await cluster.post(fine, path, other))[0]
        with pytest.raises(aiohttp.ClientError):
            await cluster.post(fine, path, client)
        with pytest.raises(aiohttp.ClientError):
            await Cluster(cluster.port, before).post(fine, path, other)
    for names, status in ((("api.example",), 404), (("other.example",), 200)):
        async with clusters(known.store, known.intake, RULES, first, client_names=names, **more) as cluster:
            assert status == (await cluster.post(fine, path, other))[0]
