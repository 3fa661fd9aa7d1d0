"""What there is in a registry: its repositories, and the tags of one."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from portus_images import InvalidManifestError, Registry, UnknownRepositoryError
from portus_images.registry.client import _name
from portus_scanners import (
    ImageNotFoundError,
    InvalidReferenceError,
    RegistryAuthError,
    RegistryError,
    RegistryUnavailableError,
)
from portus_scanners_testing import Reply, ScriptedServer, Status
from portus_scanners_testing.registry import StandInRegistry

from .conftest import BUILT, Connect, tell

UNKNOWN = {"errors": [{"code": "NAME_UNKNOWN", "message": "repository name not known to registry"}]}
NAMES = [f"team/app{number:03}" for number in range(205)]


async def all_of(names: AsyncIterator[str]) -> list[str]:
    """Read to the end."""
    return [name async for name in names]


@pytest.mark.parametrize("auth", ["open", "basic", "token"])
async def test_all_repositories_are_listed_page_by_page(connect: Connect, auth: Any) -> None:
    """A hundred at a time, with the credentials that the registry wants for its list."""
    async with StandInRegistry(auth=auth) as server:
        for name in NAMES:
            server.push(name, "1", BUILT)
        told: list[int] = []
        listing = connect(tell(server)).repositories(server.host, on_page=lambda number, _: told.append(number))
        found = await all_of(listing)
        pages = [request for request in server.requests if request.path.startswith("/v2/_catalog")]
    assert (NAMES, [1, 2, 3]) == (found, told)
    assert 3 == len([request for request in pages if auth == "open" or "Authorization" in request.headers])


@pytest.mark.parametrize("page", [0, 2])
async def test_all_tags_are_listed(connect: Connect, page: int) -> None:
    """In one answer, as distribution 2.8 gives them, or in several, each of which is told with the bound."""
    told: list[tuple[int, int]] = []
    async with StandInRegistry() as server:
        for tag in ("1", "2", "3", "latest", "old"):
            server.push("team/app", tag, BUILT)
        server.tags_page = page
        tags = connect().tags(server.host, "team/app", on_page=lambda number, most: told.append((number, most)))
        found = await all_of(tags)
    assert ["1", "2", "3", "latest", "old"] == found
    assert [(number, 100_000) for number in range(1, 4 if page else 2)] == told


async def test_a_repository_whose_tags_were_deleted_has_none(connect: Connect) -> None:
    """The registry says null then, which is an empty list and no error."""
    async with StandInRegistry() as server:
        server.push("team/app", "", BUILT)
        assert [] == await all_of(connect().tags(server.host, "team/app"))


@pytest.mark.parametrize("auth", ["open", "basic", "token"])
async def test_an_unknown_repository_is_an_error(connect: Connect, auth: Any) -> None:
    """It is not one without tags. Who has logged in knows that nothing is hidden."""
    async with StandInRegistry(auth=auth) as server:
        with pytest.raises(UnknownRepositoryError, match="NAME_UNKNOWN"):
            await all_of(connect(None if auth == "open" else tell(server)).tags(server.host, "team/app"))


@pytest.mark.parametrize("first", [b'{"tags": ["1"]}', b'{"tags": null}'])
async def test_a_list_that_breaks_off_is_not_that_of_an_unknown_repository(connect: Connect, first: bytes) -> None:
    """The registry knows no such repository from the second page on: what it has is not known, and not nothing."""
    following = {"Link": '</v2/team/app/tags/list?last=1>; rel="next"'}
    async with ScriptedServer() as server:
        server.script("/v2/", {})
        unknown = Reply(status=404, body=json.dumps(UNKNOWN).encode())
        server.script("/v2/team/app/tags/list", Reply(body=first, headers=following), unknown)
        with pytest.raises(ImageNotFoundError, match="its list broke off") as caught:
            await all_of(connect().tags(server.host, "team/app"))
    assert ImageNotFoundError is type(caught.value)


async def test_a_repository_that_may_be_hidden_is_not_an_unknown_one(connect: Connect) -> None:
    """A registry that wants a log-in says the same to nobody of what there is."""
    async with ScriptedServer() as server:
        server.script("/v2/", Status(401))
        server.script("/v2/team/app/tags/list", Reply(status=404, body=json.dumps(UNKNOWN).encode()))
        with pytest.raises(ImageNotFoundError, match="it may be hidden") as caught:
            await all_of(connect().tags(server.host, "team/app"))
    assert ImageNotFoundError is type(caught.value)


async def test_a_list_that_is_not_shown_says_what_to_do(connect: Connect) -> None:
    """Many registries have no list of repositories."""
    async with StandInRegistry() as server:
        server.catalog = False
        with pytest.raises(RegistryError, match="name the repositories instead") as caught:
            await all_of(connect().repositories(server.host))
    assert ("catalog", 404) == (caught.value.step, caught.value.status)


async def test_a_token_without_the_right_to_the_list_says_what_to_do(connect: Connect) -> None:
    """Token services refuse ``registry:catalog:*`` to those who may pull."""
    async with StandInRegistry(auth="token") as server:
        server.tokens.denied = {"catalog"}
        with pytest.raises(RegistryAuthError, match="name the repositories instead"):
            await all_of(connect(tell(server)).repositories(server.host))


@pytest.mark.parametrize(
    ("body", "link", "said"),
    [
        (b"[]", "", "it is not a JSON object"),
        (b"{}", "", "repositories"),
        (b'{"errors": [{"code": "UNAUTHORIZED"}]}', "", "repositories"),
        (b'{"repositories": {"a": 1}}', "", "expected an array of strings"),
        (b'{"repositories": ["a", 1]}', "", "expected an array of strings"),
        (b'{"repositories": ["a"]}', '</v2/_catalog?n=100>; rel="next"', "read already"),
        (b'{"repositories": ["a"]}', '<http://elsewhere.example/v2/_catalog?n=1>; rel="next"', "not one of this list"),
        (b'{"repositories": ["a"]}', '</v2/team/app/tags/list>; rel="next"', "not one of this list"),
        (b'{"repositories": ["a"]}', '</v2/_catalog/../../x>; rel="next"', "not one of this list"),
    ],
)
async def test_a_list_that_is_none_is_an_error(connect: Connect, body: bytes, link: str, said: str) -> None:
    """Nonsense, a list that leads elsewhere, and one that never ends are not taken for all that there is."""
    async with ScriptedServer() as server:
        server.script("/v2/_catalog", Reply(body=body, headers={"Link": link} if link else {}))
        with pytest.raises(InvalidManifestError, match=said):
            await all_of(connect().repositories(server.host))


@pytest.mark.parametrize("name", ["team/other", "eam/app", "team/app/x"])
async def test_the_tags_of_another_repository_are_an_error(connect: Connect, name: str) -> None:
    """Not a part of this one's; a name without the prefix that Artifactory has for a repository is this one's."""
    async with ScriptedServer() as server:
        server.script("/v2/team/app/tags/list", {"name": name, "tags": ["1"]}, {"name": "app", "Tags": ["1"]})
        with pytest.raises(InvalidManifestError, match=f"list of '{name}'"):
            await all_of(connect().tags(server.host, "team/app"))
        assert ["1"] == await all_of(connect().tags(server.host, "team/app"))


async def test_a_list_that_goes_round_in_a_ring_is_an_error(connect: Connect) -> None:
    """Also over several pages: its names would come again and again."""
    async with ScriptedServer() as server:
        pages = [
            Reply(body=b'{"repositories": ["a"]}', headers={"Link": f'</v2/_catalog?n=100&last={last}>; rel="next"'})
            for last in ("b", "a", "b")
        ]
        server.script("/v2/_catalog", *pages, Reply(body=b'{"repositories": []}'))
        with pytest.raises(InvalidManifestError, match="read already"):
            await all_of(connect().repositories(server.host))


async def test_the_short_names_of_docker_hub_are_asked_for_in_full(connect: Connect) -> None:
    """``alpine`` is ``library/alpine`` there, as in an image's name."""
    names = [connect()._open(_name("docker.io", name)).name for name in ("alpine", "library/alpine", "team/app")]
    assert ["library/alpine", "library/alpine", "team/app"] == names
    assert "alpine" == connect()._open(_name("registry.example", "alpine")).name


