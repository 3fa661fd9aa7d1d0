"""Harbor asks for scans: what it is told, what it may pull with, and what becomes of that."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections import Counter
from typing import Any

import pytest
from portus_scan_server.harbor import HarborAccess, harbor_desk
from portus_scan_server.harbor.harbor_scans import tidy
from portus_scan_server.store import Store, StoreUnavailableError, database_now, tables
from portus_scanners_testing import StandInRegistry
from portus_scanners_testing.images import debian_image, make_index
from portus_scanners_testing.registry import PASSWORD, USERNAME, TokenServer
from sqlalchemy import func, select, update

from ..test_runner import Gate
from .harbors import DOCKER, KEY, METADATA, REPORT, REQUEST, RESPONSE, ScanFailedError, answering, configuration

ACCOUNT = f"{USERNAME}:{PASSWORD}"
NOBODY = "3f0c1d0e-6b7a-4c58-9d10-0123456789ab"


@pytest.fixture
async def guarded() -> Any:
    """A registry that wants a token of its own service."""
    async with StandInRegistry(auth="token") as server:
        yield server


async def scans(store: Store) -> list[Any]:
    """Return the rows of what Harbor has asked for."""
    async with store.reading() as db:
        return list((await db.execute(select(tables.harbor_scans))).all())


async def test_a_scan_as_harbor_asks_for_it(store: Store, database: str, guarded: StandInRegistry) -> None:
    """Harbor takes what the scanner says of itself and gets each finding once; nothing is left of the credentials."""
    digest = guarded.push("team/app", "1.0", debian_image({"bash": "5"}))
    async with answering(store, database, guarded) as harbor:
        assert {"Basic"} == {
            value for key, value in (await harbor.ping())["properties"].items() if key.endswith("authorization-type")
        }
        report = await harbor.scan("team/app", digest, ACCOUNT)
    assert {"repository": "team/app", "digest": digest, "tag": "1.0", "mime_type": DOCKER} == report["artifact"]
    found = report["vulnerabilities"]
    assert 3 == len({(one["id"], one["package"], one["version"]) for one in found}) == len(found)
    assert "dummy" in report["scanner"]["version"]
    (row,) = await scans(store)
    assert ("done", None) == (row.state, row.sealed)


async def test_several_requests_for_one_digest_share_a_scan(
    store: Store, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One digest in many repositories is scanned once, and who can't pull it is told nothing of what was found."""
    gate = Gate()
    monkeypatch.setattr("portus_scanner_dummy.scanner.sleep", gate)
    async with StandInRegistry(auth="basic") as registry:
        for name in range(8):
            digest = registry.push(f"team/app{name}", "1.0", debian_image({"bash": "5"}))
        async with answering(store, database, registry) as harbor:
            asked = [harbor.scan(f"team/app{name}", digest, ACCOUNT) for name in range(8)]
            wrong = harbor.scan("team/app0", digest, f"{USERNAME}:another")
            answered = asyncio.gather(*asked, wrong, return_exceptions=True)
            while Counter(one.state for one in await scans(store)) != {"asked": 8, "failed": 1}:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            gate.open.set()
            *reports, refused = await answered
    assert [3] * 8 == [len(one["vulnerabilities"]) if isinstance(one, dict) else one for one in reports]
    assert isinstance(refused, ScanFailedError)
    assert "another" not in str(refused)
    async with store.reading() as db:
        assert [1] == (await db.execute(select(tables.runs.c.times))).scalars().all()


async def test_what_is_not_whole_is_no_report(store: Store, database: str, registry: StandInRegistry) -> None:
    """A scan that failed, or did not see all, is 500 with the reason, and so is what the registry does not have."""
    faults = ("failed", "incomplete", "unsupported", "nothing")
    script = [{"image": f"*team/{fault}*", "behaviour": fault} for fault in faults]
    names = dict.fromkeys(faults)
    for number, fault in enumerate(faults):
        names[fault] = registry.push(f"team/{fault}", "1.0", debian_image({"bash": f"{number}"}))
    async with answering(store, database, registry, settings=configuration(*script)) as harbor:
        for fault, digest in names.items():
            with pytest.raises(ScanFailedError, match=f"^500: dummy: {fault if fault != 'nothing' else 'failed'}"):
                await harbor.scan(f"team/{fault}", str(digest))
        with pytest.raises(ScanFailedError, match=r"500: .*404"):
            await harbor.scan("team/failed", f"sha256:{'0' * 64}")
        empty = registry.push("team/empty", "1.0", make_index(debian_image({"bash": "5"})))
        with pytest.raises(ScanFailedError, match="500: it was not scanned: it is not an image"):
            await harbor.scan("team/empty", empty)


