"""``portus-scan new-plugin``: what it writes, what it refuses, and that it leaves nothing half done.

That the projects pass their tests is proved in ``tests/packaging``, from wheels.
"""

from __future__ import annotations

import errno
import keyword
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result
from hypothesis import given, strategies as st
from portus_scan.scaffold import Kind, PluginNames, make_files

Run = Callable[..., Result]
LONGEST = "a" * 30


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the command is given."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def files_in(folder: Path) -> set[str]:
    """Return the paths of all files and folders below one."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_it_writes_a_project_and_says_what_to_do(run: Run, here: Path) -> None:
    """The project is in a folder with the distribution's name; the commands to try it are printed."""
    result = run("new-plugin", "acme_cloud")
    assert (0, "") == (result.exit_code, result.stderr)
    assert "    cd portus-scanner-acme-cloud\n" in result.stdout
    assert all(
        words in result.stdout for words in (" -m pip install -e '.[test]'\n", " -m pytest\n", "scanners --load")
    )
    files = {
        "pyproject.toml", "README.md", ".gitignore", ".github/workflows/ci.yml", "tests/test_contract.py",
        *(f"src/portus_scanner_acme_cloud/{name}" for name in ("__init__.py", "py.typed", "settings.py", "wire.py")),
    }  # fmt: skip
    assert set() == files - files_in(here / "portus-scanner-acme-cloud")


@pytest.mark.parametrize("kind", list(Kind))
def test_names_in_the_project(kind: Kind) -> None:
    """Distribution, entry point, package and class are called after the plugin; the core's series is required."""
    files = make_files(PluginNames("acme_cloud"), kind)
    project = tomllib.loads(files["pyproject.toml"])["project"]
    assert "portus-scanner-acme-cloud" == project["name"]
    assert "portus-scanners~=0.1.0" in project["dependencies"]
    assert {"test": ["portus-scanners[testing]"]}.items() <= project["optional-dependencies"].items()
    points = project["entry-points"]["portus.scanners"]
    assert {"acme_cloud": "portus_scanner_acme_cloud:AcmeCloudScanner"} == points
    assert "class AcmeCloudScanner(" in files["src/portus_scanner_acme_cloud/scanner.py"]
    assert "PORTUS_SECURITY_ACME_CLOUD_" in files["README.md"]


def test_the_workflow_is_yaml() -> None:
    """The CI file can be read, and asks for the interpreter by GitHub's own expression."""
    workflow = yaml.safe_load(make_files(PluginNames("acme"), Kind.HTTP)[".github/workflows/ci.yml"])
    steps = workflow["jobs"]["test"]["steps"]
    assert "${{ matrix.python-version }}" == steps[1]["with"]["python-version"]
    assert "python -m pytest" == steps[-1]["run"]


@pytest.mark.parametrize("name", ["a", LONGEST])
@pytest.mark.parametrize("kind", [kind.value for kind in Kind])
def test_the_code_is_clean_whatever_the_name(run: Run, here: Path, name: str, kind: str) -> None:
    """Ruff finds nothing, and would format nothing, with the shortest name and with the longest."""
    assert 0 == run("new-plugin", name, "--kind", kind, "--folder", "made").exit_code
    for arguments in (("check", "."), ("format", "--check", ".")):
        ended = subprocess.run(
            [sys.executable, "-m", "ruff", *arguments], cwd=here / "made", capture_output=True, text=True, check=False
        )
        assert 0 == ended.returncode, ended.stdout


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("acme-cloud", "write 'acme_cloud'"),
        ("Acme", "write 'acme'"),
        ("portus-scanner-acme", "write 'acme'"),
        ("3scale", "write 'scale'"),
        ("_acme", "write 'acme'"),
        ("acme__cloud", "write 'acme_cloud'"),
        ("acme/../..", "write 'acme'"),
        ("", "begins with a letter"),
        ("été", "begins with a letter"),
        ("acme\n", "begins with a letter"),
        ("a" * 31, "30 characters at most"),
        ("dummy", "the plugin dummy of portus-scanner-dummy is installed already"),
        ("zypper_docker", "the plugin zypper of portus-scanner-zypper-docker is installed already"),
        ("scanner", "take another name"),
        ("http_scanner", "take another name"),
    ],
)
def test_names_that_cannot_be(run: Run, here: Path, name: str, words: str) -> None:
    """A name that can't be one, or is taken, is refused in one line that says what could be; nothing is written."""
    result = run("new-plugin", "--", name)
    assert (2, 1, set()) == (result.exit_code, result.stderr.count("\n"), files_in(here))
    assert words in result.stderr


@given(st.text(st.sampled_from("ab1_-.A é\n"), max_size=12))
def test_names_that_are_accepted_work_everywhere(name: str) -> None:
    """Whatever is accepted, or advised, makes identifiers of the names in the code, and a distribution's name."""
    try:
        names = PluginNames.check(name, ())
    except ValueError as error:
        advised = str(error).rpartition("; write '")[2].removesuffix("'") if "; write '" in str(error) else None
        assert advised is None or PluginNames.check(advised, ())
        return
    assert (name, True, True) == (names.name, names.package.isidentifier(), f"{names.cls}Scanner".isidentifier())
    assert not keyword.iskeyword(names.cls)
    assert names.distribution.replace("-", "").isalnum()


def test_an_empty_folder_is_used(run: Run, here: Path) -> None:
    """A folder that is there and empty takes the project."""
    (here / "empty").mkdir()
    assert (0, True) == (run("new-plugin", "acme", "--folder", "empty").exit_code, (here / "empty/README.md").is_file())


@pytest.mark.parametrize("make", [lambda path: path.write_text("mine"), lambda path: path.symlink_to("nowhere")])
def test_what_is_there_is_left_alone(run: Run, here: Path, make: Callable[[Path], Any]) -> None:
    """A folder with something in it, a file and a broken link are errors; they stay as they are."""
    (here / "full").mkdir()
    (here / "full" / "README.md").write_text("mine")
    make(here / "other")
    before = files_in(here)
    for place in ("full", "other"):
        result = run("new-plugin", "acme", "--folder", place)
        assert (2, True) == (result.exit_code, "not an empty folder; name another with --folder" in result.stderr)
    assert (before, "mine") == (files_in(here), (here / "full" / "README.md").read_text())


@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt(), 130), (OSError(errno.ENOSPC, "No space left on device"), 2)]
)
@pytest.mark.parametrize("folder", ["new/below", "empty"])
def test_nothing_is_left_half_done(
    run: Run, here: Path, monkeypatch: pytest.MonkeyPatch, folder: str, error: BaseException, code: int
) -> None:
    """When it is interrupted, or the disk is full, everything that it made is removed again, and nothing else."""
    (here / "empty").mkdir()
    opened: list[Path] = []
    really_open = Path.open

    def open_some(path: Path, *arguments: Any, **options: Any) -> Any:
        if arguments[:1] == ("x",):
            opened.append(path)
        if len(opened) > 5:
            raise error
        return really_open(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", open_some)
    assert (code, 6, {"empty"}) == (
        run("new-plugin", "acme", "--folder", folder).exit_code,
        len(opened),
        files_in(here),
    )


def test_a_folder_that_cannot_be_made(run: Run, here: Path) -> None:
    """A folder below a file is an error of one line."""
    (here / "file").write_text("mine")
    result = run("new-plugin", "acme", "--folder", "file/below")
    assert (2, {"file"}) == (result.exit_code, files_in(here))
    assert "can't write to 'file/below': Not a directory" in result.stderr
