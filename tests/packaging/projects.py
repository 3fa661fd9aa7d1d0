"""Projects of plugins in a clean environment: what is installed there, and what their own checks say."""

from __future__ import annotations

import json
from pathlib import Path

from pages import marked_block

from .conftest import run

TUTORIAL = {
    "tests/test_contract.py": marked_block("tutorial-contract"),
    "tests/test_wire.py": marked_block("tutorial-wire-tests"),
    "src/portus_scanner_lookout/wire.py": marked_block("tutorial-wire"),
    "src/portus_scanner_lookout/settings.py": marked_block("tutorial-settings"),
    "src/portus_scanner_lookout/scanner.py": marked_block("tutorial-scanner"),
    "../try_it.py": marked_block("tutorial-try"),
}
"""What the tutorial's author writes, by path in the project; the last one is not part of the plugin."""
_FILES = """
import hashlib, json, sys
from importlib.metadata import distributions
print(json.dumps({
    f"{name} {file}": hashlib.sha256(path.read_bytes()).hexdigest()
    for one in distributions() for name in [f"{one.name} {one.version}"]  # once: the metadata is read for each of them
    for file in one.files or ()
    if (path := one.locate_file(file)).is_file() and path.suffix != ".pyc"
}))
"""


def installed_files(python: Path) -> dict[str, str]:
    """Return the hash of every installed file, by distribution, version and path; what Python compiles is left out."""
    found: dict[str, str] = json.loads(run(python, "-I", "-c", _FILES))
    return found
