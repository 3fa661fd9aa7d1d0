"""What to tell a user who has no scanner enabled, from the metadata of what is installed."""

from __future__ import annotations

from importlib_metadata import PackageNotFoundError, metadata
from portus_scanners import discover

from .terminal import PROGRAM


def how_to_enable() -> str:
    """Return one sentence: no scanner is enabled, and what to do about it here."""
    names = sorted({plugin.name for plugin in discover() if plugin.problem is None})
    if not names:
        return f"no scanner is installed: {how_to_install()}"
    name = names[0]
    return (
        f"no scanner is enabled; installed: {', '.join(names)}. Enable one: "
        f"'security: {{{name}: {{server: URL}}}}' in a file given with --config, "
        f"or PORTUS_SECURITY_{name.upper()}_SERVER=URL (one that needs no server: enabled: true)"
    )


def how_to_enable_one(name: str) -> str:
    """Return what to do to enable an installed scanner."""
    return f"set security: {name}: server: URL (or enabled: true), or PORTUS_SECURITY_{name.upper()}_SERVER=URL"


def how_to_install() -> str:
    """Return what to type to get a scanner: one of this distribution's extras."""
    choices = ", ".join(f"'{PROGRAM}[{extra}]'" for extra in _extras())
    return f"pip install one of {choices}" if choices else "pip install a distribution that brings one"


def _extras() -> list[str]:
    try:
        return sorted(metadata(PROGRAM).get_all("Provides-Extra") or [])
    except PackageNotFoundError:
        return []
