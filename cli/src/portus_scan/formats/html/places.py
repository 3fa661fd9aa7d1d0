"""Where a page lies in the site: names that are safe on every file system and stay the same from scan to scan.

A name has a readable part (lower case ASCII letters, digits and hyphens) and a hash of the whole identity, so that two
identities differ also where case does not count, and no name is one that Windows keeps for itself.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from hashlib import sha256

INDEX = "index.html"
_UNSAFE = re.compile(r"[^a-z0-9]+")
_LONGEST_SLUG = 80
_HASH_DIGITS = 12


def page_name(*identity: str) -> str:
    """Return the name of the page of these texts: ``registry-example-team-app-1-0-linux-amd64-5a2b8c91d0ef.html``."""
    whole = json.dumps(identity).encode()  # ASCII, and no two identities give the same
    slug = _UNSAFE.sub("-", " ".join(part[:_LONGEST_SLUG] for part in identity).lower()).strip("-")
    slug = slug[:_LONGEST_SLUG].strip("-") or "page"
    return f"{slug}-{sha256(whole).hexdigest()[:_HASH_DIGITS]}.html"


class Places:
    """Gives each page a path of its own; the second page of one identity ends in ``-2``."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    def take(self, folder: str, *identity: str) -> str:
        """Return a path that no other page has."""
        name = page_name(*identity)
        self._taken[f"{folder}/{name}"] += 1
        times = self._taken[f"{folder}/{name}"]
        return f"{folder}/{name}" if times == 1 else f"{folder}/{name.removesuffix('.html')}-{times}.html"
