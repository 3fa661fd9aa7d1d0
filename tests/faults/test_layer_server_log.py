"""The address of a local image's layers can't be guessed, and is in no log."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from urllib.parse import urlsplit

import pytest
from portus_images import ServeAddress
from portus_images.local.server import BlobServer

DIGEST = "sha256:" + "a" * 64


class Store:
    """An image that is open; its blob can't be read."""

    secret = "the-secret-beginning"

    def has_verified(self, digest: str) -> bool:
        return digest == DIGEST

    def open(self, digest: str) -> Any:
        raise ZeroDivisionError(digest)


@pytest.mark.parametrize(
    "line",
    [
        "GET {path} HTTP/1.1",
        "GET {path} HTTP/9.9",
        "GET {path}\x00 HTTP/1.1",
        "G\x01T {path} HTTP/1.1",
        "GET {path} HTTP/1.1\r\nContent-Length: x",
        "GET http://[{path} HTTP/1.1",
    ],
)
async def test_no_request_is_logged_with_its_path(caplog: pytest.LogCaptureFixture, line: str) -> None:
    """Neither one that is right nor one that no server understands, at any level."""
    server, store = BlobServer(ServeAddress("127.0.0.1")), Store()
    with caplog.at_level(logging.DEBUG):
        access = await server.publish(store, DIGEST)  # type: ignore[arg-type]
        address = urlsplit(access.url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(f"{line.format(path=address.path)}\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        await reader.read()
        writer.close()
        await server.aclose()
    assert store.secret in access.url
    assert store.secret not in caplog.text
