"""References become images."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from portus_images import InvalidManifestError, Registry, RegistrySettings
from portus_scanners import (
    Image,
    ImageNotFoundError,
    Platform,
    Reference,
    RegistryAuthError,
    RegistryError,
    RegistryUnavailableError,
)
from portus_scanners_testing import Disconnect, EmptyBody, ScriptedServer, StandInRegistry, Status, Truncated
from portus_scanners_testing.images import (
    DOCKER_SCHEMA1,
    OCI_INDEX,
    OCI_MANIFEST,
    BuiltImage,
    digest_of,
    filler_layer,
    make_helm_chart,
    make_image,
    make_index,
)
from portus_scanners_testing.registry import signed_schema1

from .conftest import LOGIN, Connect

IMAGE = make_image(filler_layer("base"), filler_layer("top"))
ARM = make_image(filler_layer("base"), architecture="arm", variant="v7", form="oci")


async def resolve(client: Registry, server: Any, tag: str = "1", platform: str | None = None) -> Image:
    """Resolve ``team/app`` on a server."""
    separator = "@" if ":" in tag else ":"
    reference = Reference.parse(f"{server.host}/team/app{separator}{tag}")
    return await client.resolve(reference, Platform.parse(platform) if platform else None)


@pytest.mark.parametrize("auth", ["open", "basic", "token"])
@pytest.mark.parametrize("by_digest", [False, True])
async def test_an_image_is_resolved_whatever_the_registry_asks_for(
    connect: Connect, auth: Any, by_digest: bool
) -> None:
    """By tag and by digest, at open registries and at such with Basic authentication or tokens."""
    async with StandInRegistry(auth=auth) as server:
        server.push("team/app", "1", IMAGE)
        client = connect({server.host: RegistrySettings(**LOGIN)})
        found = await resolve(client, server, IMAGE.digest if by_digest else "1")

    assert (IMAGE.digest, IMAGE.media_type) == (found.digest, found.media_type)
    assert [layer.digest for layer in IMAGE.layers] == [layer.digest for layer in found.layers]
    assert digest_of(IMAGE.config) == found.config_digest
    assert Platform("linux", "amd64") == found.platform
    assert found.unsupported is None


@pytest.mark.parametrize("form", ["docker", "oci"])
async def test_an_index_gives_the_image_of_the_platform(connect: Connect, form: Any) -> None:
    """The digest is that of the platform's own manifest."""
    async with StandInRegistry() as server:
        server.push("team/app", "1", make_index(IMAGE, ARM, form=form, attestation=True))
        found = await resolve(connect(), server, platform="linux/arm")

    assert ARM.digest == found.digest
    assert Platform("linux", "arm", "v7") == found.platform


async def test_an_image_keeps_the_index_and_the_platform_that_was_asked_for(connect: Connect) -> None:
    """Both say what a pull of the same name gives on a machine of that platform; one image alone has neither."""
    index = make_index(ARM, IMAGE)
    async with StandInRegistry() as server:
        server.push("team/app", "1", index)
        server.push("team/app", "2", IMAGE)
        indexed = await resolve(connect(), server, platform="linux/x86_64")
        alone = await resolve(connect(), server, "2", platform="linux/x86_64")

    assert (index.digest, Platform("linux", "amd64")) == (indexed.index_digest, indexed.index_platform)
    assert (None, None) == (alone.index_digest, alone.index_platform)


