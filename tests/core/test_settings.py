"""Configuration: Portus' own file, the environment, and every mistake."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from attrs import field, frozen
from hypothesis import given, strategies as st
from portus_scanners import (
    HttpScannerSettings,
    ScannerSection,
    ScannerSettings,
    Secret,
    Settings,
    SettingsError,
    load_settings,
)

PORTUS_CONFIG = """
email: {from: "portus@example.com", smtp: {enabled: false}}
gravatar: {enabled: true}
ldap: {enabled: false, hostname: "ldap_hostname"}
registry: {jwt_expiration_time: {value: 5}}
security:
  # CoreOS Clair support (https://github.com/coreos/clair).
  clair:
    server: ""
    health_port: 6061
    timeout: 900
  zypper:
    server: ""
  dummy:
    server: ""
"""


@frozen(kw_only=True)
class Inner:
    """A nested class."""

    name: str
    count: int = 0


@frozen(kw_only=True)
class AcmeSettings(ScannerSettings):
    """Settings with every kind of member."""

    flavour: str = "vanilla"
    port: int = 1
    ratio: float = 1.0
    loud: bool = False
    token: Secret = field(factory=Secret)
    names: tuple[str, ...] = ()
    script: tuple[Inner, ...] = ()


def section(values: dict[str, Any]) -> ScannerSection:
    """Make a section as it is read from a file."""
    return Settings.from_mapping({"security": {"acme": {"enabled": False, **values}}}).scanners["acme"]


def structured(values: dict[str, Any]) -> AcmeSettings:
    """Convert a section to the settings above."""
    return section(values).structure(AcmeSettings)


def faults_of(document: dict[str, Any], environ: dict[str, str] | None = None) -> tuple[str, ...]:
    """Return the faults that reading raises."""
    with pytest.raises(SettingsError) as raised:
        Settings.from_mapping(document, environ)
    return raised.value.faults


def test_portus_own_file_works_unchanged(tmp_path: Path) -> None:
    """Portus' config.yml is read, with nothing enabled: other sections and scanners that are not installed are fine."""
    file = tmp_path / "config.yml"
    file.write_text(PORTUS_CONFIG)
    settings = load_settings(file, environ={"PORTUS_DB_HOST": "db", "PORTUS_SECURITY_NOBODY_TIMEOUT": "5"})
    assert (["clair", "zypper", "dummy"], ()) == (list(settings.scanners), settings.enabled)


def test_a_server_enables_and_the_environment_overrides() -> None:
    """PORTUS_SECURITY_CLAIR_SERVER enables a scanner that the file leaves empty; other values of the file stay."""
    document = yaml.safe_load(PORTUS_CONFIG)
    settings = Settings.from_mapping(document, {"PORTUS_SECURITY_CLAIR_SERVER": "http://clair:6060/"})
    (clair,) = settings.enabled
    assert {"server": "http://clair:6060/", "health_port": 6061, "timeout": 900} == clair.values


@pytest.mark.parametrize(
    ("values", "enabled"),
    [
        ({}, False), ({"server": ""}, False), ({"server": "  "}, False), ({"server": None}, False),
        ({"server": "x"}, True), ({"enabled": True}, True), ({"enabled": "yes"}, True),
        ({"enabled": False, "server": "x"}, False),
        ({"enabled": False, "url": "x"}, False), ({"enabled": "off", "server": "x"}, False),
    ],
)  # fmt: skip
def test_what_enables_a_scanner(values: dict[str, Any], enabled: bool) -> None:
    """A non-empty server or enabled: true; enabled: false wins over a server."""
    assert enabled == Settings.from_mapping({"security": {"dummy": values}}).scanners["dummy"].enabled


