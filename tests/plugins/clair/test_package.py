"""What the distribution exports, and its settings."""

from __future__ import annotations

from importlib.metadata import entry_points

import portus_scanner_clair
import pytest
from portus_scanner_clair import ClairScanner, ClairSettings


def test_the_entry_point_names_the_scanner() -> None:
    """The scanner is found as `clair`, with its settings and contract."""
    (entry_point,) = entry_points(group="portus.scanners", name="clair")
    assert (ClairScanner, ClairSettings, 1) == (entry_point.load(), ClairScanner.settings_class, ClairScanner.contract)


def test_all_is_sorted_and_there() -> None:
    """`__all__` is sorted, and each name exists."""
    names = portus_scanner_clair.__all__
    assert sorted(names) == list(names)
    assert all(hasattr(portus_scanner_clair, name) for name in names)


def test_the_defaults() -> None:
    """Health on 6061, a salt of our own, blobs checked; the slash at the end of the server's address is cut off."""
    settings = ClairSettings(server="http://clair.example:6060/")
    assert ("http://clair.example:6060", 6061, "portus-scanners", True) == (
        settings.server,
        settings.health_port,
        settings.salt,
        settings.check_blobs,
    )


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_has_limits(port: int) -> None:
    """1 to 65535."""
    with pytest.raises(ValueError, match="health_port"):
        ClairSettings(server="http://clair.example:6060", health_port=port)
