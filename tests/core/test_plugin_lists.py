"""What the environment leaves out."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

import pytest
from hypothesis import given, settings, strategies as st
from portus_scanners import Plugin, PluginError, Settings, SettingsError, discover
from portus_scanners.plugins import check_plugin_lists
from properties import at_most

from .test_plugins import GOOD

ONLY, DISABLE = "PORTUS_SCANNERS_ONLY", "PORTUS_SCANNERS_DISABLE"
NAMES = st.lists(st.text("abcdefghij_0", min_size=1, max_size=8), max_size=5)


def left_out(**environ: str) -> dict[str, str | None]:
    """Return for each installed plugin the variable that leaves it out."""
    return {plugin.name: plugin.disabled for plugin in discover(environ=environ)}


@pytest.fixture
def three(install: Callable[..., None]) -> None:
    """The plugins one, two and three, beside whatever is installed."""
    points = dict.fromkeys(("one", "two", "three"), "acme_lists:GoodScanner")
    install("acme-lists", entry_points=points, modules={"acme_lists": GOOD})


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, [None, None, None]),
        ({ONLY: "one, two"}, [None, None, ONLY]),
        ({ONLY: ""}, [ONLY, ONLY, ONLY]),
        ({ONLY: " , "}, [ONLY, ONLY, ONLY]),
        ({DISABLE: ""}, [None, None, None]),
        ({DISABLE: "two,,two ,"}, [None, DISABLE, None]),
        ({ONLY: "one,two", DISABLE: "two,three"}, [None, DISABLE, ONLY]),
    ],
)
def test_the_two_lists(environ: dict[str, str], expected: list[str | None]) -> None:
    """ONLY is looked at first, then DISABLE; ONLY set but empty leaves out everything."""
    found = left_out(**environ)
    assert expected == [found["one"], found["two"], found["three"]]


@settings(max_examples=at_most(25))  # each looks at every installed distribution
@given(only=st.none() | NAMES, disable=NAMES)
def test_a_plugin_is_left_in_by_both_lists_or_left_out(only: list[str] | None, disable: list[str]) -> None:
    """A plugin stays exactly when ONLY, if it is set, names it and DISABLE does not."""
    environ = {DISABLE: ",".join(disable)} | ({} if only is None else {ONLY: ",".join(only)})
    expected = {name: (only is None or name in only) and name not in disable for name in left_out()}
    assert expected == {name: variable is None for name, variable in left_out(**environ).items()}


@pytest.mark.usefixtures("three")
def test_the_process_environment_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an argument the lists are those of the process, and a change of them is seen."""
    before = {plugin.name: plugin.disabled for plugin in discover()}
    monkeypatch.setenv(DISABLE, "one")
    after = {plugin.name: plugin.disabled for plugin in discover()}
    assert (None, DISABLE) == (before["one"], after["one"])


@pytest.mark.parametrize(
    ("environ", "fix"),
    [({ONLY: "dummy"}, f"add broken to {ONLY}, or unset it"), ({DISABLE: "broken"}, f"take broken out of {DISABLE}")],
)
def test_a_plugin_that_is_left_out_is_not_imported(
    install: Callable[..., None], environ: dict[str, str], fix: str
) -> None:
    """load() raises a PluginError that names the variable and what to do; the module is not imported."""
    install("acme-lists", entry_points={"broken": "acme_left_out:X"}, modules={"acme_left_out": "raise SystemExit"})
    (plugin,) = (plugin for plugin in discover(environ=environ) if plugin.name == "broken")
    with pytest.raises(PluginError) as raised:
        plugin.load()
    variable = next(iter(environ))
    assert (f"{variable} leaves it out", fix) == (raised.value.why, raised.value.fix)
    assert "acme_left_out" not in sys.modules


@pytest.mark.usefixtures("three")
def test_an_enabled_section_of_a_plugin_that_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a fault of the configuration that names the variable, and not that something is not installed."""
    document = {"security": {"mine": {"scanner": "one", "enabled": True}, "two": {"server": ""}}}
    with pytest.raises(SettingsError) as raised:
        Settings.from_mapping(document, {DISABLE: "one,two"})
    expected = (
        f"security.mine is enabled, but {DISABLE} leaves it out: take one out of {DISABLE}, or disable the section"
    )
    assert (expected,) == raised.value.faults
    monkeypatch.setenv(DISABLE, "one")  # not the environment that was given
    assert ["mine"] == [section.name for section in Settings.from_mapping(document).enabled]


def test_variables_of_a_plugin_that_is_left_out_are_still_its_own() -> None:
    """A setting in the environment of a plugin that is left out and not enabled is no misspelt variable."""
    environ = {ONLY: "", "PORTUS_SECURITY_DUMMY_TIMEOUT": "5"}
    assert () == Settings.from_mapping({}, environ).enabled


@pytest.mark.usefixtures("three")
def test_a_name_that_is_not_installed_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """It is no error: a warning in the log, once, and a sentence for each such name."""
    environ = {ONLY: "one,ein\x1bs", DISABLE: "zwei"}
    with caplog.at_level(logging.WARNING):
        discover(environ=environ)
        sentences = check_plugin_lists(environ)
    assert list(sentences) == caplog.messages
    assert [f"{ONLY}: no installed plugin is called 'ein s'", f"{DISABLE}: no installed plugin is called 'zwei'"] == [
        sentence.partition(";")[0] for sentence in sentences
    ]
    assert () == check_plugin_lists({ONLY: "one", DISABLE: "two"})


def test_a_conflict_that_is_left_out_names_the_variable(install: Callable[..., None]) -> None:
    """Of a name that is registered twice and left out, the variable is told: it is the nearer reason."""
    for distribution in ("acme-one", "acme-two"):
        install(distribution, entry_points={"acme": "acme_lists:GoodScanner"})
    problems = [plugin.problem for plugin in discover(environ={DISABLE: "acme"}) if plugin.name == "acme"]
    assert [f"{DISABLE} leaves it out"] * 2 == [problem.why for problem in problems if problem]


def test_a_plugin_without_a_problem_has_none() -> None:
    """`Plugin.problem` is None where the metadata say nothing against it."""
    assert None is Plugin(name="a", value="m:X", distribution="d", version="1").problem
