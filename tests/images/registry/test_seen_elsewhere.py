"""Situations from the trackers of other registry clients, put to this one over HTTP."""

from __future__ import annotations

import gzip
import json
import zlib
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from portus_images import Registry
from portus_images.registry.lists import LARGEST_PAGE
from portus_scanners import Reference, RegistryError
from portus_scanners_testing import Reply, ScriptedServer, Status
from portus_scanners_testing.registry import StandInRegistry

from .conftest import BUILT, MANIFEST, Connect, reference_on, tell

TAGS = "/v2/docker/team/app/tags/list"
CATALOG = "/v2/_catalog"
PAGE = b"<!DOCTYPE html><html><body>Please log in</body></html>"


async def all_of(names: AsyncIterator[str]) -> list[str]:
    """Read a list to its end."""
    return [name async for name in names]


@pytest.mark.parametrize(
    "link",
    [
        '</v2/team/app/tags/list?last=2&n=100>; rel="next"',
        '<HOST/repository/docker-hub/v2/docker/team/app/tags/list?last=2>; rel="next"',
        '</v2/docker/team/app/tags/list/../../other/tags/list?last=2>; rel="next"',
    ],
)
async def test_the_tags_of_a_path_that_is_another_are_not_the_rest(connect: Connect, link: str) -> None:
    """Artifactory leaves its repository's name out, Nexus puts a path in front: that is an error, and no end."""
    async with ScriptedServer() as server:
        headers = {"Link": link.replace("HOST", server.url)}
        server.script(TAGS, Reply(body=b'{"name": "docker/team/app", "tags": ["1", "2"]}', headers=headers))
        with pytest.raises(RegistryError, match="not one of this list"):
            await all_of(connect().tags(server.host, "docker/team/app"))


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b'{"errors": [{"code": "UNAUTHORIZED"}]}',
        b'{"message": "login required", "code": 401}',
        b'{"name": "docker/team/app"}',
        b'{"name": "docker/team/app", "tags": {}}',
        b'{"name": "docker/team/app", "tags": [], "errors": [{"code": "UNAVAILABLE"}]}',
    ],
)
async def test_what_is_no_list_of_tags_is_an_error(connect: Connect, body: bytes) -> None:
    """With 200 it would otherwise be a repository without tags."""
    async with ScriptedServer() as server:
        server.script(TAGS, body)
        with pytest.raises(RegistryError, match="is it a registry"):
            await all_of(connect().tags(server.host, "docker/team/app"))


@pytest.mark.parametrize("wrapped", ["{0}", "{0[0]}\n{0[1]}\n", "{0[0]}\r\n{0[1]}"])
async def test_an_auth_with_line_breaks_is_read(connect: Connect, tmp_path: Path, wrapped: str) -> None:
    """``base64`` wraps what it writes, and Go's decoder ignores that."""
    encoded = b64encode(b"user:" + b"p" * 71).decode()
    written = encoded if wrapped == "{0}" else wrapped.format((encoded[:76], encoded[76:]))
    async with StandInRegistry(auth="basic", password="p" * 71) as server:
        server.push("team/app", "1", BUILT)
        (tmp_path / "config.json").write_text(json.dumps({"auths": {server.host: {"auth": written}}}))
        client = connect(DOCKER_CONFIG=str(tmp_path))
        assert BUILT.digest == (await client.resolve(reference_on(server))).digest


async def test_a_repository_may_ask_for_a_log_in_where_the_registry_does_not(connect: Connect) -> None:
    """Its root is open, and so is another repository."""

    async def guarded(request: web.BaseRequest) -> web.StreamResponse:
        if "Authorization" in request.headers:
            return web.Response(body=BUILT.manifest, content_type=BUILT.media_type)
        return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})

    async with ScriptedServer() as server:
        server.script("/v2/", {})
        server.script("/v2/team/private/manifests/1", guarded)
        server.script("/v2/team/public/manifests/1", BUILT.manifest, content_type=BUILT.media_type)
        client = connect(tell(server))
        found = [await client.resolve(reference_on(server, f"team/{name}:1")) for name in ("public", "private")]

    assert [BUILT.digest] * 2 == [image.digest for image in found]


async def resolve(client: Registry, host: str) -> object:
    """Resolve ``team/app:1``."""
    return await client.resolve(Reference.parse(f"{host}/team/app:1"))


Question = Callable[[Registry, str], Any]
QUESTIONS: dict[str, Question] = {
    MANIFEST: resolve,
    "/token": resolve,
    CATALOG: lambda client, host: all_of(client.repositories(host)),
    TAGS: lambda client, host: all_of(client.tags(host, "docker/team/app")),
}


def serve(server: ScriptedServer, path: str, answer: Any) -> None:
    """Give an answer at one path; a token is asked for where that is the path."""
    wanted = f'Bearer realm="{server.url}/token",service="x"'
    server.script(MANIFEST, Status(401, headers={"WWW-Authenticate": wanted}))
    server.script(path, answer)


@pytest.mark.parametrize("path", QUESTIONS)
async def test_a_log_in_page_is_an_error_at_each_step(connect: Connect, path: str) -> None:
    """HTML with 200 is neither a manifest, nor a token, nor an empty list."""
    async with ScriptedServer() as server:
        serve(server, path, Reply(body=PAGE, content_type="text/html"))
        with pytest.raises(RegistryError):
            await QUESTIONS[path](connect(), server.host)


def pack(encoding: str, size: int) -> bytes:
    """Compress so many zeros."""
    return gzip.compress(bytes(size)) if encoding == "gzip" else zlib.compress(bytes(size))


@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("path", QUESTIONS)
async def test_a_bomb_is_not_unpacked(connect: Connect, path: str, encoding: str, status: int) -> None:
    """Compression was not asked for; what is longer than it may be is not read to its end, with any status."""
    async with ScriptedServer() as server:
        body = pack(encoding, 2 * LARGEST_PAGE)
        serve(server, path, Reply(status=status, body=body, headers={"Content-Encoding": encoding}))
        with pytest.raises(RegistryError) as caught:
            await QUESTIONS[path](connect(), server.host)

    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("status", [201, 202, 203, 206])
@pytest.mark.parametrize("path", [MANIFEST, CATALOG, TAGS])
async def test_a_part_does_not_pass_for_the_whole(connect: Connect, path: str, status: int) -> None:
    """Other statuses of success than 200 have no place in answers to these questions."""
    bodies = {CATALOG: b'{"repositories": ["a"]}', TAGS: b'{"tags": ["1"]}', MANIFEST: BUILT.manifest}
    async with ScriptedServer() as server:
        server.script(path, Reply(status=status, body=bodies[path], content_type=BUILT.media_type))
        with pytest.raises(RegistryError, match=f"HTTP {status} is not an answer"):
            await QUESTIONS[path](connect(), server.host)
