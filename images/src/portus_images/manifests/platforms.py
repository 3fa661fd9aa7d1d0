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
_LEVEL = r"(?a)v?([0-9]{1,3})(?:\.([0-9]{1,3}))?"
_LOWEST = {"arm": (5, 0), "arm64": (8, 0), "amd64": (1, 0)}
_PLAIN = {"arm": "v7", "arm64": "v8", "amd64": "v1"}
"""The variant of an architecture that names none."""
_SERVED_TOO = {"amd64": ("386", ""), "arm64": ("arm", "v8")}
"""The 32-bit architecture that a processor runs as well; an image for it comes after all others."""
_ARM_9 = 5
"""Arm's v9.0 has all that v8.5 has, v9.1 that of v8.6, and so on."""
_OTHER_ARCHITECTURE = 10_000
_OTHER_MAJOR = 1000
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

    A variant is served by itself and by lower ones, the highest first; then amd64 by 386, and arm64 by 32-bit ARM. A
    Windows version that is wanted is served by its own build; without one the newest comes first. Elsewhere versions do
    not count.
    """
    wanted, offered = normalize_platform(wanted), normalize_platform(offered)
    if wanted.os != offered.os:
        return None
    variant, version = _rank_architecture(wanted, offered), _rank_version(wanted, offered)
    return None if variant is None or version is None else (variant, *version)


def _rank_architecture(wanted: Platform, offered: Platform) -> int | None:
    if wanted.architecture == offered.architecture:
        return _rank_variant(wanted, offered)
    architecture, variant = _SERVED_TOO.get(wanted.architecture, ("", ""))
    if architecture != offered.architecture:
        return None
    rank = _rank_variant(Platform(wanted.os, architecture, variant), offered)
    return None if rank is None else _OTHER_ARCHITECTURE + rank


def _rank_variant(wanted: Platform, offered: Platform) -> int | None:
    if wanted.variant == offered.variant:
        return 0
    limit, level = _level(wanted), _level(offered)
    if limit is None or level is None or not _LOWEST[wanted.architecture] <= level <= limit:
        return None
    if wanted.architecture != "arm64":
        return limit[0] - level[0] if level[1] == 0 else None
    if level[0] == limit[0]:
        return limit[1] - level[1]
    behind = limit[1] + _ARM_9 - level[1]
    return _OTHER_MAJOR + behind if behind >= 0 else None


def _rank_version(wanted: Platform, offered: Platform) -> Rank | None:
    """Return how well an offered version serves; an index entry that names none serves last."""
    if wanted.os != "windows" or wanted.os_version == offered.os_version:
        return (0,)
    if not offered.os_version:
        return (2,)
    parts = _read_version(offered.os_version)
    if wanted.os_version and parts[:_BUILD] != _read_version(wanted.os_version)[:_BUILD]:
        return None
    return (1, *(-part for part in parts))


def _read_version(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdecimal() else 0 for part in version[:_LONGEST_VERSION].split("."))


def normalize_platform(platform: Platform) -> Platform:
    """Return the platform as containerd writes it: Go's names, and a variant only where it is not the usual one.

    On 32-bit ARM the usual one is written. A version stays where it counts: on Windows.
    """
    name, os = platform.architecture.lower(), platform.os.lower()
    architecture, variant = _SAME.get(name, (name, ""))
    variant = platform.variant.lower() or variant
    if architecture in _PLAIN:
        variant = f"v{variant}" if variant[:1].isdecimal() else variant or _PLAIN[architecture]
        variant = variant.removesuffix(".0") if architecture == "arm64" else variant
        variant = "" if variant == _PLAIN[architecture] and architecture != "arm" else variant
    version = platform.os_version if os == "windows" else ""
    return Platform("darwin" if os == "macos" else os, architecture, variant, version)


def _level(platform: Platform) -> tuple[int, int] | None:
    """Return the number in a platform's variant; None where it has none, or means nothing."""
    match = re.fullmatch(_LEVEL, platform.variant or _PLAIN.get(platform.architecture, ""))
    if match is None or platform.architecture not in _LOWEST:
        return None
    return int(match[1]), int(match[2] or 0)
