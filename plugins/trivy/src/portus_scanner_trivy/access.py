"""How Trivy pulls an image from a registry: from which address, with credentials for exactly one host."""

from __future__ import annotations

import base64
import binascii
import json
import re

from attrs import frozen
from portus_scanners import (
    BlobAccess,
    Image,
    RegistryError,
    RegistryUnavailableError,
    ScannerContext,
    ScannerError,
    ScannerUnavailableError,
    Secret,
    UnsupportedImageError,
)
from portus_scanners.backends import ProgramWorkspace

from .refusals import NotPulledError

DOCKER_FOLDER = "docker"
"""The folder in the workspace that ``DOCKER_CONFIG`` names, so that Trivy looks for no other credentials."""
_BLOB_URL = re.compile(r"(?P<scheme>https?)://(?P<host>[^/@]+)/v2/(?P<repository>.+)/blobs/[^/]+")


@frozen(kw_only=True)
class Source:
    """Where Trivy finds an image."""

    arguments: tuple[str, ...]
    """Arguments for the end of the command line."""
    has_token: bool = False
    """Whether Trivy gets a token, which may expire before all layers are pulled."""


async def open_registry(context: ScannerContext, workspace: ProgramWorkspace, image: Image, *, renew: bool) -> Source:
    """Write the credentials for an image's registry into the workspace, and return where the image is.

    Args:
        context: Gives the credentials.
        workspace: Gets a ``config.json`` in Docker's form, with one host.
        image: An image in a registry.
        renew: Whether to get a new token instead of one that was issued before.

    Raises:
        UnsupportedImageError: None of the image's layers is in the registry.
        ScannerUnavailableError: The registry can't be reached or is out of order.
        NotPulledError: The registry has TLS settings that can't be passed to Trivy.
        ScannerError: There are no credentials, or the registry has an address that Trivy can't use.
    """
    access = await _ask(context, image, renew=renew)
    if access.own_tls:
        raise NotPulledError("the registry has TLS settings of its own, which Trivy does not know")
    match = _BLOB_URL.fullmatch(access.url)
    if match is None:
        raise ScannerError("the registry's address has a path: Trivy can't pull from there")
    kind, _, value = access.headers.get("Authorization", "").partition(" ")
    _write_login(workspace, match["host"], kind.casefold(), Secret(value))
    reference = f"{match['host']}/{match['repository']}@{image.digest}"
    plain = ("--insecure",) if match["scheme"] == "http" else ()
    return Source(arguments=("--image-src", "remote", *plain, reference), has_token=kind.casefold() == "bearer")


async def _ask(context: ScannerContext, image: Image, *, renew: bool) -> BlobAccess:
    layer = next((layer for layer in image.layers if not layer.urls), None)
    if layer is None:
        raise UnsupportedImageError("the image has no layer that Trivy could look into")
    try:
        return await context.blob(image, layer, renew=renew, from_here=True)
    except RegistryUnavailableError as error:
        raise ScannerUnavailableError(str(error)) from error
    except RegistryError as error:
        raise ScannerError(str(error)) from error


def _write_login(workspace: ProgramWorkspace, host: str, kind: str, value: Secret) -> None:
    """Write Docker's file, with a token as the registry gets it, or user name and password as in the header.

    Source: docker/cli, ``cli/config/types/authconfig.go``.
    """
    key = {"basic": "auth", "bearer": "registrytoken"}.get(kind)
    auths = {host: {key: value.reveal()}} if key else {}
    if key:
        workspace.hide(value)
        workspace.hide(_password(value))
    workspace.write(f"{DOCKER_FOLDER}/config.json", Secret(json.dumps({"auths": auths})))


def _password(basic: Secret) -> Secret:
    """Return the password in the value of a Basic header; empty if there is none."""
    try:
        return Secret(base64.b64decode(basic.reveal(), validate=True).decode().partition(":")[2])
    except (binascii.Error, UnicodeDecodeError):
        return Secret()
