"""The distributions as users get them: wheels."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Mapping
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


def run(*command: object, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Run a program to its end and return its output."""
    words = [str(word) for word in command]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=240, check=False, cwd=cwd, env=env)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel of every distribution, built from the sources by the first process that wants them."""
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "wheels"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "built").exists():
            for source in FOLDERS.values():
                build_wheel(ROOT / source, folder)
            (folder / "built").touch()
    return folder


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


def make_environment(folder: Path, wheels: Path, *requirements: str) -> Path:
    """Make a clean virtual environment with these distributions and return its Python."""
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / "bin" / "python"
    install(python, "--find-links", wheels, *requirements)
    return python


def install(python: Path, *arguments: object) -> None:
    """Install distributions for a Python, as pip would and in a tenth of its time; the tutorial's test uses pip."""
    run(UV, "pip", "install", "--quiet", "--python", python, *arguments)


def uninstall(python: Path, *names: str) -> None:
    """Remove distributions."""
    run(UV, "pip", "uninstall", "--quiet", "--python", python, *names)
