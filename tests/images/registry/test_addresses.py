"""One registry, several addresses: ours, the backends', those that only look alike."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from portus_images import Registry, RegistrySettings
from portus_images.registry.access.challenge import Right, make_realm
from portus_images.registry.hosts import HostSettings, same_origin
from portus_scanners import Image, Layer, Reference, RegistryAuthError, RegistryError, RegistryUnavailableError, Secret
from portus_scanners_testing import ScriptedServer
from portus_scanners_testing.registry import StandInRegistry
from yarl import URL

from .conftest import BUILT, LOGIN, MANIFEST, Certificate, Connect, reference_on

IMAGE = "registry.example/team/app:1"


async def resolve(client: Registry, text: str = IMAGE) -> Image:
    """Resolve an image."""
    return await client.resolve(Reference.parse(text))


@pytest.mark.parametrize("auth", ["open", "basic", "token"])
async def test_a_backend_gets_its_own_address(connect: Connect, auth: Any) -> None:
    """With the credentials that it is configured with; we ourselves ask where we can reach it."""
    async with StandInRegistry(auth=auth) as server:
        server.push("team/app", "1", BUILT)
        settings = RegistrySettings(**LOGIN, backend_url="http://registry.internal:5000")
        client = connect({server.host: settings})
        image = await client.resolve(reference_on(server))
        access = await client.blob(image, image.layers[0])
        head = await client.head_blob(image, image.layers[0])

        assert f"http://registry.internal:5000/v2/team/app/blobs/{image.layers[0].digest}" == access.url
        assert {"open": ["Basic"], "basic": ["Basic"], "token": ["Bearer"]}[auth] == [
            value.split()[0] for value in access.headers.values()
        ]
        assert 200 == head.status


async def test_a_program_on_this_machine_gets_our_own_address(connect: Connect) -> None:
    """The backends' may not resolve here."""
    async with StandInRegistry() as server:
        server.push("team/app", "1", BUILT)
        client = connect({server.host: RegistrySettings(backend_url="http://registry.internal:5000")})
        image = await client.resolve(reference_on(server))
        access = await client.blob(image, image.layers[0], from_here=True)

        assert f"{server.url}/v2/team/app/blobs/{image.layers[0].digest}" == access.url


@pytest.mark.parametrize("own", [{"ca_file": True}, {"insecure": "true"}], ids=["authority", "insecure"])
async def test_a_backend_is_told_of_tls_settings_that_it_cant_know(
    connect: Connect, certificate: Certificate, own: dict[str, Any]
) -> None:
    """For the address that they are for, and no other."""
    values = own | ({"ca_file": str(certificate.ca_file)} if "ca_file" in own else {})
    async with StandInRegistry(tls=certificate.server) as server:
        server.push("team/app", "1", BUILT)
        client = connect({server.host: RegistrySettings(**values, backend_url="https://registry.internal")})
        image = await client.resolve(reference_on(server))
        ours = await client.blob(image, image.layers[0], from_here=True)
        theirs = await client.blob(image, image.layers[0])

    assert (True, False) == (ours.own_tls, theirs.own_tls)


async def test_plain_http_has_no_tls_settings(connect: Connect) -> None:
    """``insecure`` allows it."""
    async with StandInRegistry() as server:
        server.push("team/app", "1", BUILT)
        client = connect({server.host: RegistrySettings(insecure="true")})
        image = await client.resolve(reference_on(server))
        assert not (await client.blob(image, image.layers[0])).own_tls


async def test_a_backend_that_was_first_to_ask_gets_it_too(connect: Connect) -> None:
    """Nothing was resolved before."""
    async with StandInRegistry(auth="token") as server:
        server.push("team/app", "1", BUILT)
        client = connect({server.host: RegistrySettings(**LOGIN, backend_url="https://registry.internal")})
        layer = Layer(digest=BUILT.layers[0].digest)
        access = await client.blob(Image(reference=reference_on(server), digest=BUILT.digest), layer)

    assert access.url.startswith("https://registry.internal/v2/team/app/blobs/sha256:")
    assert access.headers["Authorization"].startswith("Bearer ")


async def test_docker_hub_may_be_somewhere_else(connect: Connect) -> None:
    """``url`` is where we reach a registry; the image keeps its name."""
    async with StandInRegistry(auth="basic") as mirror:
        mirror.push("library/alpine", "3", BUILT)
        image = await resolve(connect({"docker.io": RegistrySettings(**LOGIN, url=mirror.url)}), "alpine:3")

    assert ("docker.io", BUILT.digest) == (image.reference.registry, image.digest)


async def test_an_address_takes_the_tls_of_its_registry(connect: Connect, certificate: Certificate) -> None:
    """CA file and ``insecure`` stand in one section."""
    async with StandInRegistry(auth="basic", tls=certificate.server) as server:
        server.push("team/app", "1", BUILT)
        settings = RegistrySettings(**LOGIN, url=server.url, ca_file=certificate.ca_file)
        image = await resolve(connect({"registry.example": settings}))

    assert BUILT.digest == image.digest


async def test_an_address_is_not_asked_in_another_scheme(connect: Connect, certificate: Certificate) -> None:
    """It says which."""
    async with StandInRegistry(tls=certificate.server) as server:
        settings = RegistrySettings(url=server.url.replace("https", "http"), insecure=True)
        with pytest.raises(RegistryUnavailableError, match=r"^registry\.example, "):
            await resolve(connect({"registry.example": settings}))


