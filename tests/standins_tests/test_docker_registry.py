"""The real registry runs, takes what skopeo pushes, and ends."""

from __future__ import annotations

import asyncio
import json
import ssl
from pathlib import Path

import aiohttp
import pytest
from portus_scanners_testing.images import (
    ACCEPT_ALL,
    DOCKER_SCHEMA1,
    EMPTY_LAYER_DIGEST,
    debian_image,
    debian_layer,
    filler_layer,
    make_image,
    make_index,
)
from standins import docker_registry
from standins.certificates import make_certificate
from standins.docker_registry import Auth, DockerRegistry, skopeo_push
from standins.programs import ProgramError, missing, run
from standins.registry_client import basic, bearer, get

pytestmark = [pytest.mark.real_registry, pytest.mark.usefixtures("real_registry_programs")]

IMAGE = debian_image({"bash": "5.2-1"})
MANIFEST = "/v2/team/app/manifests/1.0"


async def authorize(http: aiohttp.ClientSession, registry: DockerRegistry) -> str:
    """Return the header that this registry wants for team/app."""
    if registry.token_server is not None:
        return await bearer(http, registry.token_server.realm, "team/app", service="real-registry")
    return basic() if registry.credentials else ""


@pytest.mark.parametrize("auth", ["open", "htpasswd", "token"])
async def test_pull_of_what_skopeo_pushed(http: aiohttp.ClientSession, auth: Auth) -> None:
    """The manifest and the layer come back with their digests; without credentials only from the open one."""
    async with DockerRegistry(auth=auth) as registry:
        await registry.push("team/app", "1.0", IMAGE)
        header = await authorize(http, registry)
        bare = await get(http, registry.url + MANIFEST, accept=ACCEPT_ALL)
        manifest = await get(http, registry.url + MANIFEST, accept=ACCEPT_ALL, authorization=header)
        layer = await get(http, f"{registry.url}/v2/team/app/blobs/{IMAGE.layers[0].digest}", authorization=header)
        log = registry.log
    assert (200 if auth == "open" else 401) == bare.status
    assert (200, IMAGE.manifest, IMAGE.digest) == (manifest.status, manifest.body, manifest.digest)
    assert (200, IMAGE.layers[0].data) == (layer.status, layer.body)
    assert MANIFEST in log


async def test_index_with_attestations_keeps_its_digest(http: aiohttp.ClientSession) -> None:
    """Every image and every attestation is pushed along."""
    index = make_index(debian_image({}, form="oci"), make_image(filler_layer(), form="oci"), attestation=True)
    async with DockerRegistry() as registry:
        await registry.push("team/app", "1.0", index)
        digests = [index.digest, *(image.digest for image in index.manifests)]
        urls = [f"{registry.url}/v2/team/app/manifests/{digest}" for digest in digests]
        answers = [await get(http, url, accept=ACCEPT_ALL) for url in urls]
    assert digests == [got.digest for got in answers]


async def test_schema1_image(http: aiohttp.ClientSession) -> None:
    """skopeo converts; the layers stand top first, empty ones among them."""
    image = make_image(debian_layer({}), filler_layer())
    async with DockerRegistry() as registry:
        await registry.push("team/app", "1.0", image, format="v2s1")
        got = await get(http, registry.url + MANIFEST, accept=ACCEPT_ALL)
    layers = [item["blobSum"] for item in json.loads(got.body)["fsLayers"]]
    assert DOCKER_SCHEMA1 == got.media_type
    assert [EMPTY_LAYER_DIGEST, *(item.digest for item in reversed(image.layers))] == layers


async def test_token_that_has_expired_is_refused(http: aiohttp.ClientSession) -> None:
    """By more than the minute that the registry allows."""
    async with DockerRegistry(auth="token") as registry:
        await registry.push("team/app", "1.0", IMAGE)
        assert registry.token_server is not None
        registry.token_server.service.issuer.lifetime = -120
        header = await authorize(http, registry)
        got = await get(http, registry.url + MANIFEST, accept=ACCEPT_ALL, authorization=header)
    assert (401, "invalid_token") == (got.status, got.challenge["error"])


async def test_anonymous_pull(http: aiohttp.ClientSession) -> None:
    """Where it is allowed, a client without credentials gets a token for pulling."""
    async with DockerRegistry(auth="token", anonymous=True) as registry:
        await registry.push("team/app", "1.0", IMAGE)
        challenge = (await get(http, registry.url + MANIFEST)).challenge
        url = f"{challenge['realm']}?service={challenge['service']}&scope={challenge['scope']}"
        token = json.loads((await get(http, url)).body)["token"]
        got = await get(http, registry.url + MANIFEST, accept=ACCEPT_ALL, authorization=f"Bearer {token}")
    assert (200, "") == (got.status, registry.issued[-1].account)


async def test_https(tmp_path: Path) -> None:
    """With a certificate the registry speaks TLS, and skopeo can still push."""
    certificate = await make_certificate(tmp_path)
    trusting = ssl.create_default_context(cafile=certificate.certificate_file)
    async with DockerRegistry(certificate=certificate) as registry, aiohttp.ClientSession() as http:
        await registry.push("team/app", "1.0", IMAGE)
        async with http.get(registry.url + MANIFEST, headers={"Accept": ACCEPT_ALL}, ssl=trusting) as response:
            assert IMAGE.manifest == await response.read()


async def test_nothing_is_left_behind(http: aiohttp.ClientSession) -> None:
    """Afterwards the port is closed and the storage gone."""
    async with DockerRegistry() as registry:
        folder, url = registry._folder, f"{registry.url}/v2/"
        assert 200 == (await get(http, url)).status
    with pytest.raises(aiohttp.ClientConnectorError):
        await get(http, url)
    assert not folder.exists()


async def test_failed_push_says_why(tmp_path: Path) -> None:
    """The message is skopeo's, not the credentials."""
    with pytest.raises(ProgramError, match=r"skopeo ended with 1: .*no such file") as caught:
        await skopeo_push(tmp_path / "none", "127.0.0.1:1/team/app:1", creds=("user", "opensesame"))
    assert "opensesame" not in str(caught.value)


async def test_program_that_does_not_end_is_ended() -> None:
    """When its time is up, and when its caller is cancelled."""
    with pytest.raises(ProgramError, match="did not end within"):
        await run("sleep", "1000", timeout=0)
    task = asyncio.create_task(run("sleep", "1000"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_missing_programs_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skipped where they may be absent, failed where they are required."""
    assert ["no-such-program"] == missing("no-such-program", "skopeo")
    check = docker_registry.check_programs
    monkeypatch.setattr(docker_registry, "PROGRAMS", ("no-such-program",))
    monkeypatch.delenv(docker_registry.REQUIRE, raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-program"):
        check()
    monkeypatch.setenv(docker_registry.REQUIRE, "1")
    with pytest.raises(pytest.fail.Exception, match="no-such-program"):
        check()
