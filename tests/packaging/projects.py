"""Projects of plugins in a clean environment: what is installed there, and what their own checks say."""

from __future__ import annotations

import json
from pathlib import Path

from .conftest import run

_FILES = """
import hashlib, json, sys
from importlib.metadata import distributions
print(json.dumps({
    f"{one.name} {one.version} {file}": hashlib.sha256(path.read_bytes()).hexdigest()
    for one in distributions() for file in one.files or ()
    if (path := one.locate_file(file)).is_file() and path.suffix != ".pyc"
}))
"""


def installed_files(python: Path) -> dict[str, str]:
    """Return the hash of every installed file, by distribution, version and path; what Python compiles is left out."""
    found: dict[str, str] = json.loads(run(python, "-I", "-c", _FILES))
    return found
