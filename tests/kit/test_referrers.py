"""The stand-in registry's referrers, as the specification has them."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
from portus_scanners_testing.images import filler_layer, make_artifact, make_image
from portus_scanners_testing.registry import StandInRegistry

IMAGE = make_image(filler_layer("base"))
SBOM = make_artifact(IMAGE, "application/spdx+json", b"{}", annotations={"a": "b"})
SIGNATURE = make_artifact(IMAGE, "application/x.signature", b"made up")


async def ask(http: aiohttp.ClientSession, url: str) -> tuple[int, Any, Any]:
    """Return status, body and headers of an answer."""
    async with http.get(url) as answer:
        body = await answer.text()
        return answer.status, json.loads(body) if "json" in answer.content_type else body, answer.headers


def stock(registry: StandInRegistry) -> str:
    """Push an image with two artifacts and return the address of their list."""
    registry.push("team/app", "1", IMAGE)
    for artifact in (SBOM, SIGNATURE):
        registry.push("team/app", "", artifact)
    return f"{registry.url}/v2/team/app/referrers/{IMAGE.digest}"


async def test_an_artifact_is_listed_under_its_subject(http: aiohttp.ClientSession) -> None:
    """With media type, size, artifact type and annotations; of another digest the list is empty, and no 404."""
    async with StandInRegistry(referrers=True) as registry:
        url = stock(registry)
        status, body, _ = await ask(http, url)
        other = await ask(http, url.replace(IMAGE.digest, "sha256:" + "0" * 64))

    expected = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": SBOM.digest,
        "size": len(SBOM.manifest),
        "artifactType": "application/spdx+json",
        "annotations": {"a": "b"},
    }
    assert (200, expected) == (status, body["manifests"][0])
    assert (200, []) == (other[0], other[1]["manifests"])


async def test_a_filter_is_applied_and_said_to_be(http: aiohttp.ClientSession) -> None:
    """By the header that clients look for."""
    async with StandInRegistry(referrers=True) as registry:
        _, body, headers = await ask(http, f"{stock(registry)}?artifactType=application/x.signature")

    assert [SIGNATURE.digest] == [entry["digest"] for entry in body["manifests"]]
    assert "artifactType" == headers["OCI-Filters-Applied"]


async def test_pages_lead_to_each_other(http: aiohttp.ClientSession) -> None:
    """By the header Link, until there is none."""
    async with StandInRegistry(referrers=True) as registry:
        registry.referrers_page = 1
        url = stock(registry)
        _, first, headers = await ask(http, url)
        path = headers["Link"].partition(">")[0].removeprefix("<")
        _, second, last = await ask(http, f"{registry.url}{path}")

    found = [entry["digest"] for page in (first, second) for entry in page["manifests"]]
    assert ([SBOM.digest, SIGNATURE.digest], None) == (found, last.get("Link"))


async def test_without_the_api_the_list_is_under_a_tag(http: aiohttp.ClientSession) -> None:
    """As clients keep it for registries such as distribution 2.8."""
    async with StandInRegistry() as registry:
        url = stock(registry)
        status, _, _ = await ask(http, url)
        tag = IMAGE.digest.replace(":", "-")
        headers = {"Accept": "application/vnd.oci.image.index.v1+json"}
        async with http.get(f"{registry.url}/v2/team/app/manifests/{tag}", headers=headers) as answer:
            listed = json.loads(await answer.text())

    assert (404, 2) == (status, len(listed["manifests"]))
