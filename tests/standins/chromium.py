"""A real browser: the program, and how Playwright starts it."""

from __future__ import annotations

import os
import shutil

import pytest

REQUIRE = "PORTUS_REQUIRE_BROWSER"
"""The environment variable that makes a missing program a failure: ``1``."""
_NAMES = ("chromium", "chromium-browser")
OPTIONS = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-gpu")
"""The tests may run as root, in a container, without a network."""


@pytest.fixture(scope="session")
def chromium() -> str:
    """The program; the test is skipped where it is not installed, or fails where it has to be."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None and os.environ.get(REQUIRE) == "1":
        pytest.fail(f"{REQUIRE}=1, and not installed: {_NAMES[0]}")
    if program is None:
        pytest.skip(f"not installed: {_NAMES[0]}")
    return program
