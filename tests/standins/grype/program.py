"""The program that ``scripts/grype`` has built."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

REQUIRE = "PORTUS_REQUIRE_GRYPE"
"""The environment variable that makes a missing program a failure: ``1``."""
_SCRIPT = Path(__file__).parents[3] / "scripts" / "grype"


def find_grype() -> Path | None:
    """Return the program; None where it has not been built."""
    match = re.search(r"^version=(\S+)$", _SCRIPT.read_text(), re.MULTILINE)
    assert match is not None, _SCRIPT
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    tools = Path(os.environ.get("PORTUS_TOOLS") or cache / "portus-scanners-tools")
    program = tools / f"grype-{match[1]}" / "grype"
    return program if program.exists() else None


def need_grype() -> Path:
    """Return the program, or skip or fail the test that is running."""
    program = find_grype()
    if program is None and os.environ.get(REQUIRE) == "1":
        pytest.fail(f"{REQUIRE}=1, and scripts/grype has not been run")
    if program is None:
        pytest.skip("there is no grype: scripts/grype builds it")
    return program


@pytest.fixture(scope="session")
def real_grype() -> Path:
    """The program; the test is skipped where it has not been built, or fails where it has to be."""
    return need_grype()
