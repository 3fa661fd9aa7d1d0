"""The stand-in registry and the real one give the same answers to the same requests."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
import pytest
from attrs import frozen
from portus_scanners_testing import StandInRegistry
from portus_scanners_testing.images import (
    ACCEPT_ALL,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    DOCKER_SCHEMA1,
    OCI_INDEX,
    OCI_MANIFEST,
    Pushable,
    debian_image,
    filler_layer,
    make_helm_chart,
    make_image,
    make_index,
)
from standins.docker_registry import DockerRegistry
from standins.registry_client import Got, basic, bearer, get

pytestmark = [pytest.mark.real_registry, pytest.mark.usefixtures("real_registry_programs")]

DOCKER, OCI = debian_image({"bash": "5.2-1"}), debian_image({"bash": "5.2-1"}, form="oci")
ARM = make_image(filler_layer(), architecture="arm64")
ITEMS: dict[str, Pushable] = {
    "docker": DOCKER,
    "oci": OCI,
    "list": make_index(ARM, DOCKER, form="docker"),
    "no-default": make_index(ARM, form="docker"),
    "index": make_index(OCI, attestation=True),
    "helm": make_helm_chart(),
}
ACCEPTS = ["", "*/*", ACCEPT_ALL, DOCKER_MANIFEST, DOCKER_LIST, OCI_MANIFEST, f"{OCI_INDEX};q=0.5, {DOCKER_SCHEMA1}"]


@frozen
class Both:
    """The two registries with the same content."""

    http: aiohttp.ClientSession
    stand_in: StandInRegistry
    real: DockerRegistry

    async def get(self, path: str, *, method: str = "GET", accept: str = "") -> tuple[Got, Got]:
        """Ask both."""
        ours = await get(self.http, self.stand_in.url + path, method=method, accept=accept)
        theirs = await get(self.http, self.real.url + path, method=method, accept=accept)
        return ours, theirs


@pytest.fixture
async def both(http: aiohttp.ClientSession) -> AsyncIterator[Both]:
    """Two open registries."""
    async with StandInRegistry() as stand_in, DockerRegistry() as real:
        yield Both(http, stand_in, real)


def essence(got: Got, method: str = "GET") -> dict[str, object]:
    """Return what the two have to agree in; a signature is not, and neither are an error's details."""
    document = json.loads(got.body) if method == "GET" else {}
    errors = [(error["code"], error["message"]) for error in document.get("errors", ())]
    layers = [item["blobSum"] for item in document.get("fsLayers", ())]
    is_signed = got.media_type == DOCKER_SCHEMA1
    body = (layers, document.get("name"), document.get("tag")) if is_signed else errors or got.body
    digest = "" if is_signed else got.digest
    return {"status": got.status, "type": got.media_type, "digest": digest, "body": body}


@pytest.mark.parametrize("name", ITEMS)
async def test_manifests(both: Both, name: str) -> None:
    """Whatever is accepted: by tag and by digest, with GET and HEAD."""
    item = ITEMS[name]
    both.stand_in.push(f"team/{name}", "1.0", item)
    await both.real.push(f"team/{name}", "1.0", item)
    for accept in ACCEPTS:
        for reference in ("1.0", item.digest):
            for method in ("GET", "HEAD"):
                path = f"/v2/team/{name}/manifests/{reference}"
                ours, theirs = await both.get(path, method=method, accept=accept)
                assert essence(theirs, method) == essence(ours, method), (accept, reference, method)


async def test_blobs_and_what_is_not_there(both: Both) -> None:
    """Unknown tags, digests, repositories and blobs; lengths of blobs."""
    both.stand_in.push("team/app", "1.0", DOCKER)
    await both.real.push("team/app", "1.0", DOCKER)
    unknown = f"sha256:{64 * '1'}"
    for path in ("app/manifests/2.0", f"app/manifests/{unknown}", "gone/manifests/1.0", f"app/blobs/{unknown}"):
        ours, theirs = await both.get(f"/v2/team/{path}", accept=ACCEPT_ALL)
        assert essence(theirs) == essence(ours), path
    for method in ("GET", "HEAD"):
        ours, theirs = await both.get(f"/v2/team/app/blobs/{DOCKER.layers[0].digest}", method=method)
        seen = [(got.status, got.headers["Content-Length"], got.digest, got.media_type) for got in (ours, theirs)]
        assert seen[1] == seen[0]


async def test_lists(both: Both) -> None:
    """Repositories in pages of the size that the client names; all tags at once; a repository that is not there."""
    for name, tag in (("team/app", "1.0"), ("team/app", "2.0"), ("team/base", "1"), ("zoo", "1")):
        both.stand_in.push(name, tag, DOCKER)
        await both.real.push(name, tag, DOCKER)
    for path in (
        "_catalog?n=2",
        "_catalog?n=2&last=team%2Fbase",
        "_catalog",
        "team/app/tags/list?n=1",
        "gone/tags/list",
    ):
        ours, theirs = await both.get(f"/v2/{path}")
        seen = [
            (got.status, _sorted(json.loads(got.body)), got.headers.get("Link"), got.media_type.partition(";")[0])
            for got in (ours, theirs)
        ]
        assert seen[1] == seen[0], path


def _sorted(document: dict[str, object]) -> dict[str, object]:
    """Distribution 2.8 gives tags in the order of its folders."""
    return {
        key: sorted(value) if key == "tags" and isinstance(value, list) else value for key, value in document.items()
    }


async def test_refusals(http: aiohttp.ClientSession) -> None:
    """The challenges have the same parameters, for every way to be refused."""
    async with AsyncExitStack() as stack:
        ours = await stack.enter_async_context(StandInRegistry(auth="token", service="real-registry"))
        theirs = await stack.enter_async_context(DockerRegistry(auth="token"))
        assert theirs.token_server is not None
        for realm, registry in ((ours.realm, ours), (theirs.token_server.realm, theirs)):
            narrow = await bearer(http, realm, "other/app", service="real-registry")
            headers = ["", basic(), "Bearer nonsense", narrow]
            url = f"{registry.url}/v2/team/app/manifests/1.0"
            answers = [await get(http, url, authorization=header) for header in headers]
            assert [401] * 4 == [got.status for got in answers]
            assert [_without_realm(got) for got in answers] == EXPECTED
            assert {"UNAUTHORIZED"} == {json.loads(got.body)["errors"][0]["code"] for got in answers}


def _without_realm(got: Got) -> dict[str, str]:
    return {name: value for name, value in got.challenge.items() if name != "realm"}


ASKED = {"": "Bearer", "service": "real-registry", "scope": "repository:team/app:pull"}
EXPECTED = [ASKED, ASKED, {**ASKED, "error": "invalid_token"}, {**ASKED, "error": "insufficient_scope"}]
