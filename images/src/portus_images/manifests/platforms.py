"""Which platform of an index serves one that is wanted.

Names are Go's (``GOOS``, ``GOARCH``); the rules for variants are those of ``github.com/containerd/platforms``.
"""

from __future__ import annotations

import platform as python_platform
import re

from ..image import Platform

_SAME = {
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "i386": ("386", ""),
    "i486": ("386", ""),
    "i586": ("386", ""),
    "i686": ("386", ""),
    "x86": ("386", ""),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
    "armv5l": ("arm", "v5"),
    "armv5tel": ("arm", "v5"),
    "armv6l": ("arm", "v6"),
    "armv7l": ("arm", "v7"),
    "armv8l": ("arm", "v8"),
    "loongarch64": ("loong64", ""),
}
_LEVEL = re.compile(r"v?([0-9]{1,3})(?:\.[0-9]{1,3})?", re.ASCII)
_UNNAMED_LEVEL = {"arm": 7, "arm64": 8, "amd64": 1}
_ANY_LEVEL = 1000
_LONGEST_VERSION = 64
_BUILD = 3
"""Parts of a Windows version that must agree: ``10.0.17763``."""

Rank = tuple[int, ...]
"""How well an image serves: the smallest is the best."""


def own_platform() -> Platform:
    """Return the platform of this machine, as an image for it would be named; the OS is always Linux."""
    machine = python_platform.machine().lower() or "unknown"
    return Platform("linux", *_SAME.get(machine, (machine, "")))


def rank_platform(wanted: Platform, offered: Platform) -> Rank | None:
    """Return how well an offered platform serves the wanted one; None where it does not.

    A variant that is wanted is served by itself and by lower ones, the highest first. Without one all are good: on
    32-bit ARM the highest first, elsewhere the plain one first. A Windows version that is wanted is served by its own
    build; without one the newest comes first.
    """
    wanted, offered = normalize_platform(wanted), normalize_platform(offered)
    if (wanted.os, wanted.architecture) != (offered.os, offered.architecture):
        return None
    variant, version = _rank_variant(wanted, offered), _rank_version(wanted.os_version, offered.os_version)
    return None if variant is None or version is None else (variant, *version)


def _rank_variant(wanted: Platform, offered: Platform) -> int | None:
    if wanted.variant == offered.variant and (wanted.variant or wanted.architecture != "arm"):
        return 0
    level = _level(offered)
    if not wanted.variant:
        return _rank_any(wanted.architecture, level)
    limit = _level(wanted)
    return None if level is None or limit is None or level > limit else 1 + limit - level


def _rank_version(wanted: str, offered: str) -> Rank | None:
    """Return how well an offered version serves; an index entry that names none serves last."""
    if wanted == offered:
        return (0,)
    if not offered:
        return (2,)
    parts = _read_version(offered)
    if wanted and parts[:_BUILD] != _read_version(wanted)[:_BUILD]:
        return None
    return (1, *(-part for part in parts))


def _read_version(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdecimal() else 0 for part in version[:_LONGEST_VERSION].split("."))


def _rank_any(architecture: str, level: int | None) -> int:
    if level is None:
        return 2 * _ANY_LEVEL
    return _ANY_LEVEL - level if architecture == "arm" else 1 + level


def normalize_platform(platform: Platform) -> Platform:
    """Return the platform with Go's names, without the variant that an architecture has anyway."""
    name = platform.architecture.lower()
    architecture, variant = _SAME.get(name, (name, ""))
    variant = platform.variant.lower() or variant
    if (architecture, variant) in {("arm64", "v8"), ("arm64", "8"), ("amd64", "v1")}:
        variant = ""
    return Platform(platform.os.lower(), architecture, variant, platform.os_version)


def _level(platform: Platform) -> int | None:
    """Return the number in a platform's variant; without a variant that of the plain architecture."""
    if not platform.variant:
        return _UNNAMED_LEVEL.get(platform.architecture, 0)
    match = _LEVEL.fullmatch(platform.variant)
    return int(match[1]) if match else None
