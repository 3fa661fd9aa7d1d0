"""A client of Clair for the tests: posts layers, asks for results."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import aiohttp
from attrs import frozen
from portus_scanners_testing import StandInRegistry
from portus_scanners_testing.images import BuiltImage, LayerBlob, make_image
from yarl import URL

from .clair import StandInClair


@frozen
class ClairLab:
    """Talks to one Clair about images of one registry."""

    http: aiohttp.ClientSession
    clair: StandInClair
    registry: StandInRegistry

    async def post(self, name: str, path: str, parent: str = "", **more: Any) -> tuple[int, Any]:
        """Post one layer; return status and body."""
        layer = {"Name": name, "Path": path, "ParentName": parent, "Format": "Docker", **more}
        async with self.http.post(f"{self.clair.url}/v1/layers", json={"Layer": layer}) as response:
            return response.status, await response.json(content_type=None)

    async def post_layer(self, blob: LayerBlob, name: str = "layer", parent: str = "", **more: Any) -> tuple[int, str]:
        """Push and post one layer; return status and error message."""
        self.registry.push("lab/one", "", make_image(blob))
        status, body = await self.post(name, self.registry.blob_url("lab/one", blob.digest), parent, **more)
        return status, body.get("Error", {}).get("Message", "")

    async def post_chain(self, *layers: LayerBlob) -> str:
        """Post an image with names that stand for the chain; return the top layer's name."""
        name = ""
        for blob in layers:
            parent, name = name, hashlib.sha256(f"{name} {blob.digest}".encode()).hexdigest()
            assert (201, "") == await self.post_layer(blob, name, parent)
        return name

    async def post_by_digest(self, image: BuiltImage) -> str:
        """Post an image as Portus does; return the top layer's name."""
        parent = ""
        for blob in image.layers:
            assert (201, "") == await self.post_layer(blob, blob.digest, parent)
            parent = blob.digest
        return parent

    async def result(self, name: str) -> dict[str, Any]:
        """Return the layer's document."""
        async with self.http.get(f"{self.clair.url}/v1/layers/{name}?vulnerabilities") as response:
            assert 200 == response.status
            layer: dict[str, Any] = (await response.json(content_type=None))["Layer"]
            return layer

    async def packages(self, name: str) -> dict[str, str]:
        """Return the packages of an image: version by name."""
        return {item["Name"]: item["Version"] for item in (await self.result(name)).get("Features", ())}

    async def findings(self, name: str) -> dict[str, str | None]:
        """Return the vulnerabilities of an image: the fix by ``package vulnerability``."""
        features = (await self.result(name)).get("Features", ())
        pairs = ((item, found) for item in features for found in item.get("Vulnerabilities", ()))
        return {f"{item['Name']} {found['Name']}": found.get("FixedBy") for item, found in pairs}

    async def raw(self, method: str, target: str, **more: Any) -> tuple[int, Mapping[str, str], bytes]:
        """Send any request; return status, headers and the body as it came."""
        url = URL(f"{self.clair.url}{target}", encoded=True)
        async with self.http.request(method, url, allow_redirects=False, **more) as response:
            return response.status, response.headers, await response.read()
