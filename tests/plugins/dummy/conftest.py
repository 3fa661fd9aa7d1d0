"""An image, and a context that records what the dummy does with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from portus_scanner_dummy import DummyScanner, DummySettings, Step
from portus_scanners import Image, Reference, ScannerContext, ScannerReport


class RecordingContext(ScannerContext):
    """Records the calls; waiting takes no time, and ends in `StopWaiting` when it was done often enough."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, ...]] = []
        self.patience = 3

    async def wait(self, seconds: float) -> None:
        self.calls.append(("wait", seconds))
        if len(self.calls) >= self.patience:
            raise StopWaitingError

    def progress(self, done: int, total: int, what: str = "") -> None:
        self.calls.append(("progress", done, total, what))

    def keep(self, report: ScannerReport) -> None:
        self.calls.append(("keep", report))


class StopWaitingError(Exception):
    """The test has seen enough waits."""


@pytest.fixture
def stop_waiting() -> type[Exception]:
    return StopWaitingError


@pytest.fixture
def context() -> RecordingContext:
    return RecordingContext()


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
