"""Each step of each scanner's work with each fault: never clean, in time, with a message, and nothing is left."""

from __future__ import annotations

import os

import pytest

from .cells import try_cell
from .steps import STEPS, Step
from .wire_faults import FAULTS, HEAVY

EVERY = os.environ.get("PORTUS_FAULTS") == "all"
"""``scripts/faults`` tries every cell; otherwise each fault at one or two steps, and each step with its share."""
_STRIDE = 20
CELLS = [
    (step, fault)
    for at, step in enumerate(STEPS)
    for number, fault in enumerate({**FAULTS, **HEAVY} if EVERY else FAULTS)
    if EVERY or (at + number) % _STRIDE == 0
]


@pytest.mark.parametrize(("step", "fault"), CELLS, ids=lambda one: one.name if isinstance(one, Step) else one)
def test_a_fault_is_never_clean(step: Step, fault: str) -> None:
    """Whatever a server shows: no false clean, nothing hung, nothing lost of the other scanner, nothing left."""
    faults, _ = try_cell(step, {**FAULTS, **HEAVY}[fault])
    assert [] == faults


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_each_step_is_reached(step: Step) -> None:
    """Without a fault all is found; and a fault at each step is seen."""
    assert ([], 0) == try_cell(step, None)
    faults, shown = try_cell(step, FAULTS["status 500"])
    assert ([], True) == (faults, shown > 0)
