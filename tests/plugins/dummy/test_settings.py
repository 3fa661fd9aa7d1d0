"""The script as it is written in the configuration."""

from __future__ import annotations

import pytest
from portus_scanner_dummy import BEHAVIOURS, DummyScanner, DummySettings, ScriptedFinding, Step
from portus_scanners import Reference, Scanner, Settings, SettingsError

DIGEST = "sha256:" + "b" * 64


def structure(**section):
    """Return the dummy's settings out of a section of a configuration."""
    settings = Settings.from_mapping({"security": {"dummy": section}})
    return settings.scanners["dummy"].structure(DummySettings)


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("*", "alpine", True),
        ("alpine*", "alpine:3.20", True),
        ("alpine", "alpine", True),
        ("alpine:latest", "alpine", False),
        ("docker.io/library/alpine:latest", "alpine", True),
        ("docker.io/library/*", "alpine@" + DIGEST, True),
        ("registry.example:5000/*", "registry.example:5000/team/app:1", True),
        ("ALPINE", "alpine", False),
        ("team/*", "registry.example:5000/team/app:1", False),
    ],
)
def test_image_is_a_glob(pattern, text, matches):
    """An entry is meant for references that match as written or in their full form; case counts."""
    assert matches is Step(image=pattern).matches(Reference.parse(text))


def test_first_matching_entry_applies():
    """The order of the script decides, and without a match the default entry applies."""
    first, second = Step(image="a*", behaviour="hang"), Step(image="al*", behaviour="crash")
    settings = DummySettings(script=(first, second))

    assert first == settings.step_for(Reference.parse("alpine"))
    assert Step() == settings.step_for(Reference.parse("debian"))


@pytest.mark.parametrize(
    "values",
    [
        {"behaviour": "explode"},
        {"delay": -1.0},
        {"delay": float("nan")},
        {"delay": float("inf")},
        {"steps": -1},
        {"steps": 10_001},
        {"count": -1},
        {"count": 1_000_001},
    ],
)
def test_values_out_of_range_are_refused(values):
    """Every number of the script has a lower and an upper limit, and a behaviour must be a known word."""
    with pytest.raises(ValueError, match=next(iter(values))):
        Step(**values)


def test_refused_behaviour_lists_the_known_ones():
    """The message for a wrong word shows the right ones."""
    with pytest.raises(ValueError, match=", ".join(BEHAVIOURS)):
        Step(behaviour="explode")


def test_script_is_structured_from_a_configuration():
    """A section of the configuration becomes nested attrs classes."""
    entry = {"image": "a*", "behaviour": "incomplete", "delay": 0.5, "findings": [{"id": "X", "fixed_by": ["1"]}]}

    expected = Step(image="a*", behaviour="incomplete", delay=0.5, findings=(ScriptedFinding(id="X", fixed_by=("1",)),))
    assert (expected,) == structure(server="any", script=[entry]).script


@pytest.mark.parametrize(
    "script", [[{"behavior": "hang"}], [{"behaviour": "explode"}], [{"count": "many"}], [{"findings": [{}]}], "hang"]
)
def test_faults_of_a_script_are_settings_errors(script):
    """Unknown keys, wrong words and wrong types in a script are refused, not ignored."""
    with pytest.raises(SettingsError):
        structure(server="any", script=script)


@pytest.mark.parametrize("section", [{"server": "any"}, {"enabled": True}])
def test_any_server_enables_it(section):
    """The value of `server` needs not be a URL, and `enabled: true` does as well."""
    settings = Settings.from_mapping({"security": {"dummy": section}})

    assert ["dummy"] == [section.name for section in settings.enabled]
    assert DummySettings(**section) == structure(**section)


def test_class_states_its_contract():
    """The class says which contract it is written for and finds its settings class by its type argument."""
    assert (1, DummySettings) == (DummyScanner.contract, DummyScanner.settings_class)
    assert issubclass(DummyScanner, Scanner)
