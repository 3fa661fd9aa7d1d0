"""The hostile scanners as a distribution that is not installed: it is on the path of these tests alone."""

from __future__ import annotations

import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parent / "hostile"
_METADATA = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
ENTRY_POINTS: dict[str, str] = _METADATA["entry-points"]["portus.scanners"]

sys.path.append(str(PROJECT / "src"))


def hostile(name: str) -> type[Any]:
    """Return the scanner of an entry point."""
    module, _, attribute = ENTRY_POINTS[name].partition(":")
    found: type[Any] = getattr(import_module(module), attribute)
    return found


def names_of(*modules: str) -> list[str]:
    """Return the names of the scanners in these modules."""
    return [name for name, value in ENTRY_POINTS.items() if value.partition(":")[0].rpartition(".")[2] in modules]


@pytest.fixture(scope="session")
def hostile_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What ``PYTHONPATH`` has to be for a program that is to find the distribution."""
    site = tmp_path_factory.mktemp("hostile")
    info = site / f"{_METADATA['name'].replace('-', '_')}-{_METADATA['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {_METADATA['name']}\nVersion: {_METADATA['version']}\n"
    )
    points = "\n".join(f"{name} = {value}" for name, value in ENTRY_POINTS.items())
    (info / "entry_points.txt").write_text(f"[portus.scanners]\n{points}\n")
    return f"{site}:{PROJECT / 'src'}"
