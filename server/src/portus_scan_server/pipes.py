"""Values through the pipe to a child of ours: a pickle behind its length. Only between a process and its own child."""

from __future__ import annotations

import asyncio
import pickle
import struct
from typing import Any, BinaryIO

_LENGTH = struct.Struct("!Q")


def framed(value: object) -> bytes:
    """Return a value as it goes through a pipe."""
    packed = pickle.dumps(value)
    return _LENGTH.pack(len(packed)) + packed


async def receive(stream: asyncio.StreamReader) -> Any:
    """Return the next value of a stream.

    Raises:
        IncompleteReadError: It has ended.
    """
    (length,) = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))
    return pickle.loads(await stream.readexactly(length))  # noqa: S301 (our own process's)


def receive_blocking(stream: BinaryIO) -> Any:
    """Return the next value of a stream.

    Raises:
        EOFError: It has ended.
    """
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    return pickle.loads(stream.read(_LENGTH.unpack(head)[0]))  # noqa: S301 (our own process's)