async def test_a_log_in_is_for_its_name_and_not_for_another_address(connect: Connect, tmp_path: Path) -> None:
    """What ``docker login registry.example`` stored is not sent to a mirror; what is stored for the mirror is."""
    auth = b64encode(b"user:opensesame").decode()
    async with StandInRegistry(auth="basic") as mirror:
        mirror.push("team/app", "1", BUILT)
        client = connect({"registry.example": RegistrySettings(url=mirror.url)}, DOCKER_CONFIG=str(tmp_path))
        (tmp_path / "config.json").write_text(json.dumps({"auths": {"registry.example": {"auth": auth}}}))
        with pytest.raises(RegistryAuthError, match="no credentials"):
            await resolve(client)
        assert [] == [request for request in mirror.requests if "Authorization" in request.headers]

        (tmp_path / "config.json").write_text(json.dumps({"auths": {mirror.host: {"auth": auth}}}))
        assert BUILT.digest == (await resolve(client)).digest


LOOK_ALIKES = [
    "registry.example.evil.com",
    "evil.registry.example",
    "registry.example:5000",
    "registry.example:80",
    "registry.exampl",
    "xregistry.example",
]


@pytest.mark.parametrize("name", LOOK_ALIKES)
async def test_a_host_that_looks_alike_gets_nothing(connect: Connect, tmp_path: Path, name: str) -> None:
    """Neither from the configuration nor from Docker's file nor from podman's."""
    auth = {"auth": b64encode(b"user:canary").decode()}
    for path in ("config.json", "auth.json"):
        (tmp_path / path).write_text(
            json.dumps({"auths": {"registry.example": auth, "https://registry.example/v2/": auth}})
        )
    async with StandInRegistry(auth="basic") as server:
        settings = {"registry.example": RegistrySettings(username="user", password=Secret("canary"))}
        settings[name] = RegistrySettings(url=server.url)
        files = {"DOCKER_CONFIG": str(tmp_path), "REGISTRY_AUTH_FILE": str(tmp_path / "auth.json")}
        with pytest.raises(RegistryAuthError, match="no credentials"):
            await resolve(connect(settings, **files), f"{name}/team/app:1")

        assert [] == [request for request in server.requests if "Authorization" in request.headers]


@pytest.mark.parametrize("name", ["REGISTRY.example", "Registry.Example"])
async def test_capitals_do_not_make_another_host(connect: Connect, name: str) -> None:
    """DNS knows none."""
    async with StandInRegistry(auth="basic") as server:
        server.push("team/app", "1", BUILT)
        settings = {"registry.example": RegistrySettings(**LOGIN, url=server.url)}
        image = await resolve(connect(settings), f"{name}/team/app:1")

    assert BUILT.digest == image.digest


async def test_a_name_in_capitals_is_reached(connect: Connect) -> None:
    """As it is written."""
    async with StandInRegistry() as server:
        server.push("team/app", "1", BUILT)
        port = server.host.partition(":")[2]
        image = await resolve(connect(), f"LocalHost:{port}/team/app:1")

    assert BUILT.digest == image.digest


@pytest.mark.parametrize(
    ("target", "same"),
    [
        ("https://registry.example/x", True),
        ("https://REGISTRY.example:443/x", True),
        ("https://registry.example:444/x", False),
        ("http://registry.example/x", False),
        ("http://registry.example:443/x", False),
        ("https://registry.example./x", False),
        ("https://registry.example.evil.com/x", False),
        ("https://registry.example@evil.com/x", False),
        ("https://evil.com/registry.example", False),
        ("https://registry.example\\@evil.com/x", False),
        ("https://evil.com?registry.example", False),
        ("https://registry%2eexample/x", False),
        ("https://registry.example\u3002evil.com/x", False),
    ],
)
def test_a_redirect_keeps_credentials_within_one_origin_only(target: str, same: bool) -> None:
    """Scheme, host and port; what looks alike is another."""
    try:
        url = URL(target)
    except ValueError:
        assert not same
        return
    assert same == same_origin(URL("https://registry.example/v2/"), url)


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("http://registry.example/token", True),
        ("http://REGISTRY.example/token", True),
        ("http://registry.example.evil.com/token", False),
        ("http://registry.example./token", False),
        ("http://registry.example@evil.com/token", False),
        ("http://evil.com/token?registry.example", False),
        ("http://localhost/token", False),
        ("http://127.0.0.1/token", False),
        ("https://registry.example@evil.com/token", False),
        ("https://auth.example/token", True),
    ],
)
def test_a_realm_over_plain_http_is_on_the_registrys_host_only(address: str, allowed: bool) -> None:
    """Of a registry that speaks plain HTTP itself; over HTTPS it may be anywhere."""
    base = URL("http://registry.example:5000")
    try:
        make_realm(address, "", Right.to_pull("team/app"), "registry.example:5000", base, HostSettings({}))
    except RegistryAuthError:
        assert not allowed
    else:
        assert allowed


async def test_a_token_is_not_sent_to_where_a_blob_is_stored(connect: Connect) -> None:
    """Nor is the password sent to the storage when it asks for one."""
    async with ScriptedServer() as storage, StandInRegistry(auth="token") as server:
        server.push("team/app", "1", BUILT)
        storage.script("/x", status=401, headers={"WWW-Authenticate": 'Basic realm="registry.example"'})
        client = connect({server.host: RegistrySettings(**LOGIN), storage.host: RegistrySettings(**LOGIN)})
        image = await client.resolve(reference_on(server))
        redirecting = ScriptedServer()
        async with redirecting:
            redirecting.redirect(MANIFEST, f"{storage.url}/x")
            with pytest.raises(RegistryError, match="HTTP 401"):
                await client.resolve(reference_on(redirecting))

        assert ([None], BUILT.digest) == (storage.asked("/x"), image.digest)
