"""Bytes that were made to be misread: changes of good inputs, in their structure and in their bytes."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

NASTY: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 2**63, -(2**70), 1e308, float("inf"), float("nan"), 0.5),
    *("", " ", "x", "\0", "\ud800", "A" * 3000, "\x1b[31m", "CVE-2099-0001", "e\u0301\u202e", "1:2:3", "~", "*"),
    *("2024-01-01", "2024-13-45", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "javascript:alert(1)"),
    *("pkg:deb/debian/x@1?arch=%zz", "../../etc/passwd", "http://[::1", "sha256:" + "a" * 64),
    *([], {}, [None], [[]], [{}], {"": None}, {"a": {"b": []}}, ["x"] * 50),
)
_PIECES = (
    *(b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\0", b"\xff", b"\n", b"null", b"1e999", b"@", b"/", b"%"),
    *(b"=", b"\\ud800", b"*x", b"&x ", b"<<: ", b"!!", b"? ", b"- ", b"[" * 2000, b'{"a":' * 2000, b"9" * 5000),
)


def mutate(seed: bytes, rng: random.Random) -> bytes:
    """Return a changed input."""
    if rng.random() < 0.5:
        head, _, body = seed.rpartition(b"\n") if seed.startswith(b"application/") else (b"", b"", seed)
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            return _change_bytes(seed, rng)
        for _ in range(rng.randint(1, 4)):
            document = _put(document, rng.choice(list(_paths(document))), copy.deepcopy(rng.choice(NASTY)))
        return (head + b"\n" if head else b"") + json.dumps(document).encode()
    return _change_bytes(seed, rng)


def _change_bytes(seed: bytes, rng: random.Random) -> bytes:
    data = bytearray(seed)
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(4)
        if kind == 0:
            data[at : at + rng.randint(1, 20)] = b""
        elif kind == 1:
            data[at : at + 1] = bytes((rng.randrange(256),))
        elif kind == 2:
            start = rng.randrange(len(data) + 1)
            data[at:at] = data[start : start + rng.randint(1, 30)]
        else:
            data[at:at] = rng.choice(_PIECES)
    return bytes(data)


def _paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from _paths(value[key], (*at, key))


def _put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    parent = value
    for part in path[:-1]:
        parent = parent[part]
    parent[path[-1]] = new
    return value
