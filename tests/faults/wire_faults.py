"""The faults of the matrix: what goes over the wire instead of an answer. A new fault is one line."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import zlib
from collections.abc import Callable
from itertools import count
from typing import Any

from attrs import evolve

from .front import Answered, Asked, Show, reset

Writer = asyncio.StreamWriter
_GZIP = 16 + zlib.MAX_WBITS
_HUGE = 100 << 20


async def _send(writer: Writer, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


def ends(*parts: Callable[[Answered], bytes], then: str = "close") -> Show:
    """Send parts made of the good answer, then close, reset, keep or hang."""

    async def show(writer: Writer, good: Answered, _asked: Asked) -> bool:
        for part in parts:
            await _send(writer, part(good))
        if then == "hang":
            await asyncio.Event().wait()
        if then == "reset":
            reset(writer)
        return then == "keep"

    return show


def drips(start: Callable[[Answered], bytes], rest: Callable[[Answered], bytes]) -> Show:
    """Send the rest of an answer a byte each 0.3 s."""

    async def show(writer: Writer, good: Answered, _asked: Asked) -> bool:
        await _send(writer, start(good))
        for byte in rest(good):
            await _send(writer, bytes((byte,)))
            await asyncio.sleep(0.3)
        return True

    return show


def floods(piece: bytes) -> Show:
    """Send the same again and again."""

    async def show(writer: Writer, _good: Answered, _asked: Asked) -> bool:
        for _ in count():
            await _send(writer, piece)
            await asyncio.sleep(0.1)
        return False

    return show


def bodies(make: Callable[[Answered], bytes] | bytes, status: int = 0, **headers: str) -> Show:
    """Send another body; the status is that of the good answer unless it is given."""

    async def show(writer: Writer, good: Answered, _asked: Asked) -> bool:
        body = make if isinstance(make, bytes) else make(good)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        await _send(writer, evolve(good.with_body(body, **named), status=status or good.status).render())
        return True

    return show


def statuses(number: int, body: bytes | None = None, **headers: str) -> Show:
    """Send another status with the good answer's body, or with another one."""
    return bodies((lambda good: good.body) if body is None else body, number, **headers)


async def redirect_to_itself(writer: Writer, good: Answered, asked: Asked) -> bool:
    """Send the client back to where it has just asked."""
    target = asked.raw.split(b" ", 2)[1].decode()
    await _send(writer, evolve(good.with_body(b"", Location=target), status=302).render())
    return True


