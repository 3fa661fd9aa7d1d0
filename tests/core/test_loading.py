"""Imports with a limit, in threads."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from portus_scanners import Plugin, PluginError, discover
from portus_scanners.plugins import LoadedPlugin, load_plugin, load_plugins

from .test_plugins import GOOD

GATES: dict[str, threading.Event] = {}
"""What the modules of these tests wait for while they are imported."""


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """``gate("name")`` gives the source of a module whose import waits for ``GATES["name"]``."""
    monkeypatch.setitem(sys.modules, "portus_test_gates", sys.modules[__name__])

    def make(name: str) -> str:
        GATES[name], GATES[f"{name} begun"] = threading.Event(), threading.Event()
        begun = f"from portus_test_gates import GATES\nGATES['{name} begun'].set()\nGATES['{name}'].wait()\n"
        return begun + GOOD

    yield make
    for event in GATES.values():
        event.set()
    GATES.clear()


def plugin(name: str) -> Plugin:
    """Return the discovered plugin of this name."""
    (found,) = (plugin for plugin in discover() if plugin.name == name)
    return found


def test_a_plugin_is_loaded_with_its_time(install: Callable[..., None]) -> None:
    """What loads is its class, and the seconds that it took."""
    install("acme-scanner", entry_points={"acme": "acme_load_a:GoodScanner"}, modules={"acme_load_a": GOOD})
    begin = time.monotonic()
    loaded = load_plugin(plugin("acme"))
    assert isinstance(loaded, LoadedPlugin)
    assert not isinstance(loaded.result, PluginError)
    assert ("GoodScanner", "acme") == (loaded.result.__name__, loaded.plugin.name)
    assert 0.0 <= loaded.elapsed <= time.monotonic() - begin


@pytest.mark.parametrize("source", ["raise KeyboardInterrupt", "raise SystemExit(0)", "raise BaseException", "1/0"])
def test_whatever_an_import_raises_is_a_value(install: Callable[..., None], source: str) -> None:
    """A KeyboardInterrupt too: in a thread it can't be Ctrl-C."""
    install("acme-scanner", entry_points={"acme": "acme_load_b:X"}, modules={"acme_load_b": source})
    loaded = load_plugin(plugin("acme"))
    assert isinstance(loaded.result, PluginError)
    assert "pip install --upgrade acme-scanner" == loaded.result.fix


def test_ctrl_c_passes_in_the_main_thread(install: Callable[..., None]) -> None:
    """load() called directly does not take Ctrl-C for a fault of the plugin."""
    install("acme-scanner", entry_points={"acme": "acme_load_c:X"}, modules={"acme_load_c": "raise KeyboardInterrupt"})
    with pytest.raises(KeyboardInterrupt):
        plugin("acme").load()


def test_an_import_that_does_not_end_is_a_fault(install: Callable[..., None], gate: Callable[[str], str]) -> None:
    """After its limit it is left behind, with a command that shows where the time goes; other plugins load."""
    install("acme-slow", entry_points={"slow": "acme_load_d:GoodScanner"}, modules={"acme_load_d": gate("slow")})
    install("acme-good", entry_points={"good": "acme_load_e:GoodScanner"}, modules={"acme_load_e": GOOD})
    slow, good = load_plugin(plugin("slow"), limit=0.01).result, load_plugin(plugin("good")).result
    assert isinstance(slow, PluginError)
    assert "the import of acme_load_d:GoodScanner of acme-slow 1.0 did not end within 0.01 s" == slow.why
    assert "python -X importtime -c 'import acme_load_d'" == slow.fix
    assert "GoodScanner" == good.__name__  # type: ignore[union-attr]


async def test_imports_do_not_wait_for_each_other(install: Callable[..., None], gate: Callable[[str], str]) -> None:
    """While one import waits, the event loop runs and another import goes on: the first waits for just that."""
    install("acme-slow", entry_points={"slow": "acme_load_f:GoodScanner"}, modules={"acme_load_f": gate("slow")})
    GATES["good ended"] = threading.Event()
    good = "from portus_test_gates import GATES\nGATES['slow begun'].wait()\n" + GOOD + "GATES['good ended'].set()\n"
    install("acme-good", entry_points={"good": "acme_load_g:GoodScanner"}, modules={"acme_load_g": good})
    loading = asyncio.create_task(load_plugins([plugin("slow"), plugin("good")]))
    await asyncio.to_thread(GATES["good ended"].wait)
    assert not loading.done()
    GATES["slow"].set()
    assert ["GoodScanner", "GoodScanner"] == [one.result.__name__ for one in await loading]  # type: ignore[union-attr]


async def test_cancelling_does_not_wait_for_an_import(install: Callable[..., None], gate: Callable[[str], str]) -> None:
    """CancelledError comes at once; the import goes on in its thread, and its end disturbs nobody."""
    install("acme-slow", entry_points={"slow": "acme_load_h:GoodScanner"}, modules={"acme_load_h": gate("slow")})
    loading = asyncio.create_task(load_plugins([plugin("slow")]))
    await asyncio.to_thread(GATES["slow begun"].wait)
    loading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loading
    assert not GATES["slow"].is_set()
    GATES["slow"].set()


def test_a_loop_that_is_closed_meanwhile(
    install: Callable[..., None], gate: Callable[[str], str], capfd: pytest.CaptureFixture[str]
) -> None:
    """A thread that ends after its event loop has gone says nothing and fails nowhere."""
    install("acme-slow", entry_points={"slow": "acme_load_i:GoodScanner"}, modules={"acme_load_i": gate("slow")})

    async def begin() -> None:
        loading = asyncio.create_task(load_plugins([plugin("slow")]))
        await asyncio.to_thread(GATES["slow begun"].wait)
        loading.cancel()

    asyncio.run(begin())
    (thread,) = (thread for thread in threading.enumerate() if thread.name == "loading of slow")
    GATES["slow"].set()
    thread.join()  # pytest makes an error of what a thread raises
    assert ("", "") == capfd.readouterr()


@pytest.mark.parametrize(
    ("contract", "fix"),
    [("99", "pip install --upgrade portus-scanners"), ("0", "pip install --upgrade acme-scanner"),
     ("None", "pip install --upgrade acme-scanner"), ("[]", "pip install --upgrade acme-scanner")],
)  # fmt: skip
def test_the_older_of_two_contracts_is_upgraded(install: Callable[..., None], contract: str, fix: str) -> None:
    """A plugin for a later contract wants another core; one for an earlier contract another version of itself."""
    source = GOOD.replace("contract=99", f"contract={contract}")
    module = f"acme_load_k{len(contract)}{contract.strip('[]') or 'list'}"
    install("acme-scanner", entry_points={"acme": f"{module}:Later"}, modules={module: source})
    with pytest.raises(PluginError) as raised:
        plugin("acme").load()
    assert fix == raised.value.fix
