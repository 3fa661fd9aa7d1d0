"""An answer of Clair with many vulnerabilities, made up: 20,000 of 5,000 features are 15 MB."""

from __future__ import annotations

import json
import random
from itertools import product
from typing import Any

NAME = "top"
"""The layer that it is about."""
_TEXT = "A flaw was found in the way that a <function> handled & data. " * 10
_WORDS = ("Negligible", "Low", "Medium", "High", "Critical", "Unknown")
_VECTORS = ["AV:{}/AC:{}/Au:{}/C:{}/I:{}/A:{}".format(*parts) for parts in product("NL", "LMH", "NS", *["NPC"] * 3)]
_EACH = 4
"""Vulnerabilities of a feature."""


def make_answer(features: int) -> bytes:
    """Return the answer to ``GET /v1/layers/top?vulnerabilities``, decompressed; the same each time.

    The metadata is that of NVD, with as many different ratings as there are vectors of its kind (324).
    """
    chance = random.Random(features)  # noqa: S311
    listed = [_feature(number, chance) for number in range(features)]
    chance.shuffle(listed)
    layer = {"Name": NAME, "NamespaceName": "debian:12", "IndexedByVersion": 3, "Features": listed}
    return json.dumps({"Layer": layer}, separators=(",", ":")).encode()


def _feature(number: int, chance: random.Random) -> dict[str, Any]:
    return {
        "Name": f"package-{number}",
        "NamespaceName": "debian:12",
        "VersionFormat": "dpkg",
        "Version": f"1.{number}-1",
        "AddedBy": "a" * 64,
        "Vulnerabilities": [_vulnerability(number * _EACH + index, chance) for index in range(_EACH)],
    }


def _vulnerability(number: int, chance: random.Random) -> dict[str, Any]:
    name = f"CVE-{chance.randint(2010, 2025)}-{number:05}"
    rating = chance.randrange(len(_VECTORS))
    return {
        "Name": name,
        "NamespaceName": "debian:12",
        "Description": _TEXT[: chance.randint(280, 580)],
        "Link": f"https://security-tracker.debian.org/tracker/{name}",
        "Severity": chance.choice(_WORDS),
        "Metadata": {"NVD": {"CVSSv2": {"Score": round(rating % 100 / 10, 1), "Vectors": _VECTORS[rating]}}},
        "FixedBy": f"1.{number}-2",
    }