def _half(good: Answered) -> bytes:
    return good.render()[: len(good.head()) + len(good.body) // 2]


def _chunked(*chunks: Callable[[Answered], bytes]) -> tuple[Callable[[Answered], bytes], ...]:
    head = [lambda good: good.head(framed=False, extra="Transfer-Encoding: chunked")]
    return tuple(head + [lambda good, one=one: b"%x\r\n%s\r\n" % (len(one(good)), one(good)) for one in chunks])


def _bomb() -> bytes:
    pack = zlib.compressobj(9, zlib.DEFLATED, _GZIP)
    pieces = [pack.compress(b"["), *(pack.compress(b" " * (1 << 20)) for _ in range(1024)), pack.compress(b"]")]
    return b"".join([*pieces, pack.flush()])


def _again(value: bytes) -> Callable[[Answered], bytes]:
    """Write each member of a document a second time, with this value."""

    def make(good: Answered) -> bytes:
        members = _members(good.body)
        twice = b",".join(b"%s:%s" % (json.dumps(name).encode(), value) for name in members)
        return good.body.rstrip()[:-1] + b"," + twice + b"}" if members else good.body + b"]"

    return make


def _members(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


_NUMBERS = (
    *(201, 202, 203, 206, 226, 299, 300, 305, 400, 402, 403, 404, 405, 406, 408, 409, 410, 413, 415, 418, 421),
    *(422, 429, 431, 451, 499, 500, 501, 502, 503, 504, 505, 511, 599, 600, 999),
)
HANGS: dict[str, Show] = {
    "before the head": ends(then="hang"),
    "in the head": ends(lambda _: b"HTTP/1.1 200 OK\r\nContent-", then="hang"),
    "after the head": ends(lambda good: good.head(length=len(good.body) or 9), then="hang"),
    "in the body": ends(_half, lambda good: b"" if good.body else good.head()[:-3], then="hang"),
    "drip": drips(lambda _: b"", lambda good: good.render()),
    "drip of the body": drips(lambda good: good.head(), lambda good: good.body),
    "endless 100": floods(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "endless head": floods(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10),
}
BROKEN: dict[str, Show] = {
    "close": ends(),
    "reset": ends(then="reset"),
    "close in the head": ends(lambda _: b"HTTP/1.1 200 OK\r\nContent-"),
    "close in the body": ends(_half),
    "reset in the body": ends(_half, then="reset"),
    "length too long": ends(lambda good: good.render(length=len(good.body) + 9)),
    "length too short": ends(lambda good: good.render(length=len(good.body) // 2)),
    "length negative": ends(lambda good: good.render(length=-5)),
    "length zero": ends(lambda good: good.render(length=0)),
    "two lengths": ends(lambda good: good.render(extra="Content-Length: 3")),
    "no length, half": ends(lambda good: good.head(framed=False) + good.body[: len(good.body) // 2]),
    "chunked, no end": ends(*_chunked(lambda good: good.body)),
    "chunked, cut": ends(*_chunked(lambda good: good.body[: len(good.body) // 2])),
    "chunked, bad size": ends(*_chunked(), lambda good: b"zz\r\n" + good.body),
    "chunked and a length": ends(lambda good: good.render(extra="Transfer-Encoding: chunked")),
    "not http": ends(lambda _: b"\x16\x03\x01 SSH-2.0-OpenSSH\r\n\r\n"),
    "http 2": ends(lambda _: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "100,000 headers": ends(lambda _: b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(100_000))),
    "header of 10 MB": ends(lambda _: b"HTTP/1.1 200 OK\r\nX: " + b"y" * 10_000_000 + b"\r\n\r\n"),
}
PACKED: dict[str, Show] = {
    name: bodies(make, Content_Encoding="gzip")
    for name, make in {
        "gzip cut": lambda good: gzip.compress(good.body)[:-10],
        "gzip without its trailer": lambda good: gzip.compress(good.body)[:-8],
        "gzip, wrong checksum": lambda good: gzip.compress(good.body)[:-8] + bytes(8),
        "gzip, garbage": lambda _: b"\x1f\x8b\x08\x00" + b"garbage" * 10,
        "gzip that is none": lambda good: good.body,
        "gzip twice": lambda good: gzip.compress(gzip.compress(good.body)),
        "gzip, two members": lambda good: gzip.compress(good.body[:9]) + gzip.compress(good.body[9:]),
    }.items()
} | {"unknown encoding": bodies(lambda good: good.body[::-1], Content_Encoding="br")}
STATUSES: dict[str, Show] = {
    **{f"status {number}": statuses(number) for number in _NUMBERS},
    "status 204": statuses(204, b""),
    "status 304": statuses(304, b""),
    "401, no challenge": statuses(401),
    "401, empty challenge": statuses(401, WWW_Authenticate="Bearer"),
    "401, realm elsewhere": statuses(401, WWW_Authenticate='Bearer realm="http://127.0.0.1:1/steal",service="s"'),
    "401, realm a file": statuses(401, WWW_Authenticate='Bearer realm="file:///etc/passwd",service="s"'),
    "401, NTLM": statuses(401, WWW_Authenticate="Negotiate, NTLM"),
    "redirect, no place": statuses(302),
    "redirect elsewhere": statuses(307, Location="http://127.0.0.1:1/elsewhere"),
    "redirect to a file": statuses(302, Location="file:///etc/passwd"),
    "redirect malformed": statuses(302, Location="http://[::1"),
    "redirect to slashes": statuses(302, Location="//"),
    "redirect to itself": redirect_to_itself,
    "429 for ever": statuses(429, Retry_After="999999999999"),
    "429, negative": statuses(429, Retry_After="-5"),
    "429, at once": statuses(429, Retry_After="0"),
    "503, no number": statuses(503, Retry_After="1e400"),
    "503 until 9999": statuses(503, Retry_After="Fri, 31 Dec 9999 23:59:59 GMT"),
}
BODIES: dict[str, Show] = {
    "html": bodies(b"<html><body>Log in, please</body></html>", 200, Content_Type="text/html"),
    "empty": bodies(b"", 200),
    "blank": bodies(b"  \n ", 200),
    **{
        f"json {value.decode()}": bodies(value, 200)
        for value in (b"null", b"[]", b"{}", b"true", b"0", b'""', b"NaN", b"-Infinity", b"[null]", b'{"":{}}')
    },
    "deep lists": bodies(b"[" * 200_000 + b"]" * 200_000),
    "deep objects": bodies(b'{"a":' * 200_000 + b"1" + b"}" * 200_000),
    "long number": bodies(b'{"Layer":' + b"9" * 200_000 + b"}"),
    "trailing garbage": bodies(lambda good: good.body + b"garbage"),
    "leading garbage": bodies(lambda good: b"PHP Warning: x\n" + good.body),
    "two documents": bodies(lambda good: good.body + good.body),
    "not utf-8": bodies(lambda good: good.body.replace(b"e", b"\xff\xfe")),
    "not utf-8 in strings": bodies(lambda good: re.sub(rb'": ?"', lambda match: match[0] + b"\xc3\x28", good.body)),
    "utf-16": bodies(lambda good: good.body.decode("latin-1").encode("utf-16")),
    "bom": bodies(lambda good: b"\xef\xbb\xbf" + good.body),
    "nul in strings": bodies(lambda good: re.sub(rb'": ?"', lambda match: match[0] + rb"\u0000", good.body)),
    "lone surrogates": bodies(lambda good: re.sub(rb'": ?"', lambda match: match[0] + rb"\ud800", good.body)),
    "half": bodies(lambda good: good.body[: len(good.body) // 2]),
    "in a list": bodies(lambda good: b"[" + good.body + b"]"),
    "each member again, null": bodies(_again(b"null")),
    "each member again, an empty list": bodies(_again(b"[]")),
}
HEAVY: dict[str, Show] = {
    "gzip bomb of 1 GB": bodies(lambda _: _bomb(), Content_Encoding="gzip"),
    "100 MB of zeros": bodies(lambda _: bytes(_HUGE)),
    "100 MB of spaces": bodies(lambda _: b"[" + b" " * _HUGE + b"]"),
    "a string of 100 MB": bodies(lambda _: b'{"Layer":"' + b"x" * _HUGE + b'"}'),
    "padded to 100 MB": bodies(lambda good: good.body[:-1] + b" " * _HUGE + good.body[-1:]),
}
FAULTS: dict[str, Show] = {**HANGS, **BROKEN, **PACKED, **STATUSES, **BODIES}
"""Those that cost next to nothing; `HEAVY` is left to ``scripts/faults``."""
