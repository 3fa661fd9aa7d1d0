"""The examples as distributions: like a third party's, and none that comes with ours."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path
from typing import Any

import portus_scanners.backends
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
    """Of ours it imports nothing but what the core's two faces export, and of other plugins nothing."""
    own = next(folder.glob("src/*")).name
    trees = [ast.parse(path.read_text()) for path in folder.glob("src/**/*.py")]
    imports = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level]
    ours = {(node.module, alias.name) for node in imports for alias in node.names if "portus" in str(node.module)}
    faces = {face.__name__: set(face.__all__) for face in (portus_scanners, portus_scanners.backends)}
    assert faces.keys() == {module for module, _ in ours}, own
    assert [] == [(module, name) for module, name in ours if name not in faces[str(module)]]


def test_no_example_comes_with_the_command() -> None:
    """portus-scan[all] has our plugins alone."""
    names = {project_of(folder)["name"] for folder in EXAMPLES}
    extras = project_of(ROOT / "cli")["optional-dependencies"]
    assert [] == [line for lines in extras.values() for line in lines for name in names if line.startswith(name)]
