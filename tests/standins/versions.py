"""Debian's order of versions.

Source: Debian Policy Manual, section 5.6.12 "Version".
"""

from __future__ import annotations

import re
from functools import cmp_to_key

_PARTS = re.compile(r"(\D*)(\d*)", re.ASCII)
_VALID = re.compile(r"(?:\d+:)?\d[A-Za-z0-9.+~:-]*", re.ASCII)


def is_valid(version: str) -> bool:
    """Return whether a string is a version; packages without a valid one are left out of package lists."""
    return _VALID.fullmatch(version) is not None


def compare(left: str, right: str) -> int:
    """Return -1 when *left* is the lower version, 1 when it is the higher one, 0 when they mean the same."""
    left_epoch, left_upstream, left_revision = split(left)
    right_epoch, right_upstream, right_revision = split(right)
    return (
        _sign(left_epoch - right_epoch)
        or _compare_part(left_upstream, right_upstream)
        or _compare_part(left_revision, right_revision)
    )


version_key = cmp_to_key(compare)
"""For ``sorted(versions, key=version_key)``."""


def split(version: str) -> tuple[int, str, str]:
    """Return epoch (0 when absent), upstream version and Debian revision ("" when absent; it means "0")."""
    epoch, colon, rest = version.strip().partition(":")
    if not colon:
        epoch, rest = "0", epoch
    upstream, hyphen, revision = rest.rpartition("-")
    return int(epoch), upstream if hyphen else rest, revision if hyphen else ""


def _compare_part(left: str, right: str) -> int:
    """Compare strings and numbers in turn; the shorter list of parts is padded with empty ones."""
    while left or right:
        left_text, left_number, left = _next_parts(left)
        right_text, right_number, right = _next_parts(right)
        order = _compare_text(left_text, right_text) or _sign(left_number - right_number)
        if order:
            return order
    return 0


def _next_parts(text: str) -> tuple[str, int, str]:
    match = _PARTS.match(text)
    assert match is not None
    return match[1], int(match[2] or 0), text[match.end() :]


def _compare_text(left: str, right: str) -> int:
    width = max(len(left), len(right))
    left_ranks, right_ranks = _ranks(left, width), _ranks(right, width)
    return (left_ranks > right_ranks) - (left_ranks < right_ranks)


def _ranks(text: str, width: int) -> list[int]:
    """Return the ranks of the characters: tilde before the end, the end before letters, letters before the rest."""
    return [_rank(character) for character in text] + [0] * (width - len(text))


def _rank(character: str) -> int:
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 256


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)