async def test_a_registry_out_of_order_is_no_end_of_the_list(connect: Connect) -> None:
    """An error on a later page is raised, after the names before it were given."""
    async with ScriptedServer() as server:
        following = {"Link": '</v2/_catalog?n=100&last=a>; rel="next"'}
        server.script("/v2/_catalog", Reply(body=b'{"repositories": ["a"]}', headers=following), Status(503))
        names = connect().repositories(server.host)
        assert "a" == await anext(names)
        with pytest.raises(RegistryUnavailableError):
            await anext(names)


@pytest.mark.parametrize("host", ["", "http://registry.example", "a b", "registry.example/team"])
def test_a_host_that_is_none_is_refused(connect: Connect, host: str) -> None:
    """Before anything is asked."""
    with pytest.raises(InvalidReferenceError):
        connect().repositories(host)


def auths(folder: Path, **members: Any) -> dict[str, str]:
    """Write podman's file, and return the environment that names it."""
    (folder / "auth.json").write_text(json.dumps(members))
    return {"REGISTRY_AUTH_FILE": str(folder / "auth.json"), "PATH": "/nowhere"}


async def list_public(server: ScriptedServer, client: Registry, namespace: str = "") -> list[str]:
    """List a registry that shows everybody a part of what it has."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        private = ["team/private"] if "Authorization" in request.headers else []
        return web.json_response({"repositories": [*private, "team/public"]})

    server.script("/v2/_catalog", answer)
    return await all_of(client.repositories(server.host, namespace=namespace))


async def test_the_credentials_of_a_namespace_are_used_for_its_list(connect: Connect, tmp_path: Path) -> None:
    """Podman's file may have some for a part of a registry."""
    async with ScriptedServer() as server:
        entry = {"auth": b64encode(b"me:secret").decode()}
        client = connect(**auths(tmp_path, auths={f"{server.host}/team": entry}))
        assert ["team/private", "team/public"] == await list_public(server, client, "team")


@pytest.mark.parametrize("members", [{"credsStore": "gone"}, {"auths": {"HOST/team": {"auth": "bWU6c2VjcmV0"}}}])
async def test_a_list_without_a_log_in_that_may_be_is_not_the_whole(
    connect: Connect, tmp_path: Path, members: dict[str, Any]
) -> None:
    """A helper that fails, credentials for a part alone: what is listed is given, and then that there may be more."""
    async with ScriptedServer() as server:
        written = json.loads(json.dumps(members).replace("HOST", server.host))
        client = connect(**auths(tmp_path, **written))
        names = client.repositories(server.host)
        server.script("/v2/_catalog", {"repositories": ["team/public"]})
        assert "team/public" == await anext(names)
        with pytest.raises(RegistryAuthError, match=r"may be the list of a part: .*(docker-credential-gone|/team)"):
            await anext(names)
