"""Exchanges recorded with the real servers, or derived from their source: one a file, request and response.

They are in the folder `data` of the tests of their plugin.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from portus_scanners_testing import Exchange

_PLUGINS = Path(__file__).parents[1] / "plugins"


def recorded(server: str, name: str) -> Exchange:
    """Return a recorded exchange as the kit replays it; arguments as for `exchange`."""
    return Exchange.read(_path(server, name))


def exchange(server: str, name: str) -> dict[str, Any]:
    """Return a recorded exchange, request body included, as its file has it.

    Args:
        server: The plugin's folder of tests: ``clair`` or ``zypper_docker``.
        name: The file's name, with or without ``.json``.
    """
    document: dict[str, Any] = json.loads(_path(server, name).read_text(encoding="utf-8"))
    return document


def names(server: str) -> list[str]:
    """Return the names of a server's exchanges, sorted, without ``.json``."""
    return sorted(path.stem for path in (_PLUGINS / server / "data").glob("*.json"))


def _path(server: str, name: str) -> Path:
    return _PLUGINS / server / "data" / f"{name.removesuffix('.json')}.json"
