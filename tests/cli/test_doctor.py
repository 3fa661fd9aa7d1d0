"""``portus-scan doctor``."""

from __future__ import annotations

import json
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result
from hypothesis import given, strategies as st
from portus_scan.diagnosis import gather
from portus_scan.diagnosis.gather import mask_proxy, read_proxies
from portus_scanners import Plugin

from . import plugins

Run = Callable[..., Result]
Install = Callable[..., Path]
Diagnose = Callable[..., tuple[int, dict[str, Any]]]

DUMMY = {"PORTUS_SECURITY_DUMMY_SERVER": "x"}
BOTH = {**DUMMY, "PORTUS_SECURITY_ACME_SERVER": "x"}
CANARY = "c4n4ry"


@pytest.fixture(autouse=True)
def _some_formats(monkeypatch: pytest.MonkeyPatch) -> None:
    """The formats that a test is about, beside two that load: importing all of them takes a second."""
    found = gather.discover_reporters
    wanted = {"json", "table", "acme"}
    monkeypatch.setattr(gather, "discover_reporters", lambda: tuple(one for one in found() if one.name in wanted))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the command is given."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def diagnose(run: Run, tmp_path: Path) -> Diagnose:
    """``diagnose({"security": ...}, env={...})`` returns exit code and document."""

    def examine(
        document: dict[str, Any] | None = None, *arguments: str, env: dict[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        if document is not None:
            (tmp_path / "doctor.yml").write_text(yaml.safe_dump(document))
            arguments = ("--config", str(tmp_path / "doctor.yml"), *arguments)
        result = run("doctor", "--json", *arguments, env=env)
        found: dict[str, Any] = json.loads(result.stdout)
        return result.exit_code, found

    return examine


def one(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """Return the row of this name."""
    (row,) = (row for row in rows if row["name"] == name)
    return row


def test_all_is_well(diagnose: Diagnose) -> None:
    """Plugins that load and an enabled scanner that is healthy are 0; the code is in the document."""
    code, found = diagnose(env=DUMMY)
    plugin, scanner = one(found["plugins"], "dummy"), one(found["scanners"], "dummy")
    assert (0, 0, 1) == (code, found["exit_code"], found["schema_version"])
    assert ("portus-scanner-dummy", 1, True, None) == (
        plugin["distribution"], plugin["contract"], plugin["loads"], plugin["problem"],
    )  # fmt: skip
    assert (True, True) == (plugin["file"].endswith("portus_scanner_dummy/__init__.py"), plugin["import_seconds"] >= 0)
    assert (True, True, None) == (scanner["enabled"], scanner["healthy"], scanner["fix"])
    assert ["PORTUS_SECURITY_DUMMY_SERVER"] == found["configuration"]["variables"]


def test_the_shape_of_the_document(diagnose: Diagnose) -> None:
    """The members are those that the documentation names."""
    _, found = diagnose({"registries": {"registry.example": {}}}, env=DUMMY)
    members = {
        "": "schema_version exit_code versions configuration lists plugins formats scanners registries "
        "credentials_files proxies",
        "configuration": "file variables faults",
        "lists": "only disable faults",
        "plugins": "name distribution version contract file loads import_seconds problem fix",
        "formats": "name distribution version contract file loads import_seconds problem fix",
        "scanners": "name plugin enabled healthy health_seconds message faults fix",
        "registries": "host insecure ca_file credentials problem fix",
        "credentials_files": "path exists",
    }
    shown = {"": found, **{name: value[0] if isinstance(value, list) else value for name, value in found.items()}}
    assert {name: words.split() for name, words in members.items()} == {name: list(shown[name]) for name in members}


def test_versions(diagnose: Diagnose) -> None:
    """The versions that a bug report needs are there."""
    names = ["portus-scan", "portus-scanners", "aiohttp", "attrs", "cattrs", "python", "executable", "platform"]
    versions = diagnose()[1]["versions"]
    assert (names, sys.executable, True) == (list(versions), versions["executable"], all(versions.values()))


def test_a_plugin_that_does_not_load(diagnose: Diagnose, install: Install) -> None:
    """It is 3 although it is not enabled: why, where it is, and the command that fixes it."""
    site = install("acme", plugins.BROKEN)
    code, found = diagnose(env=DUMMY)
    plugin = one(found["plugins"], "acme")
    assert (3, False, None, str(site / "portus_scanner_acme.py"), "pip install --upgrade portus-scanner-acme") == (
        code, plugin["loads"], plugin["contract"], plugin["file"], plugin["fix"],
    )  # fmt: skip
    assert "a_module_that_is_not_there" in plugin["problem"]


@pytest.mark.parametrize("value", ["acme_nowhere:Scanner", ".:Scanner"])
def test_a_module_that_is_not_there_has_no_file(value: str) -> None:
    """Nor has a name that no module can have."""
    assert gather.find_file(Plugin(name="acme", value=value, distribution="acme", version="1")) is None


def test_an_enabled_plugin_that_does_not_load(diagnose: Diagnose, install: Install) -> None:
    """Its scanner is unhealthy for that reason, with the same command; the other scanner is asked."""
    install("acme", plugins.BROKEN)
    code, found = diagnose(env=BOTH)
    acme, dummy = one(found["scanners"], "acme"), one(found["scanners"], "dummy")
    assert (3, False, "its plugin does not load", "pip install --upgrade portus-scanner-acme", True) == (
        code, acme["healthy"], acme["message"], acme["fix"], dummy["healthy"],
    )  # fmt: skip


def test_the_contract_of_a_plugin_that_this_core_does_not_know(diagnose: Diagnose, install: Install) -> None:
    """Its number is in the document, although it does not load."""
    install("acme", plugins.scanner().replace("contract=1", "contract=99"))
    plugin = one(diagnose(env=DUMMY)[1]["plugins"], "acme")
    assert (99, False, "pip install --upgrade portus-scanners") == (plugin["contract"], plugin["loads"], plugin["fix"])


def test_two_distributions_with_one_name(diagnose: Diagnose, install: Install) -> None:
    """Both are shown, each with the commands that fix it; neither is imported."""
    install("acme", plugins.scanner())
    install("acme", plugins.scanner(), distribution="acme-again")
    code, found = diagnose(env=DUMMY)
    fix = "pip uninstall acme-again, or pip uninstall portus-scanner-acme"
    rows = [row for row in found["plugins"] if row["name"] == "acme"]
    assert (3, [(False, None, fix)] * 2) == (
        code,
        [(row["loads"], row["import_seconds"], row["fix"]) for row in rows],
    )


def test_an_unhealthy_scanner(diagnose: Diagnose, install: Install) -> None:
    """One of two unhealthy is 3, with what to run to learn more."""
    install("acme", plugins.UNHEALTHY)
    code, found = diagnose(env=BOTH)
    scanner = one(found["scanners"], "acme")
    assert (3, False, "the disk is full", "portus-scan -v health --scanner acme") == (
        code, scanner["healthy"], scanner["message"], scanner["fix"],
    )  # fmt: skip


def test_the_command_for_an_unhealthy_scanner_names_the_configuration(run: Run, install: Install, here: Path) -> None:
    """The file that was given is given again, quoted for a shell."""
    install("acme", plugins.UNHEALTHY)
    (here / "my config.yml").write_text("security: {acme: {server: x}}")
    found = json.loads(run("doctor", "--json", "--config", "my config.yml").stdout)
    command = "portus-scan -v health --config 'my config.yml' --scanner acme"
    assert command == one(found["scanners"], "acme")["fix"]


@pytest.mark.parametrize("env", [{}, {"PORTUS_SECURITY_ACME_SERVER": "x"}], ids=["none enabled", "all unhealthy"])
def test_no_scanner_works(diagnose: Diagnose, install: Install, env: dict[str, str]) -> None:
    """Nothing enabled, or nothing healthy, is 4."""
    install("acme", plugins.UNHEALTHY)
    assert 4 == diagnose(env=env)[0]


def test_a_scanner_that_cannot_tell_is_no_fault(diagnose: Diagnose, install: Install) -> None:
    """Without a health check a scanner is neither healthy nor unhealthy, and that is 0."""
    install("acme", plugins.UNDECIDED)
    code, found = diagnose(env={"PORTUS_SECURITY_ACME_SERVER": "x"})
    assert (0, None) == (code, one(found["scanners"], "acme")["healthy"])


def test_one_that_hangs_hides_no_other(diagnose: Diagnose, install: Install) -> None:
    """A health check that does not end is unhealthy after the time given; the other's answer is there."""
    install("acme", plugins.HANGING)
    code, found = diagnose(None, "--timeout", "1", env=BOTH)
    acme = one(found["scanners"], "acme")
    assert (3, "no answer within 1 s", True) == (code, acme["message"], one(found["scanners"], "dummy")["healthy"])
    assert acme["health_seconds"] >= 1


def test_a_configuration_that_cannot_be_read(diagnose: Diagnose) -> None:
    """Its faults are shown and are 2; plugins, registries and versions are shown all the same."""
    code, found = diagnose({"security": {"clari": {"server": "x"}}, "registries": []}, env=DUMMY)
    assert (2, 2, True, None) == (
        code,
        len(found["configuration"]["faults"]),
        one(found["plugins"], "dummy")["loads"],
        one(found["scanners"], "dummy")["enabled"],
    )
    assert (["docker.io"], True) == ([row["host"] for row in found["registries"]], bool(found["versions"]))


def test_wrong_settings_of_one_scanner_hide_no_other(diagnose: Diagnose) -> None:
    """A fault in one scanner's settings is shown with that scanner and is 2; the other is asked."""
    other = {"scanner": "dummy", "enabled": True, "timeout": "soon"}
    code, found = diagnose({"security": {"dummy": {"server": "x"}, "other": other}})
    rows = found["scanners"]
    fault = "security.other.timeout: expected a number of seconds, or a duration such as 90s, 5m or 1h30m"
    assert (2, [fault], True) == (
        code, one(rows, "other")["faults"], one(rows, "dummy")["healthy"],
    )  # fmt: skip


def test_scanners_that_are_not_enabled(diagnose: Diagnose) -> None:
    """Each says how it is enabled; one that is not installed says that."""
    _, found = diagnose({"security": {"gone": {"server": ""}, "zypper": {"server": ""}}}, env=DUMMY)
    rows = found["scanners"]
    clair = "set security: clair: server: URL (or enabled: true), or PORTUS_SECURITY_CLAIR_SERVER=URL"
    assert (clair, "no installed plugin is called gone") == (one(rows, "clair")["fix"], one(rows, "gone")["message"])
    assert [False] * 3 == [one(rows, name)["enabled"] for name in ("clair", "gone", "zypper")]


def test_plugins_that_the_environment_leaves_out(diagnose: Diagnose, install: Install) -> None:
    """They are not imported, name the variable, and are no fault; a name that is not installed is told."""
    install("acme", plugins.BROKEN)
    code, found = diagnose(env={**DUMMY, "PORTUS_SCANNERS_DISABLE": "acme,gone"})
    plugin = one(found["plugins"], "acme")
    assert (0, None, "take acme out of PORTUS_SCANNERS_DISABLE") == (code, plugin["loads"], plugin["fix"])
    (fault,) = found["lists"]["faults"]
    assert "PORTUS_SCANNERS_DISABLE: no installed plugin is called 'gone'" == fault.partition(";")[0]
    assert [] == [row for row in found["scanners"] if row["name"] == "acme"]


def test_a_format_that_does_not_load(run: Run, diagnose: Diagnose, install: Install) -> None:
    """It is 3, with the reason and the command that fixes it; the page names those that load in one row."""
    install("acme", plugins.BROKEN, kind="reporter")
    code, found = diagnose(env=DUMMY)
    acme = one(found["formats"], "acme")
    assert (3, False, "pip install --upgrade portus-reporter-acme") == (code, acme["loads"], acme["fix"])
    rows = [line.split() for line in run("doctor", env=DUMMY).stdout.splitlines()]
    assert (True, True) == (
        ["ok", "2", "load", "json,", "table"] in rows,
        ["fault", "acme"] in [row[:2] for row in rows],
    )


def test_nothing_is_installed(run: Run, diagnose: Diagnose, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is 4 and says what to install; the rest is there."""
    for module in ("diagnosis.gather", "installed"):
        monkeypatch.setattr(f"portus_scan.{module}.discover", lambda: ())
    code, found = diagnose()
    assert (4, [], True) == (code, found["plugins"], bool(found["versions"]))
    assert "pip install one of" in run("doctor").stdout


def test_registries(diagnose: Diagnose, tmp_path: Path) -> None:
    """For each registry and Docker Hub: how it is reached and where its credentials come from."""
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"b.example": {"auth": b64encode(b"u:p").decode()}}}))
    registries = {"a.example": {"username": "u", "password": "p"}, "b.example": {"insecure": True}}
    _, found = diagnose({"registries": registries}, env={**DUMMY, "DOCKER_CONFIG": str(tmp_path)})
    assert [
        ("a.example", False, "registries: a.example: of the configuration"),
        ("b.example", True, f"{tmp_path}/config.json, entry 'b.example'"),
        ("docker.io", False, None),
    ] == [(row["host"], row["insecure"], row["credentials"]) for row in found["registries"]]
    assert {"path": f"{tmp_path}/config.json", "exists": True} == found["credentials_files"][0]


@pytest.mark.parametrize(
    ("registry", "config_json", "words", "fix"),
    [
        (
            {"ca_file": "/nonexistent.pem"},
            "{}",
            "ca_file can't be used: No such file or directory",
            "set registries: a.example: ca_file to a PEM file, or leave it out",
        ),
        (
            {},
            "no JSON",
            "it is not a JSON object",
            "docker login a.example, or give registries: a.example: username and password_file",
        ),
        (
            {"url": "https://b.example:5000"},
            "no JSON",
            "it is not a JSON object",
            "docker login b.example:5000, or give registries: a.example: username and password_file",
        ),
        (
            {"username": "u", "password_file": "/nonexistent"},
            "{}",
            "/nonexistent can't be read",
            "set registries: a.example: password_file to what can be read",
        ),
    ],
    ids=["ca_file", "config.json", "config.json of another host", "password_file"],
)
def test_a_registry_that_cannot_be_used(
    diagnose: Diagnose, tmp_path: Path, registry: dict[str, Any], config_json: str, words: str, fix: str
) -> None:
    """A CA file or credentials that can't be read are 3, why and what to do; the scanners are asked all the same."""
    (tmp_path / "config.json").write_text(config_json)
    environment = {**DUMMY, "DOCKER_CONFIG": str(tmp_path)}
    code, found = diagnose({"registries": {"a.example": registry}}, env=environment)
    assert (3, True, fix, True) == (
        code,
        words in found["registries"][0]["problem"],
        found["registries"][0]["fix"],
        one(found["scanners"], "dummy")["healthy"],
    )


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["page", "json"])
def test_nothing_secret_is_shown(run: Run, install: Install, tmp_path: Path, form: list[str]) -> None:
    """Passwords of proxies, of Docker's file, of registries and in servers' URLs are nowhere in the answer."""
    install("acme", plugins.BROKEN)
    auth = b64encode(f"{CANARY}:{CANARY}".encode()).decode()
    auths = {"b.example": {"auth": auth}, "c.example": {"auth": CANARY}, "d.example": {"identitytoken": CANARY}}
    (tmp_path / "config.json").write_text(json.dumps({"auths": auths}))
    document = {
        "security": {
            "dummy": {"server": f"http://u:{CANARY}@h/?token={CANARY}", "password": CANARY},
            "clair": {"server": f"http://{CANARY}:{CANARY}@127.0.0.1:1/{CANARY}"},
            "zypper": {"server": "http://127.0.0.1:1", "timeout": CANARY},
            "acme": {"enabled": True, "token": CANARY},
        },
        "registries": {host: {} for host in auths} | {"a.example": {"username": CANARY, "password": CANARY}},
    }
    (tmp_path / "doctor.yml").write_text(yaml.safe_dump(document))
    environment = {
        "DOCKER_CONFIG": str(tmp_path),
        "HTTPS_PROXY": f"http://{CANARY}:{CANARY}/@{CANARY}@proxy.example:3128/{CANARY}",
        "http_proxy": f"http://{CANARY}:{CANARY}@proxy.example:3128",
        "no_proxy": f"{CANARY}@a",
        "PORTUS_SECURITY_CLAIR_CA_FILE": "/nowhere",
        "PORTUS_SECURITY_ACME_PASSWORD": CANARY,
    }
    result = run("doctor", "--config", str(tmp_path / "doctor.yml"), *form, env=environment)
    assert (2, False, True) == (result.exit_code, CANARY in result.output + result.stderr, len(result.stdout) > 1000)
    assert auth not in result.output


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("http://proxy.example:3128", "http://proxy.example:3128"),
        ("proxy.example:3128/", "proxy.example:3128"),
        ("http://user:pass@proxy.example:3128", "http://******@proxy.example:3128"),
        ("user@[::1]:3128", "******@[::1]:3128"),
        ("http://us@er:pa/ss@proxy.example", "http://******@proxy.example"),
        ("http://proxy.example/path?secret", "set, but not a URL of the form http://host:port"),
        ("http://user:pass", "set, but not a URL of the form http://host:port"),
    ],
    ids=["plain", "no scheme", "userinfo", "ipv6", "odd userinfo", "path", "no host"],
)
def test_a_proxy_without_its_userinfo(value: str, shown: str) -> None:
    """Scheme, host and port are shown, whatever stands before an @ is masked, another form is not shown."""
    assert shown == mask_proxy(value)


@given(user=st.text(min_size=1).map(lambda text: f"<{text}>"))
def test_no_userinfo_is_ever_shown(user: str) -> None:
    """Whatever the name and the password are made of, they are not in what is shown."""
    assert user not in mask_proxy(f"http://{user}@proxy.example:3128")


def test_the_proxy_variables() -> None:
    """The usual four count in either case; empty ones and others do not."""
    environ = {"HTTP_PROXY": "a:1", "all_proxy": "b:2", "NO_PROXY": "c, .d", "https_proxy": "", "ftp_proxy": "e"}
    assert {"HTTP_PROXY": "a:1", "all_proxy": "b:2", "NO_PROXY": "c, .d"} == read_proxies(environ)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_page(run: Run, install: Install, width: int) -> None:
    """The page has every section, marks what is wrong, counts it, and keeps to the width."""
    install("acme", plugins.BROKEN)
    install("tall", plugins.UNHEALTHY)
    environment = {**BOTH, "PORTUS_SECURITY_TALL_SERVER": "x", "https_proxy": "http://a:b@c:1", "COLUMNS": str(width)}
    lines = run("doctor", env=environment).stdout.splitlines()
    headings = [line for line in lines if line.isupper() and line.isalpha()]
    assert ["CONFIGURATION", "PLUGINS", "FORMATS", "SCANNERS", "REGISTRIES", "VERSIONS"] == headings
    assert (3, "3 faults.") == (sum(line.startswith("fault ") for line in lines), lines[-1])
    assert max(map(len, lines)) <= width


def test_the_page_is_harmless_for_a_terminal(run: Run, install: Install) -> None:
    """What a plugin says is on the page without its control characters."""
    install("acme", plugins.scanner(health=r"return Health(healthy=False, message='\x1b[2J\nok')"))
    text = run("doctor", env=BOTH).stdout
    assert (True, False) == ("[2J ok" in text, "\x1b" in text)


def test_the_page_when_all_is_well(run: Run) -> None:
    """Without a fault it says so."""
    result = run("doctor", env=DUMMY)
    assert (0, "No faults.") == (result.exit_code, result.stdout.splitlines()[-1])
