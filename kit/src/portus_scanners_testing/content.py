"""What a test lets a server or a program say."""

from __future__ import annotations

import json


def content_of(value: object) -> bytes:
    """Return bytes as they are, a text in UTF-8, and any other value as JSON."""
    if isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()
