"""Rows 6: how long the command takes, against Python importing click alone. Whole processes, as a shell starts them."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import frozen
from importlib_metadata import distributions

from .rows import BenchmarkRow, RunSize, repeat

INSTALLED = 300
"""Distributions that the command looks through: those of .venv, and as many as that takes of made-up ones."""
PLUGINS = 12
"""Made-up distributions that bring a scanner."""
_REQUIREMENTS = 12
_DESCRIPTION = "This distribution was made up for a benchmark; its description is as long as those of real ones. " * 80
_IMPORT_CLICK = "import click"
_FIND_VERSION = "import click; from importlib.metadata import version; version('portus-scan')"
"""The least that ``--version`` has to do."""
_FIND_POINTS = (
    "import attrs, click; from importlib_metadata import distributions\n"
    "for one in distributions(): one.read_text('METADATA'), one.read_text('entry_points.txt')"
)
"""The least that ``scanners`` has to do."""
Timer = Callable[[], float]


@frozen
class _Plan:
    runs: int
    version: float
    scanners: float


_PLANS: dict[RunSize, _Plan] = {"small": _Plan(5, 4, 8), "full": _Plan(31, 2.5, 5)}


def measure(size: RunSize) -> list[BenchmarkRow]:
    """Return the rows; the small size differs in the number of runs, and in wider limits."""
    plan = _PLANS[size]
    with TemporaryDirectory(prefix="portus-scanners-bench-") as folder:
        write_distributions(Path(folder), max(INSTALLED - _count_installed(), PLUGINS))
        environ = _environ(folder)
        _check(environ)
        timers = _timers(environ)
        seconds = [{name: timer() for name, timer in timers.items()} for _ in repeat("6", plan.runs)]

    def ratios(name: str) -> list[float]:
        return [one[name] / one["click"] for one in seconds]

    least, points = ratios("least"), ratios("points")
    listing = f"6 scanners, {INSTALLED} distributions"
    return [
        BenchmarkRow(name="6 --version, of importing click", limit=plan.version, runs=ratios("version"), floor=least),
        BenchmarkRow(name=f"{listing}, of importing click", limit=plan.scanners, runs=ratios("pipe"), floor=points),
        BenchmarkRow(name=f"{listing}, on a terminal", limit=plan.scanners, runs=ratios("terminal"), floor=points),
    ]


def _timers(environ: Mapping[str, str]) -> dict[str, Timer]:
    """Return what is measured, one after the other in each run."""
    python, command = [sys.executable, "-c"], [_command()]
    return {
        "click": partial(_time, [*python, _IMPORT_CLICK], environ),
        "version": partial(_time, [*command, "--version"], environ),
        "pipe": partial(_time, [*command, "scanners"], environ),
        "terminal": partial(_time_on_terminal, [*command, "scanners"], environ),
        "least": partial(_time, [*python, _FIND_VERSION], environ),
        "points": partial(_time, [*python, _FIND_POINTS], environ),
    }


def _command() -> str:
    """Return the console script, which users start, beside our Python."""
    return str(Path(sys.executable).with_name("portus-scan"))


def _count_installed() -> int:
    return len({one.metadata["Name"] for one in distributions(path=[p for p in sys.path if "site-packages" in p])})


def _environ(folder: str) -> dict[str, str]:
    """Return the environment of all processes: the made-up distributions on the path, nothing that configures us."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PORTUS_", "PYTHON", "COLUMNS"))}
    return own | {"PYTHONPATH": folder, "TERM": "xterm-256color"}


def _check(environ: Mapping[str, str]) -> None:
    """Start everything once, so that it is compiled, and check that the made-up scanners are found.

    Raises:
        RuntimeError: They are not found.
    """
    for timer in _timers(environ).values():
        timer()
    listed = subprocess.run([_command(), "scanners"], env=environ, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    if listed.stdout.count("made-up-") != PLUGINS:
        raise RuntimeError(f"expected {PLUGINS} made-up scanners in:\n{listed.stdout}")


def _time(command: Sequence[str], environ: Mapping[str, str]) -> float:
    """Return the seconds that a process took, its output in a pipe."""
    begin = time.perf_counter()
    subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, check=True)  # noqa: S603
    return time.perf_counter() - begin


def _time_on_terminal(command: Sequence[str], environ: Mapping[str, str]) -> float:
    """Return the seconds that a process took, its output on a terminal."""
    ours, theirs = pty.openpty()
    begin = time.perf_counter()
    try:
        with subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs) as process:  # noqa: S603
            os.close(theirs)
            with suppress(OSError):  # EIO: the other end is no longer open
                while os.read(ours, 65536):
                    pass
        seconds = time.perf_counter() - begin
    finally:
        os.close(ours)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return seconds


def write_distributions(folder: Path, count: int) -> None:
    """Write the metadata of made-up distributions, 8 KB each: every third has commands, 12 a scanner, most neither.

    Args:
        folder: The folder that is put on the path of the measured processes.
        count: The number of distributions, 12 at least.
    """
    for number in range(count):
        info = folder / f"made_up_{number}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(_metadata(number))
        if points := _entry_points(number):
            (info / "entry_points.txt").write_text(points)


def _metadata(number: int) -> str:
    requirements = "".join(f"Requires-Dist: made-up-{number + other}>=1\n" for other in range(_REQUIREMENTS))
    return f"Metadata-Version: 2.1\nName: made-up-{number}\nVersion: 1.0\n{requirements}\n{_DESCRIPTION}\n"


def _entry_points(number: int) -> str:
    commands = f"[console_scripts]\nmade-up-{number} = made_up_{number}:main\n" if number % 3 == 0 else ""
    scanner = f"[portus.scanners]\nmade_up_{number} = made_up_{number}:Scanner\n" if number < PLUGINS else ""
    return commands + scanner