def test_two_instances_of_one_backend() -> None:
    """A key of any name with `scanner:` inside is an instance; in the environment the longest name wins."""
    document = {"security": {"dummy": {"server": "a"}, "dummy_two": {"scanner": "dummy", "server": "b"}}}
    settings = Settings.from_mapping(document, {"PORTUS_SECURITY_DUMMY_TWO_TIMEOUT": "7"})
    assert [("dummy", "dummy"), ("dummy_two", "dummy")] == [(one.name, one.plugin) for one in settings.enabled]
    assert {"server": "b", "timeout": "7"} == {
        key: value for key, value in settings.scanners["dummy_two"].values.items() if key != "scanner"
    }


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("port", "7", 7), ("port", 7, 7), ("ratio", "2.5", 2.5), ("ratio", 2, 2.0), ("loud", "true", True),
        ("loud", "0", False), ("loud", True, True), ("flavour", "7", "7"), ("names", ["a", "b"], ("a", "b")),
        ("names", "[a, b]", ("a", "b")), ("timeout", "12", 12.0),
        ("timeout", "5m", 300.0), ("timeout", "1h 30m", 5400.0), ("timeout", "1.5h", 5400.0),
        ("timeout", "250ms", 0.25),
        ("script", "[{name: x, count: 3}]", (Inner(name="x", count=3),)),
        ("script", [{"name": "x"}], (Inner(name="x"),)),
    ],
)  # fmt: skip
def test_texts_are_read_as_what_belongs_there(key: str, value: object, expected: object) -> None:
    """The environment's strings become numbers, booleans, and (as YAML) lists and mappings."""
    assert expected == getattr(structured({key: value}), key)


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        (
            "timeout",
            False,
            "security.acme.timeout: expected a number of seconds, or a duration such as 90s, 5m",
        ),
        ("timeout", "soon", "security.acme.timeout: expected a number of seconds, or a duration"),
        ("timeout", "5 minutes", "security.acme.timeout: expected a number of seconds, or a duration"),
        ("timeout", "1_0", "security.acme.timeout: expected a number of seconds, or a duration"),
        ("timeout", "nan", "security.acme.timeout: expected a number of seconds, or a duration"),
        ("timeout", float("inf"), "security.acme.timeout: expected a number of seconds, or a duration"),
        ("timeout", "9" * 400 + "s", "security.acme.timeout: expected a number of seconds, or a duration"),
        ("timeout", 10**400, "security.acme.timeout: expected a number of seconds, or a duration"),
        ("ratio", False, "security.acme.ratio: expected a number, got a boolean"),
        ("ratio", "5m", "security.acme.ratio: expected a number, got a string"),
        ("ratio", "1_0", "security.acme.ratio: expected a number, got a string"),
        ("ratio", "nan", "security.acme.ratio: expected a finite number"),
        ("ratio", float("inf"), "security.acme.ratio: expected a finite number"),
        ("ratio", 10**400, "security.acme.ratio: expected a finite number"),
        ("timeout", -1, "security.acme: 'timeout' must be > 0: -1.0"),
        ("port", 1.5, "security.acme.port: expected an integer, got a number"),
        ("port", True, "security.acme.port: expected an integer, got a boolean"),
        ("loud", 1, "security.acme.loud: expected true or false, got an integer"),
        ("loud", "maybe", "security.acme.loud: expected true or false, got a string"),
        ("flavour", 5, "security.acme.flavour: expected a string, got an integer"),
        ("flavour", ["a"], "security.acme.flavour: expected a string, got a list"),
        ("names", "abc", "security.acme.names: expected a list, got a string"),
        ("names", [5], "security.acme.names[0]: expected a string, got an integer"),
        ("names", "[a", "security.acme.names: expected a list, got a string"),
        ("script", [{"nmae": "x"}], "security.acme.script[0]: unknown key nmae; did you mean name?"),
        ("script", [{}], "security.acme.script[0].name: is required"),
        ("flavuor", "x", "security.acme.flavuor: unknown key; did you mean flavour?"),
        ("qqq", "x", "security.acme.qqq: unknown key"),
        ("concurrency", 0, "security.acme: 'concurrency' must be >= 1: 0"),
    ],
)
def test_values_are_converted_strictly(key: str, value: object, fault: str) -> None:
    """What does not fit is an error that names the key, the kind that is expected and the nearest right key."""
    with pytest.raises(SettingsError) as raised:
        structured({key: value})
    assert any(one.startswith(fault) for one in raised.value.faults)


