"""A manifest in the form that a client accepts: as it was pushed, or a signed schema 1 manifest of an image.

Sources: github.com/distribution/distribution v2.8, ``registry/handlers/manifests.go`` and
``manifest/schema1/config_builder.go``, and libtrust's pretty JWS. The signature is made up; its frame is right.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from aiohttp import web

from ..images import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    DOCKER_SCHEMA1,
    EMPTY_LAYER_DIGEST,
    OCI_INDEX,
    OCI_MANIFEST,
    BuiltImage,
    Pushable,
    digest_of,
)

VERSION = {"Docker-Distribution-Api-Version": "registry/2.0"}
"""The header that every answer of a registry has."""
_TAIL = "\n}"
_WHY_NOT_OCI = {
    OCI_MANIFEST: "OCI manifest found, but accept header does not support OCI manifests",
    OCI_INDEX: "OCI index found, but accept header does not support OCI indexes",
}


def answer_manifest(item: Pushable | None, repository: str, reference: str, accepted: set[str]) -> web.Response:
    """Return the answer with a manifest in a form that the client accepts; only tags are converted.

    Args:
        item: What the registry has there, if anything.
        repository: The repository's name.
        reference: The tag or digest that was asked for.
        accepted: The media types that the client accepts.
    """
    if item is None:
        detail = f"unknown manifest name={repository} {'revision' if ':' in reference else 'tag'}={reference}"
        return _unknown("manifest unknown", detail)
    if item.media_type in {OCI_MANIFEST, OCI_INDEX} and item.media_type not in accepted:
        return _unknown(_WHY_NOT_OCI[item.media_type])
    if ":" in reference or item.media_type in accepted:
        return _document(item.manifest, item.media_type, item.digest)
    if item.media_type == DOCKER_LIST:
        default = next((image for image in item.manifests if _is_default(image)), None)
        return _unknown("manifest unknown") if default is None else _image(default, repository, reference, accepted)
    return _image(item, repository, reference, accepted)


def signed_schema1(image: BuiltImage, repository: str, tag: str) -> tuple[bytes, bytes]:
    """Return the manifest in schema 1, and its payload without signatures, which the digest is computed from."""
    payload = json.dumps(_schema1_of(image, repository, tag), indent=3)
    signatures = json.dumps([_signature(payload)], indent=3).replace("\n", "\n   ")
    signed = f'{payload.removesuffix(_TAIL)},\n   "signatures": {signatures}{_TAIL}'
    return signed.encode(), payload.encode()


def answer_error(status: int, code: str, message: str, detail: object = None) -> web.Response:
    """Return an error in the registry's form."""
    error = {"code": code, "message": message, **({} if detail is None else {"detail": detail})}
    return web.json_response({"errors": [error]}, status=status, headers=VERSION)


def _image(item: Pushable, repository: str, reference: str, accepted: set[str]) -> web.Response:
    """Return an image's manifest, in schema 1 for a client that does not know schema 2."""
    if DOCKER_MANIFEST in accepted or not isinstance(item, BuiltImage):
        return _document(item.manifest, item.media_type, item.digest)
    signed, payload = signed_schema1(item, repository, reference)
    return _document(signed, DOCKER_SCHEMA1, digest_of(payload))


def _is_default(image: BuiltImage) -> bool:
    return (image.platform.get("os"), image.platform.get("architecture")) == ("linux", "amd64")


def _document(body: bytes, media_type: str, digest: str) -> web.Response:
    headers = {**VERSION, "Docker-Content-Digest": digest, "Etag": f'"{digest}"', "Content-Type": media_type}
    return web.Response(body=body, headers=headers)


def _unknown(message: str, detail: object = None) -> web.Response:
    return answer_error(404, "MANIFEST_UNKNOWN", message, detail)


def _schema1_of(image: BuiltImage, repository: str, tag: str) -> dict[str, Any]:
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
