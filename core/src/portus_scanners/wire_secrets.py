"""Secrets in requests: revealed on the wire only, and masked where an answer quotes them."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .secret import MASK, Secret

_SHORTEST = 4
"""Characters: shorter pieces are everywhere, and say nothing."""


def reveal(value: Any) -> Any:
    """Return a value for JSON, or headers, with the texts of the secrets in it."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return {name: reveal(inner) for name, inner in value.items()}
    return [reveal(inner) for inner in value] if isinstance(value, list | tuple) else value


def find_secrets(*values: Any) -> Iterator[Secret]:
    """Yield every secret in values for JSON and in headers."""
    for value in values:
        if isinstance(value, Secret):
            yield value
        elif isinstance(value, Mapping):
            yield from find_secrets(*value.values())
        elif isinstance(value, list | tuple):
            yield from find_secrets(*value)


def mask(text: str, secrets: Iterable[Secret]) -> str:
    """Return a text without the secrets: whole ones, and of ``Basic ...`` and ``Bearer ...`` what comes after it."""
    forms = {form for secret in secrets for form in _forms(secret.reveal())}
    for form in sorted(forms, key=len, reverse=True):
        if len(form) >= _SHORTEST:
            text = text.replace(form, MASK)
    return text


def _forms(text: str) -> Iterator[str]:
    scheme, _, credentials = text.partition(" ")
    pieces = [text, credentials]
    if scheme.lower() == "basic":
        pieces.append(_decode(credentials).partition(":")[2])
    for piece in pieces:
        yield piece
        yield json.dumps(piece)[1:-1]


def _decode(credentials: str) -> str:
    try:
        return base64.b64decode(credentials, validate=True).decode(errors="replace")
    except (binascii.Error, ValueError):
        return ""
