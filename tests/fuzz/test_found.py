"""What fuzzing has found stays found, and a few hundred new inputs of each kind are read with each run of the tests."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest

from .mutations import mutate
from .targets import TARGETS

FOUND = sorted(Path(__file__).with_name("found").glob("*-*"))


def test_inputs_that_were_misread_are_read() -> None:
    """An input that a reader once failed on gives a result, or an error that the reader documents."""
    for path in FOUND:
        target = TARGETS[path.name.rpartition("-")[0].replace("_", " ")]
        with suppress(*target.errors):
            target.read(path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_changed_inputs_are_read(name: str) -> None:
    """A good input is read; a changed one gives a result, or an error that the reader documents."""
    target = TARGETS[name]
    for seed in target.seeds:
        with suppress(*(target.errors if name in {"zypper"} else ())):
            target.read(seed)
    rng = random.Random(7)  # noqa: S311 (inputs)
    for _ in range(150):
        with suppress(*target.errors):
            target.read(mutate(rng.choice(target.seeds), rng))
