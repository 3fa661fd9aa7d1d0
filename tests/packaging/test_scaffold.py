"""What ``portus-scan new-plugin`` writes works unedited, in a clean environment with nothing but wheels."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from attrs import frozen
from portus_scan.scaffold import Kind, PluginNames, make_files, write_project

from .conftest import build_wheel, install, make_environment, plain_environ, run
from .projects import TUTORIAL, installed_files

pytestmark = pytest.mark.timeout(300)

KINDS = ("http", "polling", "program")


@frozen
class Made:
    """An environment in which a project of each kind was written and installed."""

    python: Path
    folder: Path
    before: dict[str, str]
    """The installed files before the plugins were installed."""
    after: dict[str, str]
    """The same afterwards."""

    def project(self, kind: str) -> Path:
        """Return the project of a kind."""
        return self.folder / f"portus-scanner-my-{kind}"


@pytest.fixture(scope="module")
def made(wheels: Path, foreign: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """One environment for all kinds: the command with every plugin, then the new ones and what their tests need."""
    folder = tmp_path_factory.mktemp("scaffold")
    ours = ("--no-index", "--find-links", wheels)
    python = make_environment(folder / "venv", *ours, "portus-scan[all]", "portus-scanners[testing]", foreign=foreign)
    before = installed_files(python)
    for kind in KINDS:
        project = folder / f"portus-scanner-my-{kind}"
        run(python.with_name("portus-scan"), "new-plugin", f"my_{kind}", "--kind", kind, "--folder", project)
        build_wheel(project, folder / "dist")
    install(python, *ours, "--find-links", folder / "dist", *(f"portus-scanner-my-{kind}[test]" for kind in KINDS))
    return Made(python, folder, before, installed_files(python))


def test_new_plugins_are_listed_and_load(made: Made) -> None:
    """The command lists the three new plugins, and their code can be loaded."""
    listing = json.loads(run(made.python.with_name("portus-scan"), "scanners", "--load", "--format", "json"))
    found = {one["name"]: (one["distribution"], one["loads"], one["problem"]) for one in listing["scanners"]}
    expected = {f"my_{kind}": (f"portus-scanner-my-{kind}", True, None) for kind in KINDS}
    assert expected == {name: found[name] for name in expected}


def test_nothing_else_changes(made: Made) -> None:
    """Installing the plugins adds their files, and leaves every file of the core, the command and our plugins alone."""
    assert made.before == {name: made.after.get(name) for name in made.before}
    added = {name.split()[0] for name in set(made.after) - set(made.before)}
    assert {f"portus-scanner-my-{kind}" for kind in KINDS} == added


@pytest.mark.parametrize("kind", ["polling", "program"])
def test_its_tests_pass(made: Made, kind: str) -> None:
    """A new project's tests pass, those of the contract among them, and none is skipped; the tutorial tries `http`."""
    output = run(made.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=made.project(kind))
    assert (True, False) == (" passed" in output, "skipped" in output)


@pytest.mark.parametrize("kind", KINDS)
def test_its_code_is_clean(made: Made, kind: str) -> None:
    """Ruff has nothing to say about a new project, nor has mypy in strict mode."""
    _check_code(made, made.project(kind))


def test_the_code_of_the_tutorial_is_clean(made: Made) -> None:
    """Nor have they anything to say about what the tutorial makes of such a project."""
    project, texts = made.folder / "tutorial", make_files(PluginNames("lookout"), Kind.HTTP)
    write_project(project, {**texts, **{path: text for path, text in TUTORIAL.items() if path in texts}})
    _check_code(made, project)


def _check_code(made: Made, project: Path) -> None:
    run(sys.executable, "-m", "ruff", "check", ".", cwd=project)
    run(sys.executable, "-m", "ruff", "format", "--check", ".", cwd=project)
    cache = made.folder / "mypy"  # one for all projects: mypy reads what they import once
    options = ("--strict", "--python-executable", made.python, "--cache-dir", cache)
    run(sys.executable, "-m", "mypy", *options, cwd=project, env={**plain_environ(), "MYPYPATH": "src"})