@pytest.mark.parametrize("value", [["hunter2"], {"a": "hunter2"}, 1234567])
def test_no_message_shows_a_value(value: object) -> None:
    """A secret of the wrong type, or in the wrong place, is in no message and no repr."""
    with pytest.raises(SettingsError) as raised:
        structured({"token": value, "port": "hunter2"})
    assert not any(word in str(raised.value) for word in ("hunter2", "1234567"))
    assert "hunter2" not in repr(structured({"token": "hunter2"}))
    assert "hunter2" not in repr(section({"token": "hunter2"}))


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ({"security": []}, "security: expected a mapping"),
        ({"security": {"Cl-air": {}}}, "security: 'Cl-air' is not a valid name of a scanner"),
        ({"security": {"dummy": 5}}, "security.dummy: expected a mapping"),
        ({"security": {"dummy": {"server": ["a"]}}}, "security.dummy.server: expected a string"),
        ({"security": {"dummy": {"server": False}}}, "security.dummy.server: expected a string"),
        ({"security": {"dummy": {"enabled": "perhaps"}}}, "security.dummy.enabled: expected true or false"),
        ({"security": {"dummy": {"sever": "x"}}}, "security.dummy.sever: unknown key; did you mean server?"),
        ({"security": {"dummy": {"scanner": 5}}}, "security.dummy.scanner: expected the name"),
        ({"security": {"nobody": {"server": "x"}}}, "pip install 'portus-scan[nobody]'"),
        ({"security": {"dummy": []}}, "security.dummy: expected a mapping"),
        ({"security": {"dummy": False}}, "security.dummy: expected a mapping"),
        ({"security": {"dummy": {"url": "http://x"}}}, "security.dummy.url: does not enable the scanner 'dummy'; set"),
        ({"securty": {}}, "securty: unknown key; did you mean security?"),
        ({"acess": "open"}, "acess: unknown key; did you mean access?"),
        (
            {"dummy": {"server": "x"}},
            "dummy: the section of a scanner goes into the section security: write",
        ),
        ({"dumy": {"server": "x"}}, "dumy: the section of a scanner goes into the section security"),
        ({"clair": None}, "clair: the section of a scanner goes into the section security"),
        ({"registries": {"https://a.example": {}}}, "registries.https://a.example: write the host alone"),
        ({"registries": {"a.example/team": {}}}, "registries.a.example/team: write the host alone"),
        ({"registries": {"A.example": {}, "a.example": {}}}, "registries.a.example: this host comes twice"),
        ({"registries": {"a.example": "x"}}, "registries.a.example: expected a mapping"),
        ({"registries": {"a.example": {"pasword": "x"}}}, "registries.a.example.pasword: unknown key; did you mean"),
    ],
)
def test_mistakes_in_the_file_name_the_key(document: dict[str, Any], fault: str) -> None:
    """Each mistake is one line that names the key and what to do."""
    assert any(fault in line for line in faults_of(document))


@pytest.mark.parametrize(
    ("variable", "value", "fault"),
    [
        ("PORTUS_SECURITY_DUMMY_SERVR", "x", "PORTUS_SECURITY_DUMMY_SERVR: unknown key; did you mean server?"),
        (
            "PORTUS_SECURITY_DUMY_SERVER",
            "x",
            "is enabled, but no installed plugin is called 'dumy'; try: pip install 'portus-scan[dumy]' "
            "(or the distribution that has this plugin); did you mean dummy?",
        ),
        (
            "PORTUS_SECURITY_DUMY_TIMEOUT",
            "5",
            "PORTUS_SECURITY_DUMY_TIMEOUT: there is no scanner 'dumy'; did you mean dummy?",
        ),
        ("PORTUS_SECURITY_NOBODY_SERVER", "x", "no installed plugin is called 'nobody'"),
        ("PORTUS_SECURITY_DUMMY_EU_SERVER", "x", "PORTUS_SECURITY_DUMMY_EU_SERVER: does not enable"),
        ("PORTUS_SECURITY_DUMMY_URL", "x", "PORTUS_SECURITY_DUMMY_URL: does not enable"),
        ("PORTUS_SECURITY_DUMMY", "x", "PORTUS_SECURITY_DUMMY: it names no setting"),
        ("PORTUS_SECURITY_DUMMY_ENABLED", "perhaps", "PORTUS_SECURITY_DUMMY_ENABLED: expected true or false"),
    ],
)
def test_mistakes_in_the_environment_name_the_variable(variable: str, value: str, fault: str) -> None:
    """A variable that nobody would read is an error with the nearest right name."""
    assert any(fault in line for line in faults_of({}, {variable: value})), faults_of({}, {variable: value})


def test_all_faults_come_at_once() -> None:
    """Reading does not stop at the first fault."""
    document = {"security": {"dummy": 5, "nobody": {"server": "x"}}, "registries": 5}
    assert 3 == len(faults_of(document))


def test_a_fault_of_an_environment_value_names_the_variable() -> None:
    """A value from the environment that does not fit is reported under its variable's name."""
    settings = Settings.from_mapping({}, {"PORTUS_SECURITY_DUMMY_TIMEOUT": "soon", "PORTUS_SECURITY_DUMMY_SERVER": "x"})
    with pytest.raises(SettingsError, match="PORTUS_SECURITY_DUMMY_TIMEOUT: expected a number"):
        settings.scanners["dummy"].structure(ScannerSettings)


