"""Opening an engine: which plugins, and what their imports can do to it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from portus_scanners import Engine, Outcome, Scanner, Settings, SettingsError, discover

from .conftest import InstalledPlugin, OneImageRegistry, Stub, section


class Waiting(InstalledPlugin):
    """A plugin whose import waits."""

    def load(self) -> type[Scanner[Any]]:
        BEGUN.set()
        GO_ON.wait()
        return super().load()


BEGUN, GO_ON = threading.Event(), threading.Event()


@pytest.fixture(autouse=True)
def _gates() -> Any:
    BEGUN.clear()
    GO_ON.clear()
    yield
    GO_ON.set()


def make_engine(*plugins: InstalledPlugin, enabled: tuple[str, ...] = ()) -> Engine:
    """Return an engine that chooses from these plugins, all enabled unless only some are."""
    names = enabled or tuple(plugin.name for plugin in plugins)
    registry: Any = OneImageRegistry()
    return Engine(Settings(scanners={name: section(name, {}) for name in names}), registry=registry, plugins=plugins)


async def test_a_slow_import_delays_opening_and_not_the_loop() -> None:
    """While a plugin is imported, the event loop runs on; then all scanners are there."""
    engine = make_engine(Waiting.of("slow", Stub), InstalledPlugin.of("good", Stub))
    opening = asyncio.create_task(engine.__aenter__())
    await asyncio.to_thread(BEGUN.wait)
    assert not opening.done()
    GO_ON.set()
    await opening
    report = await engine.scan("registry.example/app:1")
    await engine.aclose()
    assert [Outcome.OK, Outcome.OK] == [run.outcome for run in report.results]


async def test_opening_can_be_cancelled_during_an_import() -> None:
    """Cancelled, an engine does not wait for the import; it can be opened again."""
    engine = make_engine(Waiting.of("slow", Stub))
    opening = asyncio.create_task(engine.__aenter__())
    await asyncio.to_thread(BEGUN.wait)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    GO_ON.set()
    async with engine:
        assert ("slow",) == engine.scanners


async def test_instances_import_their_plugin_once() -> None:
    """Two sections of one plugin are one import."""
    loads = []

    class Counted(InstalledPlugin):
        def load(self) -> type[Scanner[Any]]:
            loads.append(self.name)
            return super().load()

    sections = {name: section(name, {"scanner": "one"}) for name in ("x", "y")}
    registry: Any = OneImageRegistry()
    async with Engine(Settings(scanners=sections), registry=registry, plugins=[Counted.of("one", Stub)]) as engine:
        assert ("x", "y") == engine.scanners
    assert ["one"] == loads


async def test_what_is_not_enabled_is_not_imported() -> None:
    """Of the plugins to choose from, only those of enabled sections are loaded."""
    other = Waiting.of("other", Stub)
    async with make_engine(other, InstalledPlugin.of("one", Stub), enabled=("one",)):
        assert not BEGUN.is_set()


async def test_a_plugin_that_is_not_among_those_given() -> None:
    """A section whose plugin is not there is a fault of the configuration, even if it is installed."""
    with pytest.raises(SettingsError, match=r"security\.dummy: no installed plugin is called 'dummy'"):
        await make_engine(InstalledPlugin.of("one", Stub), enabled=("dummy",)).__aenter__()


async def test_given_plugins_of_one_name_are_a_conflict() -> None:
    """Of two plugins given with one name neither runs: each image fails with the conflict."""

    class Real(InstalledPlugin):
        def load(self) -> type[Scanner[Any]]:
            if self.problem:
                raise self.problem
            return super().load()

    async with make_engine(Real.of("one", Stub), Real.of("one", Stub), enabled=("one",)) as engine:
        report = await engine.scan("registry.example/app:1")
    assert "it is registered more than once (dist-one 1.0); try: pip uninstall dist-one" == report.results[0].error


async def test_an_enabled_plugin_that_the_environment_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings made without the environment meet it here: an error that names the variable."""
    monkeypatch.setenv("PORTUS_SCANNERS_ONLY", "")
    settings = Settings(scanners={"dummy": section("dummy", {})})
    with pytest.raises(SettingsError, match="PORTUS_SCANNERS_ONLY leaves it out: add dummy to PORTUS_SCANNERS_ONLY"):
        await Engine(settings).__aenter__()


@pytest.mark.parametrize("source", ["raise KeyboardInterrupt", "import sys; sys.exit(0)", "raise BaseException('x')"])
async def test_a_plugin_that_raises_at_import_fails_alone(install: Callable[..., None], source: str) -> None:
    """What an import raises, KeyboardInterrupt too, is a failed run of that scanner; the other one answers."""
    install("acme-bad", entry_points={"bad": "acme_open_a:X"}, modules={"acme_open_a": source})
    plugins = [*(plugin for plugin in discover() if plugin.name == "bad"), InstalledPlugin.of("good", Stub)]
    settings = Settings(scanners={name: section(name, {}) for name in ("bad", "good")})
    registry: Any = OneImageRegistry()
    async with Engine(settings, registry=registry, plugins=plugins) as engine:
        report = await engine.scan("registry.example/app:1")
    assert [Outcome.FAILED, Outcome.OK] == [run.outcome for run in report.results]
    assert "can't be imported" in (report.results[0].error or "")


async def test_the_installed_plugins_when_none_are_given(install: Callable[..., None]) -> None:
    """Without an argument the engine chooses from what discovery finds, and imports it in a thread of its own."""
    source = "import threading\nraise ImportError(threading.current_thread().name)\n"
    install("acme-open", entry_points={"acme": "acme_open_b:X"}, modules={"acme_open_b": source})
    registry: Any = OneImageRegistry()
    async with Engine(Settings(scanners={"acme": section("acme", {})}), registry=registry) as engine:
        (health,) = await engine.check_health()
    assert (False, True) == (health.healthy, "(ImportError: import of acme)" in health.message)


async def test_an_engine_that_is_cancelled_while_it_opens_ends_what_it_has_begun(
    make_engine: Callable[..., Any],
) -> None:
    """A scanner that is being started is cancelled and has ended before the caller gets its CancelledError."""
    begun, ended = asyncio.Event(), asyncio.Event()

    class Starting(Stub, contract=1):
        async def start(self) -> None:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

    async def open_engine() -> None:
        async with make_engine(one=Starting):
            raise AssertionError

    opening = asyncio.create_task(open_engine())
    await begun.wait()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert ended.is_set()
