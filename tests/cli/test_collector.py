"""The garbage collector, held back while the command runs."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest
from portus_scan.__main__ import NEW_OBJECTS, collector_held_back


def test_the_collector_comes_back() -> None:
    """Held back inside the block, as before after it, also when the block fails."""
    before = gc.get_threshold()
    with collector_held_back():
        inside = gc.get_threshold()
    assert ((NEW_OBJECTS, *before[1:]), before) == (inside, gc.get_threshold())
    with pytest.raises(ZeroDivisionError), collector_held_back():
        _ = 1 // 0
    assert (before, True) == (gc.get_threshold(), gc.isenabled())


def test_a_collector_that_is_off_stays_off() -> None:
    """A program that has switched it off, by either way, has its reasons."""
    before = gc.get_threshold()
    gc.set_threshold(0)
    gc.disable()
    try:
        with collector_held_back():
            assert (0, False) == (gc.get_threshold()[0], gc.isenabled())
    finally:
        gc.enable()
        gc.set_threshold(*before)


_AT_THE_END = """
import atexit, gc, sys
atexit.register(lambda: print(gc.get_freeze_count() > len(gc.get_objects())))
from portus_scan.__main__ import main
sys.argv[1:] = ["--version"]
main()
"""


def test_the_end_does_not_look_through_everything() -> None:
    """When the program leaves, the collector, which Python runs once more, sees few objects."""
    ended = subprocess.run([sys.executable, "-c", _AT_THE_END], stdout=subprocess.PIPE, text=True, check=True)
    assert "True" == ended.stdout.splitlines()[-1]
