"""The servers, in a process of their own: a Clair that takes 5 ms longer for each answer, and a registry.

It talks in JSON lines: one to stdout when everything is ready, then one for each command that comes in on stdin, which
are ``forget`` (all layers) and ``count`` (the requests since the last ``count``).
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from http import HTTPStatus

from aiohttp import web
from portus_scanners_testing import StandInRegistry
from portus_scanners_testing.images import DOCKER_MANIFEST, debian_layer, filler_layer, make_image
from standins.clair import StandInClair

LATENCY = 0.005
"""Seconds."""
REPOSITORY = "team/app"
QUESTION = "question"
"""What requests are counted as that ask whether Clair has data for a distribution."""
_PACKAGES: dict[str | tuple[str, str], str] = {f"package{number}": "1.0-1" for number in range(20)}


class DistantClair(StandInClair):
    """A Clair that each request takes some time to reach."""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, later."""
        await asyncio.sleep(LATENCY)
        return await super().answer(request)


class EndlessRegistry(StandInRegistry):
    """A registry that says of every digest that it has it, so that a database may name more images than there are."""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        answered = await super().answer(request)
        digest = request.path.rpartition("/manifests/")[2]
        if request.method != "HEAD" or answered.status != HTTPStatus.NOT_FOUND or ":" not in digest:
            return answered
        return web.Response(headers={"Docker-Content-Digest": digest, "Content-Type": DOCKER_MANIFEST})


def push_images(registry: StandInRegistry, images: int, layers: int, shared: int) -> list[str]:
    """Push images that share their lower layers, and return their references."""
    common = [debian_layer(_PACKAGES), *(filler_layer(f"shared {number}") for number in range(1, shared))]
    for image in range(images):
        own = (filler_layer(f"image {image}, layer {number}") for number in range(layers - shared))
        registry.push(REPOSITORY, f"v{image}", make_image(*common, *own))
    return [registry.reference(REPOSITORY, f"v{image}") for image in range(images)]


def count(clair: StandInClair) -> dict[str, int]:
    """Return how many requests came in since the last call, by method; questions about Clair's data apart."""
    counted = Counter(
        QUESTION if request.path.startswith("/v1/namespaces/") else request.method for request in clair.requests
    )
    clair.requests.clear()
    return dict(counted)


async def serve(images: int, layers: int, shared: int) -> None:
    """Serve until stdin ends."""
    async with DistantClair() as clair, EndlessRegistry() as registry:
        for package in [str(package) for package in _PACKAGES][::2]:
            name = f"CVE-2099-{package.removeprefix('package'):0>4}"
            clair.add_vulnerability("debian:12", name, "High", fixed_in={package: "1.0-2"})
        _say({"clair": clair.url, "references": push_images(registry, images, layers, shared)})
        while command := (await asyncio.to_thread(sys.stdin.readline)).strip():
            if command == "forget":
                clair.database.layers.clear()
            registry.requests.clear()
            _say(count(clair))


def _say(document: object) -> None:
    print(json.dumps(document), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(*map(int, sys.argv[1:])))
