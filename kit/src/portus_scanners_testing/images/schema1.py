"""What a registry makes of a schema2 image for clients that do not accept schema2: a signed schema 1 manifest.

Source: github.com/distribution/distribution v2.8, ``manifest/schema1/config_builder.go``, and libtrust's pretty JWS.
The signature is made up; its frame is right.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from .builder import BuiltImage
from .layers import EMPTY_LAYER_DIGEST

_TAIL = "\n}"


def signed_schema1(image: BuiltImage, repository: str, tag: str) -> tuple[bytes, bytes]:
    """Return the manifest in schema 1, and its payload without signatures (of which the digest is made)."""
    payload = json.dumps(_document(image, repository, tag), indent=3)
    signatures = json.dumps([_signature(payload)], indent=3).replace("\n", "\n   ")
    signed = f'{payload.removesuffix(_TAIL)},\n   "signatures": {signatures}{_TAIL}'
    return signed.encode(), payload.encode()


def _document(image: BuiltImage, repository: str, tag: str) -> dict[str, Any]:
    config = json.loads(image.config)
    digests = iter(item.digest for item in image.layers)
    steps = [(step, EMPTY_LAYER_DIGEST if step.get("empty_layer") else next(digests)) for step in config["history"]]
    steps.reverse()
    return {
        "schemaVersion": 1,
        "name": repository,
        "tag": tag,
        "architecture": config["architecture"],
        "fsLayers": [{"blobSum": digest} for _, digest in steps],
        "history": [{"v1Compatibility": json.dumps({"id": f"{n:064x}", **step})} for n, (step, _) in enumerate(steps)],
    }


def _signature(payload: str) -> dict[str, Any]:
    protected = {
        "formatLength": len(payload) - len(_TAIL),
        "formatTail": _base64(_TAIL),
        "time": "2024-01-01T00:00:00Z",
    }
    key = {"crv": "P-256", "kid": "MADE:UP", "kty": "EC", "x": "bWFkZQ", "y": "dXA"}
    return {
        "header": {"jwk": key, "alg": "ES256"},
        "signature": _base64("made up"),
        "protected": _base64(json.dumps(protected)),
    }


def _base64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
