"""The groups of rows. A group is a function that takes a size and returns its rows; its module is imported late."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Literal, cast

from .rows import Row

Size = Literal["small", "full"]
Measure = Callable[[Size], Sequence[Row]]

GROUPS = {
    "1": "one_image",
    "2": "many_images",
    "3": "engine_cost",
    "4": "normalization",
    "5": "memory",
    "6": "start",
}
"""Modules by the number of their rows; each has a function ``measure``."""


def load_group(number: str) -> Measure:
    """Return the function that measures the rows with this number."""
    return cast(Measure, import_module(f".{GROUPS[number]}", __package__).measure)
