"""Secrets that the tests plant, so that they can search for them in everything that is written."""

from __future__ import annotations

import base64
import html
import json
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, get_type_hints
from urllib.parse import quote, quote_plus

from attrs import fields, has
from portus_images import Secret
from portus_scanners import HttpScannerSettings, ScannerSettings

from ..registry import StandInRegistry

REGISTRY_PASSWORD = "canary-of-the-registry-7b1f"  # noqa: S105 (planted to be found)
_SETTING = "canary-of-the-setting-{name}-c40e"
_KINDS = (Secret, Secret | None)
_ACCOUNT = {f"{name}{way}" for name in ("password", "token") for way in ("", "_file", "_env")}
SHORTEST = 6
"""Characters of a secret that can be searched for: a shorter string may occur anywhere by chance."""


def secrets_for(settings_class: type[ScannerSettings], given: Collection[str] = ()) -> dict[str, str]:
    """Return a canary for each setting whose type is `Secret` or ``Secret | None``, by name.

    Of the account of `HttpScannerSettings`, whose secrets exclude each other, it is the token, unless the account is
    given.

    Args:
        settings_class: The class.
        given: The names of settings that have a value already.
    """
    types = get_type_hints(settings_class)
    names = [one.name for one in fields(settings_class)] if has(settings_class) else []
    left_out = set(given)
    if issubclass(settings_class, HttpScannerSettings):
        left_out |= {"password"} if _ACCOUNT.isdisjoint(given) else _ACCOUNT
    return {name: _SETTING.format(name=name) for name in names if types.get(name) in _KINDS and name not in left_out}


def secrets_in(settings: object) -> Iterator[str]:
    """Yield the value of every `Secret` in settings, at any depth, if it has `SHORTEST` characters or more."""
    kind: type[Any] = type(settings)
    if isinstance(settings, Secret):
        if len(settings.reveal()) >= SHORTEST:
            yield settings.reveal()
    elif has(kind):
        for one in fields(kind):
            yield from secrets_in(getattr(settings, one.name))
    elif isinstance(settings, Mapping):
        yield from secrets_in([*settings, *settings.values()])
    elif isinstance(settings, list | tuple | set | frozenset):
        for inner in settings:
            yield from secrets_in(inner)


def forms_of(planted: Iterable[str], registry: StandInRegistry) -> set[str]:
    """Return every string that must not be written: the canaries and the issued tokens, plain and encoded."""
    return {form for secret in {*planted, REGISTRY_PASSWORD, *_tokens(registry)} for form in _encoded(secret)}


def _tokens(registry: StandInRegistry) -> set[str]:
    return {token.value for token in registry.issued}


def _encoded(secret: str) -> Iterator[str]:
    """Yield a secret plain, in a URL, hexadecimal, and as it is inside of something in Base64, wherever it begins."""
    plain = secret.encode()
    yield from (secret, quote(secret, safe=""), quote_plus(secret), plain.hex(), plain.hex().upper(), secret[::-1])
    yield from (json.dumps(secret)[1:-1], repr(secret)[1:-1], html.escape(secret))
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + plain).decode().rstrip("=")
        # the first characters have bits of what stands before, and the last one bits of what comes after
        inner = whole[(0, 2, 3)[before] : len(whole) - (1 if (before + len(plain)) % 3 else 0)]
        yield from (inner, inner.replace("+", "-").replace("/", "_"))


def told(texts: Iterable[str], forms: Iterable[str]) -> list[str]:
    """Return an excerpt of the texts around the first occurrence of each form that is in them."""
    text = "\n".join(texts)
    places = sorted({(place, len(form)) for form in forms if (place := text.find(form)) >= 0})
    return [text[max(0, place - 80) : place + length + 20] for place, length in places]


def texts_of(error: BaseException | None) -> Iterator[str]:
    """Yield every string of an exception, and of its causes and contexts."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield from (str(error), repr(error), *getattr(error, "__notes__", ()))
        error = error.__cause__ or error.__context__


@contextmanager
def captured_logs() -> Iterator[list[str]]:
    """Collect the records of every logger at any level, tracebacks included, until the block ends."""
    lines: list[str] = []
    handler = _Collector(lines)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


class _Collector(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))
        self._lines.append(repr(record.args))
