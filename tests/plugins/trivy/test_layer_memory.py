"""What is remembered of layers: open, settled, and by whom."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from portus_scanner_trivy.contents import LayerContent
from portus_scanner_trivy.layer_memory import FILE, LayerMemory
from properties import at_most

LOGGER = logging.getLogger("test")
A, B, C = (LayerContent(f"sha256:{letter * 64}", f"sha256:{letter * 63}0") for letter in "abc")


async def test_a_layer_is_opened_by_one(tmp_path: Path) -> None:
    """Whoever comes later, from another process too, does not get it; who has it settles it for all."""
    one, other = LayerMemory(tmp_path, LOGGER), LayerMemory(tmp_path, LOGGER)
    assert ({A, B}, {C}) == (await one.open([A, B]), await other.open([A, B, C]))
    assert {A: False, B: False, C: False} == await other.look_up([A, B, C])
    assert (False, True) == (await other.settle([A, C], {C}), await one.settle([A, B], {A, B}))
    assert (True, {A: True, B: True, C: True}) == (await other.settle([A, C], {C}), await one.look_up([A, B, C]))


async def test_a_settled_layer_can_be_opened_again(tmp_path: Path) -> None:
    """By the one that has to read it again, since Trivy has forgotten it."""
    memory = LayerMemory(tmp_path, LOGGER)
    await memory.open([A])
    await memory.settle([A], {A})
    assert set() == await memory.open([A])
    assert [{A}, set()] == [await memory.open([A], again=True) for _ in range(2)]
    assert {A: False} == await memory.look_up([A, B])


async def test_the_same_blob_with_another_claim_is_another_layer(tmp_path: Path) -> None:
    """What was verified is the pair of both digests."""
    memory = LayerMemory(tmp_path, LOGGER)
    await memory.open([A])
    assert {} == await memory.look_up([LayerContent(A.blob, B.diff_id), LayerContent(B.blob, A.diff_id)])


async def test_the_name_stays_as_long_as_the_file(tmp_path: Path) -> None:
    """A new file has a new name: nothing that was kept for the old one is found."""
    names = {await LayerMemory(tmp_path, LOGGER).find_name() for _ in range(3)}
    (tmp_path / FILE).unlink()
    assert (1, 2) == (len(names), len(names | {await LayerMemory(tmp_path, LOGGER).find_name()}))
    assert "" not in names


@pytest.mark.parametrize("odd", ["junk", "folder", "no folder"])
async def test_without_a_file_nothing_is_known(tmp_path: Path, odd: str, caplog: pytest.LogCaptureFixture) -> None:
    """No failure: everything is read again, and the log says why."""
    if odd == "no folder":
        (tmp_path / FILE.parent).write_text("")
    elif odd == "folder":
        (tmp_path / FILE).mkdir(parents=True)
    else:
        (tmp_path / FILE.parent).mkdir()
        (tmp_path / FILE).write_bytes(b"no database" * 100)
    memory = LayerMemory(tmp_path, LOGGER)
    assert ("", set(), {}) == (await memory.find_name(), await memory.open([A]), await memory.look_up([A]))
    assert not await memory.settle([A], {A})
    assert str(tmp_path / FILE) in caplog.text


LAYERS = st.frozensets(st.sampled_from([A, B, C]), min_size=1)
Step = tuple[str, frozenset[LayerContent]]
STEPS = st.lists(st.tuples(st.sampled_from(["open", "open again", "settle", "give up"]), LAYERS), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=at_most(30))
@given(STEPS)
async def test_only_who_has_opened_a_layer_settles_it(tmp_path: Path, steps: list[Step]) -> None:
    """Of two scans, whatever each does with whichever layers, and gives up in between: no layer has two owners."""
    memory = LayerMemory(tmp_path, LOGGER)
    (tmp_path / FILE).unlink(missing_ok=True)
    owned: dict[LayerContent, int] = {}
    settled: set[LayerContent] = set()
    for number, (step, layers) in enumerate(steps):
        scan = number % 2
        if step.startswith("open"):
            again = step == "open again"
            opened = await memory.open(layers, again=again)
            assert {layer for layer in layers if layer not in owned or (again and layer in settled)} == opened
            owned |= dict.fromkeys(opened, scan)
            settled -= opened
        elif step == "settle":
            own = {layer for layer in layers if owned.get(layer) == scan}
            done = await memory.settle(layers, own)
            assert done == (layers <= own | settled)
            settled |= own if done else set()
    assert {layer: layer in settled for layer in owned} == await memory.look_up([A, B, C])
