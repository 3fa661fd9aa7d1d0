"""Where the service connects to, once a name is resolved."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web
from attrs import frozen
from portus_images import Reference, RegistryError, RegistrySettings
from portus_scan_server.addresses import may_connect, open_registry
from portus_scanners_testing import StandInRegistry
from portus_scanners_testing.images import debian_image
from portus_scanners_testing.registry import TokenServer, TokenService

IMAGE = debian_image({"bash": "5"})
NEVER = [
    "169.254.169.254", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1",
    "0.0.0.0", "::", "224.0.0.1", "ff02::1", "nonsense",  # noqa: S104 (an address that is not bound to)
]  # fmt: skip
CONFIGURED = ["127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "100.64.0.1", "fd00:ec2::254", "::ffff:10.0.0.1"]
ALWAYS = ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"]


def test_which_addresses_are_allowed() -> None:
    """Link-local never, however it is written; private ones where the host is configured; public ones always."""
    for address in NEVER + CONFIGURED + ALWAYS:
        assert (address in ALWAYS, address in CONFIGURED + ALWAYS) == (
            may_connect(address, False),
            may_connect(address, True),
        ), address


@frozen
class RedirectTo:
    """A fault that redirects."""

    url: str

    async def show(self, request: web.BaseRequest, handler: Any) -> web.StreamResponse:
        """Answer with the redirect."""
        return web.Response(status=307, headers={"Location": self.url + request.raw_path})


@pytest.fixture
async def other() -> Any:
    """A registry that the configuration does not name."""
    async with StandInRegistry() as server:
        server.push("team/app", "1", IMAGE)
        yield server


async def locate(registry: StandInRegistry, **more: RegistrySettings) -> str:
    """Return the digest of team/app:1, asked for as the service does."""
    named = {registry.host: RegistrySettings(insecure=True), **more}
    async with open_registry(named) as client:
        return await client.locate(Reference.parse(registry.reference("team/app", "1")))


async def test_a_registry_sends_nobody_into_the_private_network(
    registry: StandInRegistry, other: StandInRegistry
) -> None:
    """A redirect to a private address is not followed unless the configuration names its host; the error says how."""
    registry.faults.add("/v2/team/app/manifests/1", RedirectTo(other.url))
    with pytest.raises(
        RegistryError, match=rf"must not be connected to: if it is meant, name it: registries: {other.host}"
    ):
        await locate(registry)
    assert [] == other.requests
    assert IMAGE.digest == await locate(registry, **{other.host: RegistrySettings(insecure=True)})


async def test_a_token_service_in_the_private_network_has_to_be_named() -> None:
    """A realm is an address that the registry chose."""
    async with TokenServer(TokenService()) as tokens, StandInRegistry(auth="token", token_server=tokens) as registry:
        registry.push("team/app", "1", IMAGE)
        with pytest.raises(RegistryError, match="must not be connected to"):
            await locate(registry)
        assert [] == tokens.requests


async def test_a_name_counts_for_what_it_is_resolved_to(
    registry: StandInRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A configured host that a name server lets mean a link-local address is not connected to."""
    loop = asyncio.get_running_loop()
    resolve = loop.getaddrinfo

    async def lie(host: Any, *args: Any, **more: Any) -> Any:
        if host in {"registry.example", b"registry.example"}:
            return await resolve("169.254.169.254", *args, **more)
        return await resolve(host, *args, **more)

    monkeypatch.setattr(loop, "getaddrinfo", lie)
    async with open_registry({"registry.example": RegistrySettings()}) as client:
        with pytest.raises(RegistryError, match="has an address that must not be connected to"):
            await client.locate(Reference.parse("registry.example/team/app:1"))