async def test_without_a_platform_it_is_the_machines_own(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's name is Go's."""
    monkeypatch.setattr("platform.machine", lambda: "armv7l")
    async with StandInRegistry() as server:
        server.push("team/app", "1", make_index(IMAGE, ARM))
        found = await resolve(connect(), server)

    assert ARM.digest == found.digest


async def test_a_platform_that_is_not_there_is_an_error_that_lists_those_that_are(connect: Connect) -> None:
    """The user can choose one of them."""
    async with StandInRegistry() as server:
        server.push("team/app", "1", make_index(IMAGE, ARM, attestation=True))
        with pytest.raises(ImageNotFoundError, match=r"linux/s390x; there are: linux/amd64, linux/arm/v7;"):
            await resolve(connect(), server, platform="linux/s390x")


async def test_a_platform_chooses_only_in_an_index(connect: Connect) -> None:
    """A single image is what it is."""
    async with StandInRegistry() as server:
        server.push("team/app", "1", IMAGE)
        found = await resolve(connect(), server, platform="linux/s390x")

    assert Platform("linux", "amd64") == found.platform


def wrap(*entries: dict[str, Any]) -> tuple[str, bytes]:
    """Return digest and body of an index of these entries."""
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(entries)}).encode()
    return digest_of(body), body


def nest(server: ScriptedServer, image: BuiltImage, depth: int) -> None:
    """Script ``team/app:1`` as an image inside so many indexes."""
    server.script(f"/v2/team/app/manifests/{image.digest}", image.manifest, content_type=image.media_type)
    entry: dict[str, Any] = {"mediaType": image.media_type, "digest": image.digest, "platform": dict(image.platform)}
    body = image.manifest
    for _ in range(depth):
        digest, body = wrap(entry)
        server.script(f"/v2/team/app/manifests/{digest}", body, content_type=OCI_INDEX)
        entry = {"mediaType": OCI_INDEX, "digest": digest}
    server.script("/v2/team/app/manifests/1", body, content_type=OCI_INDEX)


async def test_an_image_may_be_inside_three_indexes(connect: Connect) -> None:
    """The platform is the innermost index'."""
    async with ScriptedServer() as server:
        nest(server, ARM, 3)
        found = await resolve(connect(), server, platform="linux/arm")

    assert (ARM.digest, Platform("linux", "arm", "v7")) == (found.digest, found.platform)


async def test_a_fourth_index_is_refused(connect: Connect) -> None:
    """Somebody is playing."""
    async with ScriptedServer() as server:
        nest(server, ARM, 4)
        with pytest.raises(InvalidManifestError, match="more than 3 indexes"):
            await resolve(connect(), server, platform="linux/arm")


async def test_a_chart_is_resolved_and_says_what_it_is(connect: Connect) -> None:
    """No error: whether that is bad is for others to say; its configuration is not asked for a platform."""
    chart = make_helm_chart()
    async with StandInRegistry() as server:
        server.push("team/app", "1", chart)
        found = await resolve(connect(), server)
        assert [] == [request.path for request in server.requests if "/blobs/" in request.path]

    assert chart.digest == found.digest
    assert found.platform is None
    assert "Helm chart" in (found.unsupported or "")


async def test_a_schema_1_image_is_resolved_by_the_digest_of_its_payload(connect: Connect) -> None:
    """Which is what the registry calls it."""
    signed, payload = signed_schema1(IMAGE, "team/app", "1")
    headers = {"Docker-Content-Digest": digest_of(payload)}
    async with ScriptedServer() as server:
        server.script("/v2/team/app/manifests/1", signed, content_type=DOCKER_SCHEMA1, headers=headers)
        found = await resolve(connect(), server)

    assert digest_of(payload) == found.digest
    assert (None, None, Platform("linux", "amd64")) == (found.unsupported, found.config_digest, found.platform)
    assert [layer.digest for layer in IMAGE.layers] == [layer.digest for layer in found.layers][:2]


async def test_all_manifests_are_asked_for_and_nothing_compressed(connect: Connect) -> None:
    """Schema 1 last, so that a registry converts nothing that it need not."""
    async with StandInRegistry() as server:
        server.push("team/app", "1", IMAGE)
        await resolve(connect(), server)
        asked = next(request for request in server.requests if "/manifests/" in request.path)

    types = [item.strip() for item in asked.headers["Accept"].split(",")]
    assert OCI_INDEX in types[:4]
    assert [";q=0." in item for item in types] == [False] * 4 + [True] * 4
    assert "identity" == asked.headers["Accept-Encoding"]


@pytest.mark.parametrize(
    "digest", ["sha256:" + "0" * 64, "sha512:" + "0" * 128, "nonsense", "md5:" + "0" * 32, "sha256:../x"]
)
async def test_a_header_with_another_digest_does_not_decide_what_a_tag_is(connect: Connect, digest: str) -> None:
    """Registries that convert a manifest send the digest of what it was made of: the body's own counts."""
    async with ScriptedServer() as server:
        server.script(
            "/v2/team/app/manifests/1",
            IMAGE.manifest,
            content_type=IMAGE.media_type,
            headers={"Docker-Content-Digest": digest},
        )
        found = await resolve(connect(), server)

    assert IMAGE.digest == found.digest


async def test_a_digest_whose_content_is_another_is_refused(connect: Connect) -> None:
    """Whatever the registry says of it."""
    other = "sha256:" + "0" * 64
    async with ScriptedServer() as server:
        server.script(f"/v2/team/app/manifests/{other}", IMAGE.manifest, content_type=IMAGE.media_type)
        with pytest.raises(InvalidManifestError, match=f"not {other}"):
            await resolve(connect(), server, other)


async def test_an_entry_of_an_index_is_verified(connect: Connect) -> None:
    """The index vouches for its images."""
    index = make_index(IMAGE)
    async with ScriptedServer() as server:
        server.script("/v2/team/app/manifests/1", index.manifest, content_type=index.media_type)
        server.script(f"/v2/team/app/manifests/{IMAGE.digest}", ARM.manifest, content_type=OCI_MANIFEST)
        with pytest.raises(InvalidManifestError, match="digest"):
            await resolve(connect(), server, platform="linux/amd64")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"<html>Please log in</html>", "text/html"),
        (b"", "text/plain"),
        (b"\x00\xff", "application/octet-stream"),
        (b"[]", OCI_MANIFEST),
        (b'{"hello": "world"}', "application/json"),
    ],
)
async def test_a_page_instead_of_a_manifest_is_no_registrys_answer(
    connect: Connect, body: bytes, content_type: str
) -> None:
    """The message names what came and the registry."""
    async with ScriptedServer() as server:
        server.script("/v2/team/app/manifests/1", body, content_type=content_type)
        with pytest.raises(InvalidManifestError, match=content_type.replace("+", r"\+")) as caught:
            await resolve(connect(), server)

        assert server.host in str(caught.value)
    assert ("manifest", 200) == (caught.value.step, caught.value.status)