async def test_bad_requests_are_said_to_be_so(store: Store, database: str, registry: StandInRegistry) -> None:
    """Each request that can't be done has its status and an error that Harbor can read, which repeats no secret."""
    good = {"Content-Type": REQUEST, "Accept": RESPONSE}
    digest = registry.push("team/app", "1.0", debian_image({"bash": "5"}))
    async with answering(store, database, registry, works=False) as harbor:

        def asked(**more: Any) -> dict[str, Any]:
            return {**harbor.request("team/app", digest), **more}

        def registered(**more: Any) -> dict[str, Any]:
            return asked(registry={"url": registry.url, "authorization": "", **more})

        def about(**more: Any) -> dict[str, Any]:
            return asked(artifact={**harbor.request("team/app", digest)["artifact"], **more})

        for status, body in [
            (400, b"nonsense"),
            (400, b"[" * 100_000),
            (400, b'{"artifact": {}, "artifact": {}}'),
            (400, []),
            (422, asked(registry=None)),
            (422, registered(url="")),
            (422, registered(url="https://elsewhere.example")),
            (422, registered(url=7)),
            (422, registered(authorization="Basic c2VjcmV0LW9mLWhhcmJvcg==")),
            (422, registered(authorization="Digest secret-of-harbor")),
            (422, registered(authorization="Bearer secret-of-harbor\n2")),
            (422, about(repository="../x")),
            (422, about(digest="sha256:7")),
            (422, about(tag="a b")),
            (422, about(mime_type="application/vnd.oci.image.index.v1+json")),
            (422, asked(enabled_capabilities=7)),
            (422, asked(enabled_capabilities=[7])),
            (422, asked(enabled_capabilities=[{"type": "magic"}])),
            (400, asked(enabled_capabilities=[{"type": "vulnerability"}])),
            (501, asked(enabled_capabilities=[{"type": "sbom", "produces_mime_types": ["x"]}])),
            (501, asked(enabled_capabilities=[{"produces_mime_types": ["x"]}])),
            (413, b" " * 2_000_000),
        ]:
            found, (_, content) = await harbor.send("POST", "/scan", good, body)
            assert (status, str) == (found, type(json.loads(content)["error"]["message"])), body
            assert b"secret-of" not in content
        assert 415 == (await harbor.send("POST", "/scan", {"Content-Type": "application/json"}, asked()))[0]
        for status, path, accept in [
            (404, f"/scan/{NOBODY}/report", REPORT),
            (404, f"/scan/{NOBODY}/report", "*/*"),
            (404, "/scan/7/report", REPORT),
            (501, f"/scan/{NOBODY}/report", "application/vnd.security.sbom.report+json; version=1.0"),
            (415, f"/scan/{NOBODY}/report", "text/html"),
        ]:
            found, (_, content) = await harbor.send("GET", path, {"Accept": accept})
            assert (status, str) == (found, type(json.loads(content)["error"]["message"])), path
        newer = {
            "Content-Type": REQUEST.replace("1.0", "1.1"),
            "Accept": RESPONSE.replace("; version=1.0", ";version=1.1"),
        }
        status, (headers, _) = await harbor.send("POST", "/scan", newer, asked(enabled_capabilities=[]))
        assert (202, RESPONSE.replace("1.0", "1.1")) == (status, headers["Content-Type"])
    assert 1 == len(await scans(store))


async def test_harbor_proves_itself_in_its_four_ways(store: Store, database: str, registry: StandInRegistry) -> None:
    """Each way of its form is taken where the registration has it, and no other one; nobody else is told anything."""
    for access in HarborAccess:
        async with answering(store, database, registry, works=False, access=access) as harbor:
            assert await harbor.ping()
            for headers in ({"Authorization": "Basic eDp5"}, {"Authorization": "", "X-ScannerAdapter-API-Key": "x"}):
                status, (_, content) = await harbor.send("GET", "/metadata", {"Accept": METADATA, **headers})
                assert (200 if access is HarborAccess.NONE or not set(headers) & set(harbor.headers) else 401) == status
                assert json.loads(content)


