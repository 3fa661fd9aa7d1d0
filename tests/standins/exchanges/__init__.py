"""Exchanges recorded with the real servers, or derived from their source: one a file, request and response."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent


def exchange(server: str, name: str) -> dict[str, Any]:
    """Return a recorded exchange.

    Args:
        server: The folder: ``clair`` or ``zypper_docker``.
        name: The file's name, with or without ``.json``.
    """
    path = _FOLDER / server / f"{name.removesuffix('.json')}.json"
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def names(server: str) -> list[str]:
    """Return the names of a server's exchanges, sorted, without ``.json``."""
    return sorted(path.stem for path in (_FOLDER / server).glob("*.json"))
