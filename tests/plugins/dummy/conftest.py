"""An image, and a context that records what the dummy does with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from portus_scanner_dummy import DummyScanner, DummySettings, Step
from portus_scanners import Image, Reference
from portus_scanners_testing import RecordingContext


@pytest.fixture
def context() -> RecordingContext:
    return RecordingContext(patience=3)


@pytest.fixture
def image() -> Image:
    return make_image("registry.example:5000/team/app:1.0")


@pytest.fixture
def image_of() -> Callable[[str], Image]:
    return make_image


@pytest.fixture
def scanner(context: RecordingContext) -> Callable[..., DummyScanner]:
    """A function that makes a scanner whose script has one entry with these values."""

    def make(**values: Any) -> DummyScanner:
        return DummyScanner(DummySettings(server="any", script=(Step(**values),)), context)

    return make


def make_image(text: str) -> Image:
    return Image(reference=Reference.parse(text), digest="sha256:" + "a" * 64)
