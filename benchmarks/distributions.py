"""Distributions that are made up: a folder with as much metadata as an environment of so many has."""

from __future__ import annotations

from pathlib import Path

PLUGINS = 12
"""How many of them bring a scanner."""
_REQUIREMENTS = 12
_DESCRIPTION = "This distribution was made up for a benchmark; its description is as long as those of real ones. " * 80


def write_distributions(folder: Path, count: int) -> None:
    """Write the metadata of so many distributions, 8 KB each: every third has commands, 12 a scanner, most neither.

    Args:
        folder: Is put on the path of those who are to find them.
        count: 12 at least.
    """
    for number in range(count):
        info = folder / f"made_up_{number}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(_metadata(number))
        if points := _entry_points(number):
            (info / "entry_points.txt").write_text(points)


def _metadata(number: int) -> str:
    requirements = "".join(f"Requires-Dist: made-up-{number + other}>=1\n" for other in range(_REQUIREMENTS))
    return f"Metadata-Version: 2.1\nName: made-up-{number}\nVersion: 1.0\n{requirements}\n{_DESCRIPTION}\n"


def _entry_points(number: int) -> str:
    commands = f"[console_scripts]\nmade-up-{number} = made_up_{number}:main\n" if number % 3 == 0 else ""
    scanner = f"[portus.scanners]\nmade_up_{number} = made_up_{number}:Scanner\n" if number < PLUGINS else ""
    return commands + scanner
