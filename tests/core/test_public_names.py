"""What `import portus_scanners` is."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import portus_scanners


def test_every_public_name_exists_and_all_is_sorted() -> None:
    """__all__ is sorted, and each of its names can be had."""
    assert sorted(portus_scanners.__all__) == portus_scanners.__all__
    assert [] == [name for name in portus_scanners.__all__ if not hasattr(portus_scanners, name)]


def test_the_version_is_that_of_the_distribution() -> None:
    """The constant, which costs no look-up, is what the metadata says."""
    assert version("portus-scanners") == portus_scanners.__version__


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    """Asking for another name raises AttributeError, as for any module."""
    assert not hasattr(portus_scanners, "Enigne")


def test_importing_is_cheap() -> None:
    """Importing the package, its models, settings and discovery imports neither aiohttp nor a plugin."""
    code = (
        "import sys, portus_scanners\n"
        "from portus_scanners import Finding, Scanner, discover, load_settings\n"
        "discover(); load_settings(environ={'PORTUS_SECURITY_DUMMY_SERVER': 'x'})\n"
        "print([name for name in sys.modules if name.startswith(('aiohttp', 'portus_scanner_'))])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]\n" == ended.stdout
