"""skopeo, the real docker-registry, its notifications as our page says, to the summary in the database."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from portus_scan_server.store import Store, sqlite_url, tables
from portus_scanners_testing.images import BuiltImage, debian_image
from sqlalchemy import func, select
from standins.docker_registry import DockerRegistry
from standins.ports import free_port

from ..processes import serving

pytestmark = [pytest.mark.real_registry, pytest.mark.usefixtures("real_registry_programs"), pytest.mark.timeout(300)]
PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "watch-registries.md"
TOKEN = "0123456789abcdef-of-the-registry"
IMAGES = [debian_image({"bash": str(number)}) for number in range(2)]
FORGED = "sha256:" + "0" * 64


def endpoint_of_the_page(url: str) -> Mapping[str, Any]:
    """Return the endpoint that our page lets operators configure, with this service's address and token."""
    match = re.search(r"\n\n(    notifications:\n(?:    .*\n)+)", PAGE.read_text())
    assert match is not None
    (endpoint,) = yaml.safe_load(match[1])["notifications"]["endpoints"]
    assert endpoint["url"] == "https://scan.example/v1/events/main"
    header = f"Bearer {TOKEN}"
    assert endpoint["headers"] == {"Authorization": ["Bearer TOKEN"]}
    return {**endpoint, "url": f"{url}/v1/events/main", "headers": {"Authorization": [header]}}


async def test_from_skopeo_to_the_summary(tmp_path: Path) -> None:
    """A push is scanned; one that was told to nobody is found at the next start; what is forged changes nothing."""
    address = f"127.0.0.1:{free_port()}"
    database = sqlite_url(tmp_path / "portus-scan.db")
    config = tmp_path / "config.yml"
    async with DockerRegistry(endpoints=[endpoint_of_the_page(f"http://{address}")]) as registry:
        (tmp_path / "token").write_text(f"{TOKEN}\n")
        config.write_text(
            "security: {dummy: {server: any}}\n"
            f"registries: {{'{registry.host}': {{name: main}}}}\n"
            f"events: {{main: {{token_file: '{tmp_path / 'token'}'}}}}\n"
        )
        async with serving(tmp_path, database, config, more=("--listen", address)) as service:
            await service.until_ready()
            async with Store.open(database) as store:
                await registry.push("team/app", "1.0", IMAGES[0])
                assert ("vulnerable", "push") == await summary_of(store, IMAGES[0])
                await forge(registry, store, service.url)
        await registry.push("team/app", "2.0", IMAGES[1])
        async with serving(tmp_path, database, config), Store.open(database) as store:
            assert ("vulnerable", "first_sync") == await summary_of(store, IMAGES[1])


async def summary_of(store: Store, image: BuiltImage) -> tuple[str, str]:
    """Wait for the summary of an image; return its verdict, and why it was scanned."""
    columns = tables.summaries.c.verdict, tables.requests.c.reason
    joined = tables.images.join(tables.summaries, tables.summaries.c.image_id == tables.images.c.id)
    joined = joined.join(tables.requests, tables.requests.c.image_id == tables.images.c.id)
    query = select(*columns).select_from(joined).where(tables.images.c.digest == image.digest)
    while True:
        async with store.reading() as db:
            row = (await db.execute(query)).one_or_none()
        if row is not None:
            return row.verdict, row.reason
        await asyncio.sleep(0.05)


async def forge(registry: DockerRegistry, store: Store, url: str) -> None:
    """Tell things that are not so with the right token, and see that each costs one HEAD and changes nothing."""
    before = await catalogue(store)
    target = {"repository": "team/app", "tag": "1.0", "digest": FORGED, "url": "http://169.254.169.254/v2/"}
    forged = [
        {"action": "push", "target": target},
        {"action": "push", "target": {**target, "repository": "team/other"}},
        {"action": "delete", "target": {"repository": "team/app", "digest": IMAGES[0].digest}},
    ]
    asked = [f"HEAD /v2/team/{name}" for name in ("app/manifests/1.0", "other/", f"app/manifests/{IMAGES[0].digest}")]
    heads = [registry.log.count(one) for one in asked]
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as http:
        for number, event in enumerate(forged):
            body = {"events": [{"id": f"forged-{number}", **event}]}
            async with http.post(f"{url}/v1/events/main", json=body) as response:
                assert 202 == response.status
    waiting = select(func.count()).select_from(tables.events).where(tables.events.c.done_at.is_(None))
    while await value(store, waiting):  # noqa: ASYNC110 (a row, which tells nobody)
        await asyncio.sleep(0.05)
    assert before == await catalogue(store)
    counts = [0]
    while not all(counts):  # it writes its log after it has answered
        await asyncio.sleep(0.05)
        counts = [registry.log.count(one) - had for one, had in zip(asked, heads, strict=True)]
    assert [1, 1, 1] == counts


async def catalogue(store: Store) -> list[object]:
    """Return what is known of tags, and how many requests there are."""
    tags = select(tables.tags.c.name, tables.tags.c.image_id, tables.tags.c.missed, tables.tags.c.gone_at)
    async with store.reading() as db:
        found = [tuple(row) for row in await db.execute(tags)]
        counts = [
            select(func.count()).select_from(one) for one in (tables.requests, tables.images, tables.repositories)
        ]
        return [found, *[await db.scalar(one) for one in counts]]


async def value(store: Store, query: Any) -> int:
    """Return the number that a query gives."""
    async with store.reading() as db:
        return int((await db.execute(query)).scalar_one())
