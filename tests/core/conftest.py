"""Distributions made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``install("dist", "1.0", entry_points={...}, modules={...})`` puts a distribution on the path."""

    def put(
        distribution: str,
        version: str = "1.0",
        *,
        entry_points: dict[str, str] | str = "",
        modules: dict[str, str] | None = None,
        requires: tuple[str, ...] = (),
        folder: str = "site",
    ) -> None:
        site = tmp_path / folder
        info = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        lines = [f"Requires-Dist: {line}" for line in requires]
        (info / "METADATA").write_text(
            "\n".join([f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}", *lines])
        )
        if isinstance(entry_points, dict):
            points = "\n".join(f"{name} = {value}" for name, value in entry_points.items())
            entry_points = f"[portus.scanners]\n{points}\n"
        (info / "entry_points.txt").write_text(entry_points)
        for name, source in (modules or {}).items():
            (site / f"{name}.py").write_text(source)
        monkeypatch.syspath_prepend(site)

    return put