async def test_an_empty_200_is_no_image(connect: Connect) -> None:
    """Some proxies answer so; it must not become an image without layers."""
    async with StandInRegistry() as server:
        server.push("team/app", "1", IMAGE)
        server.faults.add("/v2/team/app/manifests/*", EmptyBody())
        with pytest.raises(InvalidManifestError):
            await resolve(connect(), server)


async def test_a_manifest_of_any_length_is_not_read(connect: Connect) -> None:
    """Four megabytes are the limit."""
    async with ScriptedServer() as server:
        server.script("/v2/team/app/manifests/1", b" " * (4 * 1024 * 1024 + 1), content_type=OCI_MANIFEST)
        with pytest.raises(InvalidManifestError, match="longer than 4194304 bytes"):
            await resolve(connect(), server)


STATUSES: list[tuple[int, type[RegistryError]]] = [
    (400, RegistryError),
    (401, RegistryAuthError),
    (403, RegistryAuthError),
    (404, ImageNotFoundError),
    (405, RegistryError),
    (429, RegistryUnavailableError),
    (500, RegistryUnavailableError),
    (502, RegistryUnavailableError),
    (503, RegistryUnavailableError),
    (599, RegistryUnavailableError),
    (304, RegistryError),
    (204, InvalidManifestError),
]


@pytest.mark.parametrize(("status", "kind"), STATUSES)
async def test_a_status_becomes_the_error_that_says_what_to_do(
    connect: Connect, status: int, kind: type[RegistryError]
) -> None:
    """The error has the registry, the step and the status, and the registry's words in one short line."""
    async with ScriptedServer() as server:
        said = {"errors": [{"code": "SOME_CODE", "message": "its\nown\x1b[31m words " + "x" * 400}]}
        server.script("/v2/team/app/manifests/1", said if status not in {204, 304} else b"", status=status)
        with pytest.raises(RegistryError) as caught:
            await resolve(connect(), server)
        message = str(caught.value)

        assert (kind, server.host, status) == (type(caught.value), caught.value.registry, caught.value.status)
        assert server.host in message
    assert caught.value.step in {"manifest", "token"}
    assert message.isprintable()
    assert len(message) < 600
    if status not in {204, 304, 401}:
        assert "SOME_CODE: its own [31m words xx" in message


async def test_a_404_says_what_is_unknown(connect: Connect) -> None:
    """Name, tag, and the registry's code."""
    async with StandInRegistry() as server:
        with pytest.raises(ImageNotFoundError, match=r"team/app:1.*MANIFEST_UNKNOWN"):
            await resolve(connect(), server)


