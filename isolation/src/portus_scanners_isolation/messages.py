"""What an engine and the process of a scanner say to each other: JSON lists, each after its length in four bytes.

The process is foreign: what it sends is bounded here, read by our strict converter alone, and never unpickled.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from contextlib import suppress
from typing import Any, TypeVar

import portus_images
from attrs import evolve
from portus_images import LocalImageError, PortusError, RegistryError, load_json
from portus_scanners import (
    InvalidReportError,
    ScannerError,
    ScannerReport,
    ScannerUnavailableError,
    UnsupportedImageError,
)
from portus_scanners.engine import Raised
from portus_scanners.serialize import document_converter

KindT = TypeVar("KindT")

LARGEST_MESSAGE = 4 * 1024 * 1024
"""Bytes of one message of the process: 20 ms or so to read."""
MOST_BYTES = 512 * 1024 * 1024
"""Bytes of all messages of one process."""
MOST_MESSAGES = 100_000
PIECE = 250
"""Findings of one message: 10 ms or so to read."""
_LENGTH = 4
_BUFFER = 1024 * 1024


class Channel:
    """One end of the connection between an engine and a process.

    Args:
        reader: What the other end sends.
        writer: Where to send.
        foreign: Whether the other end is a scanner's process, whose messages have limits.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, foreign: bool) -> None:
        self._reader = reader
        self._writer = writer
        self._foreign = foreign
        self._process = os.getpid()
        self._bytes = 0
        self._messages = 0

    @classmethod
    async def open(cls, end: socket.socket, *, foreign: bool) -> Channel:
        """Return the channel of a connected socket, which it closes."""
        reader, writer = await asyncio.open_unix_connection(sock=end, limit=_BUFFER)
        writer.transport.set_write_buffer_limits(high=0)
        return cls(reader, writer, foreign=foreign)

    def send(self, *message: Any) -> None:
        """Send a message; one to an end that is gone is lost."""
        if os.getpid() != self._process:
            os._exit(0)  # a copy of the process, by a fork that has returned
        body = json.dumps(message, separators=(",", ":")).encode()
        if not self._writer.is_closing():
            self._writer.write(len(body).to_bytes(_LENGTH, "big") + body)

    async def drain(self) -> None:
        """Wait until all is sent, or the other end is gone."""
        with suppress(OSError):
            await self._writer.drain()

    async def receive(self) -> list[Any] | None:
        """Return the next message; None at the end, also in the middle of one.

        Raises:
            InvalidReportError: It is too long, is not JSON, or there are too many.
        """
        try:
            size = int.from_bytes(await self._reader.readexactly(_LENGTH), "big")
            self._count(size)
            body = await self._reader.readexactly(size)
            await asyncio.sleep(0)  # what has come already is taken without waiting
        except (asyncio.IncompleteReadError, OSError):
            return None
        try:
            message = load_json(body)
        except (ValueError, RecursionError):
            raise InvalidReportError("its process sent something that is not a message") from None
        return message if isinstance(message, list) else []

    def close(self) -> None:
        """Close this end at once; what was not sent is lost."""
        self._writer.transport.abort()

    def _count(self, size: int) -> None:
        self._bytes += size
        self._messages += 1
        if self._foreign and size > LARGEST_MESSAGE:
            raise InvalidReportError(f"its process sent something that is not a message, or one of {size:,} bytes")
        if self._foreign and (self._bytes > MOST_BYTES or self._messages > MOST_MESSAGES):
            raise InvalidReportError(f"its process sent more than {MOST_MESSAGES:,} messages or {MOST_BYTES:,} bytes")


def plain(value: object) -> Any:
    """Return an object of ours as JSON values."""
    return document_converter().unstructure(value)


def read(value: Any, kind: type[KindT]) -> KindT:
    """Return JSON values as an object of ours.

    Raises:
        InvalidReportError: They are of another form.
    """
    try:
        return document_converter().structure(value, kind)
    except Exception as error:
        raise InvalidReportError("its process sent a message of another form") from error


def send_report(channel: Channel, kind: str, report: ScannerReport) -> None:
    """Send a report in pieces that are read without keeping an event loop waiting."""
    for begin in range(0, len(report.findings), PIECE):
        _send_findings(channel, plain(report.findings[begin : begin + PIECE]))
    channel.send(kind, plain(evolve(report, findings=())))


def _send_findings(channel: Channel, findings: list[Any]) -> None:
    """Send findings, in two halves where they are more than a message may have."""
    half = len(findings) // 2
    if half and len(json.dumps(findings)) > LARGEST_MESSAGE // 2:
        _send_findings(channel, findings[:half])
        _send_findings(channel, findings[half:])
    else:
        channel.send("findings", findings)


def error_of(raised: Raised) -> ScannerError:
    """Return an error of ours that the boundary takes for the same again."""
    if raised.unsupported:
        return UnsupportedImageError(raised.words)
    if raised.unavailable:
        return ScannerUnavailableError(raised.words, retry=raised.retry)
    return ScannerError(raised.words)


def refusal_of(error: PortusError) -> list[Any]:
    """Return why a question about the image has no answer, as JSON values."""
    if isinstance(error, UnsupportedImageError):
        return ["", str(error), {}]
    if not isinstance(error, RegistryError):
        return [PortusError.__name__, str(error), {}]
    kind = RegistryError if isinstance(error, LocalImageError) else type(error)  # the former is made otherwise
    return [kind.__name__, str(error), {"registry": error.registry, "step": error.step, "status": error.status}]


def error_of_refusal(values: list[Any]) -> Exception:
    """Return the error that `refusal_of` was given."""
    kind, message, attributes = values
    return getattr(portus_images, kind)(message, **attributes) if kind else UnsupportedImageError(message)
