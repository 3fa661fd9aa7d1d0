"""Discovery: metadata only, and nobody is hurt by a neighbour."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from portus_scanners import Plugin, PluginError, discover

GOOD = """
from attrs import frozen
from portus_scanners import Scanner, ScannerReport, ScannerSettings

@frozen(kw_only=True)
class GoodSettings(ScannerSettings):
    flavour: str = "vanilla"

class GoodScanner(Scanner[GoodSettings], contract=1):
    async def scan(self, image):
        return ScannerReport()

class Later(GoodScanner, contract=99): pass
class Abstract(Scanner[GoodSettings], contract=1): pass
class Forgotten(ScannerSettings): pass
class Undecorated(Scanner[Forgotten], contract=1):
    async def scan(self, image):
        return ScannerReport()
class NoScanner: pass

@frozen(kw_only=True)
class Unresolvable(ScannerSettings):
    path: "OnlyForCheckers" = None
class Hidden(Scanner[Unresolvable], contract=1):
    async def scan(self, image):
        return ScannerReport()
"""


def named(name: str) -> list[Plugin]:
    """Return the discovered plugins of one name."""
    return [plugin for plugin in discover() if plugin.name == name]


def test_a_plugin_is_found_by_its_metadata_alone(install: Callable[..., None]) -> None:
    """Discovery gives name, distribution and version and imports no module of the plugin."""
    install("acme-scanner", "2.1", entry_points={"acme": "acme_module_a:GoodScanner"}, modules={"acme_module_a": GOOD})
    (plugin,) = named("acme")
    assert ("acme", "acme_module_a:GoodScanner", "acme-scanner", "2.1", None) == (
        plugin.name, plugin.value, plugin.distribution, plugin.version, plugin.error,
    )  # fmt: skip
    assert "acme_module_a" not in sys.modules


def test_loading_gives_the_class_and_its_settings(install: Callable[..., None]) -> None:
    """load() imports the class; its settings class is the type argument of Scanner[...]."""
    install("acme-scanner", entry_points={"acme": "acme_module_b:GoodScanner"}, modules={"acme_module_b": GOOD})
    loaded = named("acme")[0].load()
    assert ("GoodScanner", "GoodSettings", 1) == (loaded.__name__, loaded.settings_class.__name__, loaded.contract)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("acme_module_c:Later", "is written for contract 99; this core knows 1"),
        ("acme_module_c:Abstract", "does not define scan()"),
        ("acme_module_c:Undecorated", "lacks the decorator @attrs.frozen"),
        ("acme_module_c:Hidden", "name 'OnlyForCheckers' is not defined"),
        ("acme_module_c:NoScanner", "is not a subclass of portus_scanners.Scanner"),
        ("acme_module_c:Gone", "has no attribute 'Gone'"),
        ("acme_module_nowhere:Gone", "No module named 'acme_module_nowhere'"),
        ("acme_module_c", "is not of the form module:Class"),
    ],
)
def test_what_cannot_be_run_is_refused_at_load(install: Callable[..., None], value: str, text: str) -> None:
    """A class that is no scanner, or of another contract, is a PluginError that says so and names the distribution."""
    install("acme-scanner", "2.1", entry_points={"acme": value}, modules={"acme_module_c": GOOD})
    with pytest.raises(PluginError, match=r"acme-scanner 2\.1") as raised:
        named("acme")[0].load()
    assert text in raised.value.reason


@pytest.mark.parametrize("source", ["import sys; sys.exit(3)", "raise BaseException('panic')", "1/0", "syntax error"])
def test_a_module_that_raises_or_exits_is_a_plugin_error(install: Callable[..., None], source: str) -> None:
    """Whatever an import raises becomes a PluginError that adds what the distribution requires of the core."""
    install(
        "acme-scanner",
        entry_points={"acme": "acme_module_d:X"},
        modules={"acme_module_d": source},
        requires=("portus-scanners<0.1", "portus-scanners-extra>=5"),
    )
    with pytest.raises(PluginError, match="can't be imported") as raised:
        named("acme")[0].load()
    assert "it requires portus-scanners<0.1; try: pip install --upgrade acme-scanner" in raised.value.reason


def test_two_plugins_of_one_name_are_both_refused(install: Callable[..., None]) -> None:
    """Neither of two distributions with one name is loaded; the error names both."""
    for distribution in ("acme-one", "acme-two"):
        install(distribution, entry_points={"acme": "acme_module_e:GoodScanner"}, modules={"acme_module_e": GOOD})
    plugins = named("acme")
    assert ["acme-one", "acme-two"] == sorted(plugin.distribution for plugin in plugins)
    for plugin in plugins:
        with pytest.raises(PluginError, match=r"registered more than once \(acme-one 1\.0 and acme-two 1\.0\)"):
            plugin.load()


def test_a_malformed_neighbour_hurts_nobody(install: Callable[..., None]) -> None:
    """A distribution whose entry_points.txt is malformed does not keep the others from being found."""
    install("broken-neighbour", entry_points="[portus.scanners]\nno equals sign here\n")
    install("acme-scanner", entry_points={"acme": "acme_module_f:GoodScanner"}, modules={"acme_module_f": GOOD})
    assert 1 == len(named("acme"))


def test_what_an_extra_requires_is_not_what_a_plugin_requires(install: Callable[..., None]) -> None:
    """A range of the core that only an extra asks for does not count; one with another marker does."""
    wanted = 'portus-scanners~=0.1; python_version >= "3.11"'
    extras = (
        'portus-scanners[testing]>=0.1; extra == "test"',
        "portus-scanners>=0.2; python_version>'3' and extra=='x'",
    )
    install("acme-scanner", entry_points={"acme": "acme:A"}, requires=(*extras, wanted))
    assert [(wanted,)] == [plugin.requires for plugin in named("acme")]


def test_the_first_distribution_of_a_name_hides_later_ones(install: Callable[..., None]) -> None:
    """Of two copies of one distribution on the path, the first counts, as it does for imports."""
    install("Acme.Scanner", "1.0", entry_points={"acme": "m:X"}, folder="later")
    install("acme-scanner", "2.0", entry_points={"acme": "m:X"}, folder="first")
    assert ["2.0"] == [plugin.version for plugin in named("acme")]


def test_a_name_that_no_variable_could_spell_is_refused(install: Callable[..., None]) -> None:
    """An entry point whose name is not made of a-z, 0-9 and _ is listed with that error."""
    install("acme-scanner", entry_points={"Ac-me": "m:X"})
    assert "not made of a-z" in (named("Ac-me")[0].error or "")