@pytest.mark.parametrize(
    ("server", "fault"),
    [
        ("clair:6060", "must be a URL"), ("ftp://clair", "must be a URL"), ("http://", "must be a URL"),
        ("http://user:hunter2@clair", "must not contain credentials"), ("http://clair?x=1", "plain base URL"),
        ("http://clair:port", "must be a URL"),
    ],
)  # fmt: skip
def test_an_http_server_is_a_base_url(server: str, fault: str) -> None:
    """A server that is no plain http(s) URL is refused, without showing what it holds."""
    with pytest.raises(SettingsError, match=fault) as raised:
        section({"server": server}).structure(HttpScannerSettings)
    assert "hunter2" not in str(raised.value)


def test_the_slash_at_the_end_of_a_server_is_cut_off() -> None:
    """http://clair:6060/ and http://clair:6060 are the same server."""
    assert "http://clair:6060" == section({"server": " http://clair:6060/ "}).structure(HttpScannerSettings).server


def test_selecting_keeps_only_the_named() -> None:
    """select() leaves the named scanners; an unknown or disabled name is an error that says how to enable it."""
    settings = Settings.from_mapping(
        {"security": {"dummy": {"server": "x"}, "two": {"scanner": "dummy", "server": "y"}}}
    )
    assert ["two"] == list(settings.select(["two"]).scanners)
    with pytest.raises(SettingsError, match="there is no scanner 'three'"):
        settings.select(["three"])
    with pytest.raises(SettingsError, match="PORTUS_SECURITY_CLAIR_SERVER"):
        settings.select(["clair"])


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"security: [", "is not YAML"),
        (b"- a\n", "is not a mapping"),
        (b"[]", "is not a mapping"),
        (b"false", "is not a mapping"),
        (b"security: {clair: {server: a}}\nsecurity: {}", "a key comes twice"),
        (b"security:\n  clair: {server: a, server: ''}\n", "line 2, column 22.: a key comes twice"),
        (b"\x00", "is not YAML"),
        (b"\xff\xfe\xff", "is not YAML"),
        (b"#" * (1024 * 1024 + 1), "is larger than"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(tmp_path: Path, content: bytes, fault: str) -> None:
    """A file that is no YAML mapping, or far too large, is one line with the file's name."""
    file = tmp_path / "config.yml"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=fault) as raised:
        load_settings(file, environ={})
    assert (1, True) == (len(raised.value.faults), str(file) in str(raised.value))


def test_yaml_merge_keys_are_no_repetition(tmp_path: Path) -> None:
    """Portus' files use anchors and `<<`: a key that overrides a merged one comes once."""
    file = tmp_path / "config.yml"
    file.write_text("base: &base {server: a, timeout: 5}\nsecurity: {dummy: {<<: *base, server: b}}\n")
    assert {"server": "b", "timeout": 5} == load_settings(file, environ={}).scanners["dummy"].values


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    """A file that is not there is an error that names it."""
    with pytest.raises(SettingsError, match="can't be read: No such file"):
        load_settings(tmp_path / "no.yml", environ={})


@given(
    st.dictionaries(
        st.text(max_size=8),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=8),
            lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=8), inner, max_size=2),
            max_leaves=6,
        ),
        max_size=4,
    )
)
def test_arbitrary_sections_give_settings_or_faults(values: dict[str, Any]) -> None:
    """Whatever YAML gives for a section, the result is settings or a SettingsError."""
    faults: tuple[str, ...] = ()
    try:
        settings = Settings.from_mapping({"security": {"dummy": values}, "registries": values})
        settings.scanners["dummy"].structure(AcmeSettings)
    except SettingsError as error:
        faults = error.faults
    assert not any("\n" in fault for fault in faults)


@frozen(kw_only=True)
class _OddSettings(ScannerSettings):
    since: datetime = datetime(2026, 1, 1)


def test_a_setting_of_a_type_that_no_text_can_be_is_a_settings_error() -> None:
    """A plugin's mistake is said as such, with the type; cattrs' own error stays inside."""
    section = ScannerSection(name="odd", plugin="odd", enabled=True, values={"since": "2026-01-01"})
    with pytest.raises(SettingsError, match=r"security\.odd: of the plugin's settings, \w+ has the type datetime"):
        section.structure(_OddSettings)


def test_keys_that_are_none_of_ours_are_ignored() -> None:
    """Neither Portus' own sections nor the anchors of an author's own are taken for a scanner that went astray."""
    keys = ("email", "ldap", "oauth", "delete", "signup", "background", "base", "x-clair", "clair_base", "anchors")
    assert () == Settings.from_mapping({key: {"server": "x"} for key in keys}, {}).enabled