async def test_the_database_is_away(
    store: Store, database: str, registry: StandInRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A poll for a well-formed id comes again, never 404; a scan is not taken; the scanner says what it is."""

    def away(_store: Store) -> Any:
        raise StoreUnavailableError("it is away")

    async with answering(store, database, registry, works=False) as harbor:
        uid = await harbor.submit(harbor.request("team/app", f"sha256:{'0' * 64}"))
        monkeypatch.setattr(Store, "reading", away)
        monkeypatch.setattr(Store, "writing", away)
        for one in (uid, NOBODY):
            assert 0 < (await harbor.poll(one))[0]
        assert await harbor.ping()
        with pytest.raises(ScanFailedError, match="503"):
            await harbor.submit(harbor.request("team/app", f"sha256:{'0' * 64}"))


async def test_a_scan_has_an_end(store: Store, database: str, registry: StandInRegistry) -> None:
    """What is not done in its time is 500, by a poll and by the runner; then nobody is asked with its credentials."""
    digest = registry.push("team/app", "1.0", debian_image({"bash": "5"}))
    script = {"behaviour": "hang"}
    over = update(tables.harbor_scans).values(over_at=database_now(-1))
    async with answering(store, database, registry, works=False) as harbor:
        uid = await harbor.submit(harbor.request("team/app", digest))
        async with store.writing() as db:
            await db.execute(over)
        with pytest.raises(ScanFailedError, match="500: it was not done within 3600 s"):
            await harbor.wait(uid)
    async with answering(store, database, registry, settings=configuration(script)) as harbor:
        uid = await harbor.submit(harbor.request("team/app", digest))
        while "asked" not in {one.state for one in await scans(store)}:  # noqa: ASYNC110 (nobody tells it)
            await asyncio.sleep(0.02)
        async with store.writing() as db:
            await db.execute(over)
        while {"failed"} != {one.state for one in await scans(store)}:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    async with store.writing() as db:  # the runner was ended, and has given its request back
        await tidy(db)
        assert ["failed"] == (await db.execute(select(tables.requests.c.state))).scalars().all()
        await db.execute(update(tables.harbor_scans).values(ended_at=database_now(-90_000)))
        await tidy(db)
        assert 0 == await db.scalar(select(func.count()).select_from(tables.harbor_scans))


async def test_credentials_go_to_the_registration_s_hosts_alone(store: Store, database: str) -> None:
    """A token service that the registration does not name is not asked; a named one is, and so is the registry."""
    async with TokenServer() as tokens, StandInRegistry(auth="token", token_server=tokens) as registry:
        digest = registry.push("team/app", "1.0", debian_image({"bash": "5"}))
        async with answering(store, database, registry) as harbor:
            with pytest.raises(ScanFailedError, match=r"500: .*must not be connected to"):
                await harbor.scan("team/app", digest, ACCOUNT)
        assert [] == tokens.requests
        async with answering(store, database, registry, hosts=(tokens.host,)) as harbor:
            assert 3 == len((await harbor.scan("team/app", digest, ACCOUNT))["vulnerabilities"])
            bearer = harbor.request("team/app", digest)
            bearer["registry"]["authorization"] = f"Bearer {tokens.service.issuer.issued[-1].value}"
            assert 3 == len((await harbor.wait(await harbor.submit(bearer)))["vulnerabilities"])


async def test_another_key_reads_nothing(
    store: Store, database: str, guarded: StandInRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the runner has another key a scan is 500 and says why; neither database nor log ever holds a secret."""
    digest = guarded.push("team/app", "1.0", debian_image({"bash": "5"}))
    async with answering(store, database, guarded, key=f"{'A' * 43}=") as harbor:
        with pytest.raises(ScanFailedError, match=r"500: the credentials .* can't be read: has this process"):
            await harbor.scan("team/app", digest, ACCOUNT)
    async with answering(store, database, guarded, works=False) as harbor:
        await harbor.submit(harbor.request("team/app", digest, ACCOUNT))
    kept = "".join(f"{tuple(row)}" for row in await scans(store))
    assert "team/app" in kept
    for secret in (PASSWORD, b64encode(ACCOUNT.encode()).decode(), KEY):
        assert secret not in kept + caplog.text


async def test_a_report_that_can_not_be_made_keeps_no_other_waiting(
    store: Store, database: str, registry: StandInRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of this program ends the one scan with 500, and those behind it have their reports."""
    digests = [registry.push("team/app", "1.0", debian_image({"bash": f"{number}"})) for number in range(2)]
    made = harbor_desk.make_document

    def make(stored: Any) -> Any:
        if stored.order.images[0][1] == digests[0]:
            raise RuntimeError("broken")
        return made(stored)

    monkeypatch.setattr(harbor_desk, "make_document", make)
    async with answering(store, database, registry) as harbor:
        with pytest.raises(ScanFailedError, match="500: a fault of this program: see its log"):
            await harbor.scan("team/app", digests[0])
        assert 3 == len((await harbor.scan("team/app", digests[1]))["vulnerabilities"])
