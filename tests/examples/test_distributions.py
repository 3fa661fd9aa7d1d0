"""The examples as distributions: like a third party's, and none that comes with ours."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path
from typing import Any

import portus_scanners
import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/pyproject.toml"))
by_name = pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)


def project_of(folder: Path) -> dict[str, Any]:
    """Return the [project] table of a distribution."""
    project: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    return project


@by_name
def test_an_example_is_a_distribution_like_ours(folder: Path) -> None:
    """It has the license, types, a page, the version of all, and needs the core in this series."""
    core, project = project_of(ROOT / "core"), project_of(folder)
    assert (ROOT / "LICENSE").read_bytes() == (folder / "LICENSE").read_bytes()
    assert 1 == len(list(folder.glob("src/*/py.typed")))
    assert core["version"] == project["version"]
    assert f"portus-scanners~={core['version']}" in project["dependencies"]
    assert project["name"] in (folder / "README.md").read_text()


@by_name
def test_an_example_lives_on_public_names(folder: Path) -> None:
    """Of the core it imports nothing but what the package itself exports, and of other plugins nothing."""
    own = next(folder.glob("src/*")).name
    trees = [ast.parse(path.read_text()) for path in folder.glob("src/**/*.py")]
    imports = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level]
    ours = [node for node in imports if (node.module or "").startswith("portus_scan")]
    assert {"portus_scanners"} == {node.module for node in ours}, own
    assert {alias.name for node in ours for alias in node.names} <= set(portus_scanners.__all__)


def test_no_example_comes_with_the_command() -> None:
    """portus-scan[all] has our plugins alone."""
    names = {project_of(folder)["name"] for folder in EXAMPLES}
    extras = project_of(ROOT / "cli")["optional-dependencies"]
    assert [] == [line for lines in extras.values() for line in lines for name in names if line.startswith(name)]
