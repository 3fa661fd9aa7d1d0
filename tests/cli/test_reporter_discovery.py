"""Formats are found as scanners are: by the same pass, with the same rules, in a group of their own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from portus_scan import ReporterPlugin, TextReporter, discover_reporters
from portus_scanners import Plugin, PluginError, discover
from portus_scanners.plugins import discovery, load_plugin

GOOD = """
from portus_scan import TextReporter

class Good(TextReporter, contract=1):
    def render(self, job):
        yield "text\\n"
"""
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """``install("acme", {"portus.reporters": "good"}, source)`` puts a distribution on the path."""

    def put(distribution: str, points: dict[str, str], source: str = GOOD) -> None:
        module = f"{distribution}_module"
        info = tmp_path / f"{distribution}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        lines = [f"[{group}]\n{name} = {module}:Good\n" for group, name in points.items()]
        (info / "entry_points.txt").write_text("".join(lines))
        (tmp_path / f"{module}.py").write_text(source)
        monkeypatch.delitem(sys.modules, module, raising=False)

    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    return put


def named(name: str) -> list[ReporterPlugin]:
    """Return the formats of one name."""
    return [plugin for plugin in discover_reporters(refresh=True) if plugin.name == name]


def test_a_format_is_found_and_loaded(install: Install) -> None:
    """A format is described from its metadata, without an import, and loaded when somebody asks."""
    install("acme_reports", {"portus.reporters": "acme"})
    (plugin,) = named("acme")
    assert ("acme_reports", "1.0", None, False) == (
        plugin.distribution,
        plugin.version,
        plugin.problem,
        "acme_reports_module" in sys.modules,
    )
    loaded = load_plugin(plugin).result
    assert isinstance(loaded, type)
    assert issubclass(loaded, TextReporter)


def test_one_pass_finds_both_groups(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scanners and formats are found by one look at the metadata; a scanner and a format may have one name."""
    passes: list[int] = []
    read_all = discovery.distributions
    monkeypatch.setattr(discovery, "distributions", lambda: passes.append(1) or read_all())
    install("acme_both", {"portus.reporters": "both", "portus.scanners": "both"})
    (reporter,) = named("both")
    (scanner,) = [plugin for plugin in discover(environ={}) if plugin.name == "both"]
    assert ([1], None, None) == (passes, reporter.problem, scanner.problem)
    assert (True, True) == (isinstance(scanner, Plugin), isinstance(reporter, ReporterPlugin))


def test_two_formats_of_one_name_are_a_conflict(install: Install) -> None:
    """Neither is loaded, and the error names both distributions and calls the thing a format."""
    install("acme_one", {"portus.reporters": "twice"})
    install("acme_two", {"portus.reporters": "twice"})
    errors = [str(plugin.problem) for plugin in named("twice")]
    assert 2 == len(errors)
    assert errors[0].startswith("format 'twice': it is registered more than once (acme_one 1.0 and acme_two 1.0)")


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import a_module_that_is_not_there", "can't be imported (ModuleNotFoundError"),
        ("raise KeyboardInterrupt", "can't be imported (KeyboardInterrupt)"),
        (GOOD.replace("contract=1", "contract=7"), "is written for contract 7; this core knows 1"),
        (GOOD.replace(", contract=1", ""), "is written for contract None; this core knows 1"),
        (GOOD.replace("def render", "def rendre"), "is abstract: it does not define render()"),
        ("from portus_scanners import Scanner as Good", "is not a subclass of portus_scan.Reporter"),
    ],
    ids=["import", "interrupt", "later", "none", "abstract", "scanner"],
)
def test_what_can_not_be_used_is_a_value(install: Install, source: str, why: str) -> None:
    """A format that is broken or of another contract is a PluginError; the others load."""
    install("acme_broken", {"portus.reporters": "broken"}, source)
    install("acme_good", {"portus.reporters": "good"})
    (broken,), (good,) = named("broken"), named("good")
    result = load_plugin(broken).result
    assert isinstance(result, PluginError)
    assert (True, True) == (why in str(result), isinstance(load_plugin(good).result, type))


def test_a_later_contract_wants_a_later_core(install: Install) -> None:
    """What helps is said: the core is upgraded for a contract it does not know yet."""
    install("acme_later", {"portus.reporters": "later"}, GOOD.replace("contract=1", "contract=7"))
    result = load_plugin(named("later")[0]).result
    assert isinstance(result, PluginError)
    assert ("pip install --upgrade portus-scanners", 7) == (result.fix, result.contract)
