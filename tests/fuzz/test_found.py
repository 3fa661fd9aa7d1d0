"""What fuzzing has found stays found, and a few hundred new inputs of each kind are read with each run of the tests."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest

from .mutations import mutate
from .targets import TARGETS

FOUND = Path(__file__).with_name("found")


@pytest.mark.parametrize("name", TARGETS)
def test_changed_inputs_are_read(name: str) -> None:
    """A good input is read; a changed one, and one that was once misread, give a result or a documented error.

    Some still give a result, and some an error where the reader has one: they are not changed too much, or too little.
    """
    target = TARGETS[name]
    for seed in target.seeds:
        with suppress(*(target.errors if name in {"zypper"} else ())):
            target.read(seed)
    rng = random.Random(7)  # noqa: S311 (inputs)
    misread = [path.read_bytes() for path in FOUND.glob(f"{name.replace(' ', '_')}-*")]
    inputs = [*misread, *(mutate(rng.choice(target.seeds), rng) for _ in range(150))]
    read = 0
    for changed in inputs:
        with suppress(*target.errors):
            target.read(changed)
            read += 1
    assert 0 < read
    assert (read < len(inputs)) == bool(target.errors)
