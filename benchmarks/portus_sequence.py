"""The yardstick: how Portus asks Clair. One POST a layer from the base up, then one GET; one image after another.

No handicap: one session with connections that are kept, the same names of layers, nothing asked of the registry.

Source: Portus 2.5, ``lib/portus/security_backends/clair.rb``.
"""

from __future__ import annotations

from collections.abc import Iterable

import aiohttp
from portus_scanner_clair.layers import make_chain
from portus_scanners import Image, Reference


async def scan_as_portus(clair: str, images: Iterable[Image]) -> None:
    """Scan images.

    Args:
        clair: Base URL.
        images: Of a registry that asks for no credentials.

    Raises:
        aiohttp.ClientError: A request failed.
    """
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        for image in images:
            await _scan_one(session, clair, image)


async def _scan_one(session: aiohttp.ClientSession, clair: str, image: Image) -> None:
    assert isinstance(image.reference, Reference)
    blobs = f"http://{image.reference.registry}/v2/{image.reference.repository}/blobs"
    chain = make_chain(image.layers, "portus")
    for link in chain:
        layer = {
            "Name": link.name,
            "Path": f"{blobs}/{link.layer.digest}",
            "ParentName": link.parent,
            "Format": "Docker",
        }
        async with session.post(f"{clair}/v1/layers", json={"Layer": layer}) as response:
            await response.read()
    async with session.get(f"{clair}/v1/layers/{chain[-1].name}?features&vulnerabilities") as response:
        await response.json()