@pytest.mark.parametrize("fault", [Disconnect(), Truncated(keep=10)], ids=["disconnect", "truncated"])
async def test_a_connection_that_breaks_is_an_unavailable_registry(connect: Connect, fault: Any) -> None:
    """Half a manifest is none."""
    async with StandInRegistry() as server:
        server.push("team/app", "1", IMAGE)
        server.faults.add("/v2/team/app/manifests/*", fault)
        with pytest.raises(RegistryUnavailableError) as caught:
            await resolve(connect(), server)

    assert "manifest" == caught.value.step


async def test_a_registry_that_is_not_there_is_unavailable(connect: Connect) -> None:
    """The step is the connection."""
    async with StandInRegistry() as server:
        pass
    with pytest.raises(RegistryUnavailableError) as caught:
        await resolve(connect(), server)

    assert "connect" == caught.value.step


async def test_an_answer_that_does_not_come_ends_at_the_deadline(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole request has one deadline, drop by drop or not at all."""
    client = connect()
    async with ScriptedServer() as server:
        with pytest.raises(ImageNotFoundError):  # now the client knows how to reach the server
            await resolve(client, server, "0")
        monkeypatch.setattr("portus_images.registry.transport.sender.DEADLINE", 0.05)
        released = asyncio.Event()

        async def hang(_request: Any) -> Any:
            await released.wait()

        server.script("/v2/team/app/manifests/1", hang)
        with pytest.raises(RegistryUnavailableError, match="did not answer in time"):
            await resolve(client, server)
        released.set()


@pytest.mark.parametrize(
    "config",
    [b"", b"[]", b"{", b'{"os": 5}', b'{"os": "li\\u001bnux", "architecture": "amd64"}', b"{}", None],
)
async def test_a_configuration_that_cannot_be_had_leaves_the_platform_unknown(
    connect: Connect, config: bytes | None
) -> None:
    """Never an error: nobody needs it to scan."""
    body = config or b"{}"
    document = json.loads(IMAGE.manifest)
    document["config"]["digest"] = digest_of(body)
    async with ScriptedServer() as server:
        server.script("/v2/team/app/manifests/1", document, content_type=IMAGE.media_type)
        if config is not None:
            server.script(f"/v2/team/app/blobs/{digest_of(body)}", body)
        found = await resolve(connect(), server)

    assert found.platform is None
    assert 2 == len(found.layers)


@pytest.mark.parametrize("fault", [Status(500), Disconnect(), EmptyBody()])
async def test_a_configuration_that_is_not_the_one_leaves_the_platform_unknown(connect: Connect, fault: Any) -> None:
    """Its digest is verified."""
    async with StandInRegistry() as server:
        server.push("team/app", "1", IMAGE)
        server.faults.add("/v2/team/app/blobs/*", fault)
        found = await resolve(connect(), server)

    assert found.platform is None


async def test_many_at_once_get_their_images(connect: Connect) -> None:
    """One client serves many tasks, and asks for one token."""
    async with StandInRegistry(auth="token") as server:
        server.push("team/app", "1", IMAGE)
        client = connect({server.host: RegistrySettings(**LOGIN)})
        found = await asyncio.gather(*(resolve(client, server) for _ in range(20)))

        assert {IMAGE.digest} == {image.digest for image in found}
        assert 1 == len(server.issued)


async def test_a_closed_client_opens_nothing_any_more() -> None:
    """Using it is a fault of the program."""
    async with StandInRegistry() as server:
        async with Registry(environ={}) as client:
            pass
        with pytest.raises(RuntimeError, match="closed"):
            await resolve(client, server)


async def test_closing_ends_what_is_under_way(connect: Connect) -> None:
    """Nobody hangs on a client that is gone."""
    async with ScriptedServer() as server:
        asked, released = asyncio.Event(), asyncio.Event()

        async def hang(_request: Any) -> Any:
            asked.set()
            await released.wait()

        server.script("/v2/team/app/manifests/1", hang)
        client = connect()
        waiting = asyncio.create_task(resolve(client, server))
        await asked.wait()
        await client.aclose()
        with pytest.raises(RegistryUnavailableError):
            await waiting
        released.set()
