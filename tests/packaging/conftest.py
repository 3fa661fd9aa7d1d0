"""The distributions as users get them: wheels."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
FOLDERS = {
    "portus-images": "images",
    "portus-scanners": "core",
    "portus-policy": "policy",
    "portus-scanners-testing": "kit",
    "portus-scanners-isolation": "isolation",
    "portus-scan": "cli",
    "portus-scan-server": "server",
    "portus-scanner-clair": "plugins/clair",
    "portus-scanner-clair-v4": "plugins/clair_v4",
    "portus-scanner-zypper-docker": "plugins/zypper_docker",
    "portus-scanner-dummy": "plugins/dummy",
    "portus-scanner-trivy": "plugins/trivy",
    "portus-scanner-grype": "plugins/grype",
    "portus-scanner-osv": "plugins/osv",
    "portus-scanner-report-file": "plugins/report_file",
}


def plain_environ() -> dict[str, str]:
    """Return the environment of programs: bytecode lies beside its source, and so is copied with an environment."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPYCACHEPREFIX"}


def run(*command: object, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Run a program to its end and return its output."""
    words = [str(word) for word in command]
    environ = plain_environ() if env is None else env
    ended = subprocess.run(words, capture_output=True, text=True, timeout=240, check=False, cwd=cwd, env=environ)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel of every distribution, built from the sources by the first process that wants them."""
    with _once(tmp_path_factory, "wheels") as (folder, is_made):
        for source in () if is_made else FOLDERS.values():
            build_wheel(ROOT / source, folder)
    return folder


@contextmanager
def _once(paths: pytest.TempPathFactory, name: str) -> Iterator[tuple[Path, bool]]:
    """Yield a folder that all processes of this run share, and whether another one has filled it."""
    base = paths.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder, (folder / "made").exists()
        (folder / "made").touch()


_IMPORTED = "import pytest, portus_scan.command, portus_scanners_testing.contract"
"""What brings most of what programs import there."""


@pytest.fixture(scope="session")
def foreign(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The libraries (site-packages) that ours, the service and tests of plugins need of others, compiled, and pip."""
    with _once(tmp_path_factory, "foreign") as (folder, is_made):
        if not is_made:
            needed = ("portus-scan[all]", "portus-scanners[testing]", "portus-scan-server", "pip")
            python = make_environment(folder / "venv", "--find-links", wheels, *needed)
            run(python, "-c", _IMPORTED)
            uninstall(python, *FOLDERS)
    return libraries(folder / "venv" / "bin" / "python")


def libraries(python: Path) -> Path:
    """Return the site-packages of an environment."""
    (found,) = (python.parent.parent / "lib").glob("python*/site-packages")
    return found


def build_wheel(source: Path, folder: Path) -> None:
    """Build the wheel of a project with the backend that is installed here."""
    run(
        UV,
        "build",
        "--quiet",
        "--wheel",
        "--no-build-isolation",
        "--python",
        sys.executable,
        "--out-dir",
        folder,
        source,
    )


def make_environment(folder: Path, *requirements: object, foreign: Path | None = None) -> Path:
    """Make a virtual environment with these distributions and return its Python.

    It is clean, or has what `foreign` has: hard links to the files.
    """
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / "bin" / "python"
    if foreign is not None:
        shutil.copytree(foreign, libraries(python), copy_function=os.link, dirs_exist_ok=True)
    if requirements:
        install(python, *requirements)
    return python


def install(python: Path, *arguments: object) -> None:
    """Install distributions for a Python, as pip would and in a tenth of its time; the tutorial's test uses pip."""
    run(UV, "pip", "install", "--quiet", "--python", python, *arguments)


def uninstall(python: Path, *names: str) -> None:
    """Remove distributions."""
    run(UV, "pip", "uninstall", "--quiet", "--python", python, *names)
