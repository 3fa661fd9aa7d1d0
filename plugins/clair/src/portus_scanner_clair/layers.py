"""The names under which Clair knows the layers of an image.

Clair keys a layer by its name alone, and the first POST of a name fixes the layer's parent and content. So a layer's
digest can't be its name: the same layer on another base would get the first base's result. Nor does Clair verify what
it fetches: a registry that serves junk under the digest of somebody else's layer would make that layer junk for all.
A name here stands for the whole chain from the base up to the layer, and for the registry that it came from.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from attrs import frozen
from portus_scanners import Image, Layer, Reference

EMPTY_LAYERS = frozenset(
    {
        "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4",
        "sha256:4f4fb700ef54461cfa02571ae0db9a0dc1e0cdb5577484a6d75e68dc38e8acc1",
    }
)
"""Digests of the empty layers that builders add for instructions that change no file."""


@frozen
class ChainLink:
    """One layer of an image under its name in Clair."""

    layer: Layer
    name: str
    """64 hex digits."""
    parent: str
    """Name of the layer below; empty for the base."""
    number: int
    """The position in the chain; the base is 1."""
    total: int
    """How many layers the chain has."""

    def __str__(self) -> str:
        return f"layer {self.number} of {self.total} ({self.layer.digest})"


def name_layers(image: Image, salt: str) -> tuple[ChainLink, ...]:
    """Return the layers of an image under their names in Clair, as `make_chain` does.

    The layers of a local image are verified before they are served, so that they need no origin in their names.
    """
    reference = image.reference
    registry = reference.registry if image.local is None and isinstance(reference, Reference) else ""
    return make_chain(image.layers, salt, registry)


def make_chain(layers: Iterable[Layer], salt: str, registry: str = "") -> tuple[ChainLink, ...]:
    """Return the layers under their names in Clair, base first, without the well-known empty ones.

    The first name is the SHA-256 of ``SALT REGISTRY DIGEST``, each further one that of ``NAME-BELOW DIGEST``.

    Args:
        layers: The image's layers, base first.
        salt: Keeps our layers apart from those that others have stored in the same Clair.
        registry: The registry that they are fetched from: ``registry.example:5000``; empty for verified layers.
    """
    solid = [layer for layer in layers if layer.digest not in EMPTY_LAYERS]
    links: list[ChainLink] = []
    below, parent = f"{salt} {registry}", ""
    for number, layer in enumerate(solid, start=1):
        name = sha256(f"{below} {layer.digest}".encode()).hexdigest()
        links.append(ChainLink(layer, name, parent, number, len(solid)))
        below = parent = name
    return tuple(links)
