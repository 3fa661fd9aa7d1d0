"""Secrets in a backend's answer: found, and replaced before anybody sees them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from portus_images import MASK

_SHORTEST_LINE = 8
"""Characters: lines of a secret file that are shorter than this ("{") say nothing, and are everywhere."""


class SecretMask:
    """Finds secrets in bytes: as they are, percent-encoded, escaped as in JSON, and single lines of longer ones.

    Args:
        texts: The secrets; empty and blank strings are ignored.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self.texts = frozenset(text for text in texts if text.strip())
        forms = sorted({form for text in self.texts for form in _forms(text)}, key=len, reverse=True)
        self.longest = len(forms[0]) if forms else 0
        """Bytes of the longest form: so much more must be looked at where a text is cut."""
        self._pattern = re.compile(b"|".join(re.escape(form) for form in forms) if forms else rb"(?!)")

    def adding(self, texts: Iterable[str]) -> SecretMask:
        """Return a mask that finds these as well."""
        return SecretMask(self.texts.union(texts))

    def text(self, text: str) -> str:
        """Return the text, masked."""
        return self._hide(text.encode(errors="surrogatepass")).decode(errors="surrogatepass")  # JSON may hold any

    def head(self, data: bytes, limit: int) -> bytes:
        """Return the first *limit* bytes, masked; a secret that is cut there is masked too."""
        data, cut = data[: limit + self.longest], limit
        for found in self._pattern.finditer(data):
            if found.start() < limit < found.end():
                cut = found.end()
        return self._hide(data[:cut])

    def tail(self, data: bytes, limit: int) -> bytes:
        """Return the last *limit* bytes, masked; a secret that is cut there is masked too."""
        data = data[-(limit + self.longest) :]
        cut = first = max(len(data) - limit, 0)
        for found in self._pattern.finditer(data):
            if found.start() < first < found.end():
                cut = found.start()
        return self._hide(data[cut:])

    def _hide(self, data: bytes) -> bytes:
        return self._pattern.sub(MASK.encode(), data)


def _forms(text: str) -> Iterator[bytes]:
    """Yield the forms in which a secret may be shown."""
    lines = text.split("\n")
    parts = {text, text.strip(), *(line.strip() for line in lines if len(line.strip()) >= _SHORTEST_LINE)}
    for part in parts:
        raw = os.fsencode(part)
        yield raw
        yield quote(raw, safe="").encode()
        yield json.dumps(part)[1:-1].encode()
        yield json.dumps(part, ensure_ascii=False)[1:-1].encode(errors="surrogateescape")
