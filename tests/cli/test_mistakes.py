"""What somebody does who is new here, or comes from another scanner, and the one line that says what to write."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import Result
from portus_scan.mistakes import misspelt_variables

Run = Callable[..., Result]

ENABLED = {"PORTUS_SECURITY_DUMMY_SERVER": "on"}
APP = "registry.example/app:1"


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files that the mistakes are about."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.tar").touch()
    (tmp_path / ".trivyignore").write_text("CVE-2016-6304\n")
    (tmp_path / "tabs.yml").write_text("security:\n\tdummy: {}\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.json").touch()
    (tmp_path / "README.md").write_text("# Scans\n\nHow to scan.\n")
    (tmp_path / "app.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    (tmp_path / "Dockerfile").write_text("# syntax=docker/dockerfile:1\nFROM debian:12\n")
    (tmp_path / "no-reason.yml").write_text("suppressions:\n- id: CVE-2016-6304\n")
    (tmp_path / "list.yml").write_text("- security\n")
    (tmp_path / "twice.yml").write_text("security:\n  dummy:\n    server: on\n    server: off\n")
    (tmp_path / "grype.json").write_text('{"matches": [], "descriptor": {}}')
    for name, document in {
        "clari": {"security": {"clari": {"server": "http://clair.example:6060"}}},
        "top": {"clair": {"server": "http://clair.example:6060"}},
        "topmost": {"trivy": {"enabled": True}},
        "securty": {"securty": {"dummy": {"server": "on"}}},
        "url": {"security": {"dummy": {"url": "on"}}},
        "soon": {"security": {"dummy": {"server": "on", "timeout": "soon"}}},
        "unit": {"security": {"dummy": {"server": "on", "timeout": "5min"}}},
        "port": {"security": {"clair": {"server": "http://clair.example:99999"}}},
        "bare": {"security": {"clair": {"server": "clair.example:6060"}}},
        "sever": {"security": {"dummy": {"sever": "on"}}},
        "maybe": {"security": {"dummy": {"enabled": "maybe"}}},
        "ca": {"security": {"clair": {"server": "https://clair.example", "ca_file": "README.md"}}},
        "alone": {"registries": {"registry.example": {"username": "me"}}},
        "pasword": {"registries": {"registry.example": {"pasword": "hunter2"}}},
        "gate": {"gate": {"fail_on": "hihg"}},
        "security_list": {"security": ["dummy"]},
        "section": {"security": {"dummy": True}},
        "registry_list": {"registries": ["registry.example"]},
        "compose": {"services": {"web": {"image": "nginx"}}},
        "account": {"security": {"clair": {"server": "http://me:hunter2@clair.example:6060"}}},
        "quotes": {"security": {"dummy": {"server": True}}},
        "host": {"registries": {"https://registry.example": {"insecure": True}}},
    }.items():
        (tmp_path / f"{name}.yml").write_text(yaml.safe_dump(document))


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("imgae app:1", "did you mean portus-scan image?"),
        ("scan app:1", "did you mean portus-scan image?"),
        ("alpine:3.19", "did you mean portus-scan image alpine:3.19?"),
        ("config check", "did you mean portus-scan doctor?"),
        ("compare a.json b.json", "did you mean portus-scan diff?"),
        ("help imgae", "did you mean portus-scan image?"),
        ("policy imprt x", "import"),
        (f"--config top.yml image {APP}", "--config goes after image: portus-scan image --config FILE"),
        (f"--fail-on high image {APP}", "--fail-on goes after image: portus-scan image --fail-on SEVERITY"),
        (f"image {APP} --scanner dumy", "did you mean dummy?"),
        (f"image {APP} --scaner dummy", "did you mean --scanner"),
        (f"image {APP} --severity HIGH", "--min-severity HIGH leaves out what is lower"),
        (f"image {APP} --exit-code 1", "--fail-on SEVERITY makes the exit code 1"),
        (f"image {APP} --ignore-unfixed", "--only-fixable"),
        (f"image {APP} --json", "write -o json"),
        (f"image {APP} --format json", "write -o json"),
        (f"image {APP} -o jsn", "did you mean json?"),
        (f"image {APP} -o report.json", "write -o json=report.json"),
        (f"image {APP} -o html", "write -o html=FOLDER"),
        (f"image {APP} --fail-on hihg", "did you mean high?"),
        (f"image {APP} --min-severity hgh", "did you mean high?"),
        (f"image {APP} --allow incomplet", "did you mean incomplete?"),
        (f"image {APP} --timeout soon", "or a duration such as 5m"),
        (f"image {APP} --platform arm64", "write it as linux/amd64"),
        ("image", "Missing argument 'REF...'"),
        ("image http://registry.example/app:1", "leave out http://: registry.example/app:1"),
        ("image https://me:hunter2@registry.example/app:1/", "leave out https://: registry.example/app:1"),
        ("image docker://registry.example/app:1", "leave out docker://: registry.example/app:1"),
        ("image oci://registry.example/app:1", "leave out oci://: registry.example/app:1"),
        ("image docker-archive://app.tar", "leave out the //: docker-archive:app.tar"),
        ("image docker-daemon:app:1", "docker save app:1 -o app.tar"),
        ("image ./app.tar", "there is a file of that name here: docker-archive:./app.tar"),
        ("image registry.example/App:1", "write it as registry.example/app:1"),
        (f"image {APP} --config missing.yml", "the configuration missing.yml can't be read"),
        (f"image {APP} --config tabs.yml", "line 2"),
        (f"image {APP} --config clari.yml", "did you mean clair?"),
        (f"image {APP} --config top.yml", "write security: {clair: ...}"),
        (f"image {APP} --config topmost.yml", "write security: {trivy: ...}"),
        (f"image {APP} --config securty.yml", "did you mean security?"),
        (f"image {APP} --config url.yml", "set security: dummy: server:"),
        (f"image {APP} --config soon.yml", "a duration such as 90s, 5m or 1h30m"),
        (f"image {APP} --config host.yml", "write the host alone"),
        (f"image {APP} --suppressions .trivyignore", "portus-scan policy import"),
        (f"image {APP} --suppressions grype.json", "it looks like a report of Grype"),
        ("registry https://registry.example", "is not a registry; leave out https://: registry.example"),
        ("registry http://me:hunter2@127.0.0.1:5000/team/", "leave out http://: 127.0.0.1:5000/team"),
        ("image https://hub.docker.com/_/nginx", "is a page about an image; write nginx"),
        ("image https://hub.docker.com/r/team/app/", "is a page about an image; write team/app"),
        (f"image {APP} -c clari.yml", "write --config FILE"),
        (f"image {APP} -f json", "write -o FORMAT or -o FORMAT=FILE"),
        (f"registry {APP}", f"is an image: portus-scan image {APP}"),
        ("registry registry.example --concurrency 0", "0 is not a number above 0"),
        ("registry registry.example --resume missing.jsonl", "without --resume it is made"),
        ("registry registry.example --results a.jsonl --resume b.jsonl", "leave --results out"),
        ("registry docker.io", "name them with --repositories FILE"),
        ("doctor --registry http://registry.example", "leave out http://: registry.example"),
        ("convert README.md", "it looks like a page in Markdown"),
        ("convert app.png", "it looks like a picture"),
        ("convert Dockerfile", "it looks like a Dockerfile"),
        ("convert compose.yml", "it looks like a Compose file"),
        ("convert folder", "Is a directory"),
        ("convert empty.json", "the file was cut, or it is still being written"),
        (f"image {APP} --baseline README.md", "it looks like a page in Markdown"),
        (f"image {APP} --suppressions README.md", "it looks like a page in Markdown"),
        (f"image {APP} --suppressions no-reason.yml", "no-reason.yml:2: reason is missing: say why"),
        (f"image {APP} --config folder", "the configuration folder can't be read: Is a directory"),
        (f"image {APP} --config app.png", "the configuration app.png is not YAML"),
        (f"image {APP} --config tabs.yml --config clari.yml", "put everything into one file"),
        (f"image {APP} --config unit.yml", "a duration such as 90s, 5m or 1h30m"),
        (f"image {APP} --config port.yml", "server must be a URL such as http://backend.example:6060"),
        (f"image {APP} --config bare.yml", "server must be a URL such as http://backend.example:6060"),
        (f"image {APP} --config sever.yml", "did you mean server?"),
        (f"image {APP} --config maybe.yml", "expected true or false"),
        (f"image {APP} --config ca.yml", "the ca_file README.md can't be used"),
        (f"image {APP} --config alone.yml", "a username needs a password, password_file or password_env"),
        (f"image {APP} --config pasword.yml", "did you mean password?"),
        (f"image {APP} --config gate.yml", "did you mean high?"),
        (f"image {APP} -o json=folder", "name another file with -o"),
        (f"image {APP} -o json -o csv", "give each a PATH of its own"),
        (f"image {APP} --fail-on critical=x", "expected an integer"),
        (f"image {APP}:2", "write it as registry.example:5000/team/app:1.0"),
        ("image registry.example:99999/app:1", "is not a valid host name"),
        ("convert grype.json", "it looks like a report of Grype"),
        ("convert missing.json", "No such file"),
        ("diff one.json", "Missing argument 'NEW'"),
        ("explain CVE-2016-6304", "Missing argument 'REPORT'"),
        ("health --scanner clari", "did you mean"),
        ("new-plugin My-Plugin", "write 'my_plugin'"),
        ("completion powershell", "'bash', 'zsh', 'fish'"),
        ("completion bash zsh", "unexpected extra argument (zsh)"),
        ("image docker-archive:", "the path is missing: oci:DIR[:TAG]"),
        ("image app@sha256:abc", "'sha256:abc' is not a valid digest"),
        (f"image {APP} --config list.yml", "is not a mapping with a key security:"),
        (f"image {APP} --config twice.yml", "line 4, column 5): a key comes twice"),
        (f"image {APP} --config security_list.yml", "security: expected a mapping"),
        (f"image {APP} --config section.yml", "security.dummy: expected a mapping such as {server: ...}"),
        (f"image {APP} --config registry_list.yml", "registries: expected a mapping"),
        (f"image {APP} --scanner clair", "set security: clair: server:"),
        (f"image {APP} -o json=", "names no file; write -o json for stdout, or -o json=PATH"),
        (f"image {APP} -o =report", "write -o FORMAT or -o FORMAT=PATH"),
        (f"image {APP} -o html=README.md", "it is not a folder; name another folder with -o"),
        (f"image {APP} --fail-on", "Option '--fail-on' requires an argument"),
        (f"image {APP} --fail-on high=-1", "the number of vulnerabilities that are allowed, 0 or more"),
        (f"image {APP} --fail-on high,high", "or each with its number: critical=0,high=5"),
        (f"image {APP} --suppressions missing.yml", "the suppressions missing.yml can't be read: No such file"),
        (f"image {APP} --baseline missing.json", "can't read 'missing.json': No such file"),
        (f"image {APP} --debug", "-v shows the log"),
        (f"image {APP} --server http://clair.example:6060", "set security: SCANNER: server: URL in a file"),
        ("registry registry.example --repositories missing.txt", "can't read 'missing.txt': No such file"),
        ("registry registry.example --results missing/a.jsonl", "make its folder first"),
        ("registry registry.example --results folder", "Is a directory; name another file"),
        ("registry registry.example --since-file README.md", "was not written by --since-file: name another file"),
        ("registry registry.example --max-wait -1", "is not a number of seconds from 0 to 604,800"),
        ("doctor registry.example", "unexpected extra argument (registry.example)"),
        ("policy import missing", "the file missing can't be read: No such file"),
        ("policy import list.yml", "there is .trivyignore, .trivyignore.yaml, .grype.yaml"),
        ("new-plugin 1abc", "and begins with a letter; write 'abc'"),
        ("new-plugin dummy", "take another name"),
        ("convert - -", "stdin (-) can be read only once"),
        ("diff - -", "stdin (-) can be read only once: give the name of a file for OLD or NEW"),
        (f"image {APP} --fail-on=", "it is empty: write a severity, such as high"),
        (f"image {APP} --fail-on high,critical", "write the lowest severity that counts"),
        (f"image {APP} --max-database-age soon", "is not a number of days, such as 3"),
        (f"image {APP} --platform linux/x86_64", "images say amd64 for x86_64: linux/amd64"),
        (f"image {APP} --concurrency 8", "set security: SCANNER: concurrency"),
        (f"image {APP} --config account.yml", "must not contain credentials: there are settings for them"),
        (f"image {APP} --config quotes.yml", "expected a string: put it into quotes"),
        ("image app:1,app:2", "write several with blanks between them: app:1 app:2"),
        ("image @images.txt", "portus-scan image $(cat images.txt)"),
        ("image -", "portus-scan image $(cat FILE)"),
        ("image registry:registry.example/app:1", "leave out registry:, and write registry.example/app:1"),
        ("image dir:.", "folders are not scanned, but images in them: oci:DIR"),
        (f"image sha256:{'0' * 64}", "is a digest, or the id of an image: write NAME@sha256:..., or NAME:TAG"),
        ("registry registry.example --include ^team/.*$", "'team/*'"),
        ("registry registry.example -o json", "write --results FILE: portus-scan convert FILE"),
        ("diff a.json b.json -o json", "write --format json"),
        (
            "explain README.md CVE-2016-6304",
            "but one 'README.md': the file comes last",
        ),
        (f"explain README.md {'x' * 300}", "can't read"),
        ("man image", "did you mean portus-scan help?"),
    ],
)
def test_one_line_says_what_to_do(run: Run, line: str, advice: str) -> None:
    """A mistake is 2, and one line on stderr says what to write instead; nothing is on stdout, and no password."""
    env = {} if any(word in line for word in ("url.yml", "securty", "quotes.yml")) else ENABLED
    result = run(*line.split(), env=env)
    assert (2, "") == (result.exit_code, result.stdout)
    assert advice in result.stderr
    assert "hunter2" not in result.stderr
    assert 1 == result.stderr.count("\n")
    assert result.stderr.startswith("portus-scan: ")
    assert "?;" not in result.stderr


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("docker-archive:missing.tar", "No such file or directory"),
        ("oci:missing", "No such file or directory"),
        ("docker-archive:folder", "is not a file; for a folder write oci:"),
        ("oci:README.md", "is not a folder; for a file write oci-archive: or docker-archive:"),
        ("oci:folder", "is not an OCI image layout: it has no index.json"),
        ("docker-archive:README.md", "it is not a tar archive"),
    ],
)
def test_a_local_image_that_can_not_be_read(run: Run, text: str, advice: str) -> None:
    """One line with what the user wrote, once, and what is wrong with it."""
    result = run("image", text, "-o", "json", env=ENABLED)
    assert (4, 1, 1) == (result.exit_code, result.stderr.count("\n"), result.stderr.count(text))
    assert advice in result.stderr


@pytest.mark.parametrize("text", ["5m", "300", "300s", "0.5h", "1h 30m", "90000ms"])
def test_durations(run: Run, tmp_path: Path, text: str) -> None:
    """A time may be a duration, in the configuration, the environment and an option."""
    path = tmp_path / "config.yml"
    path.write_text(yaml.safe_dump({"security": {"dummy": {"server": "on", "timeout": text}}}))
    assert 0 == run("health", "--config", str(path), "--timeout", text).exit_code
    assert 0 == run("health", env={**ENABLED, "PORTUS_SECURITY_DUMMY_TIMEOUT": text}).exit_code


def test_the_log_is_asked_for_behind_the_sub_command(run: Run, config: Callable[..., str]) -> None:
    """-v works before and behind a sub-command."""
    given = ("registry.example/app:1", "--config", config({"behaviour": "crash"}))
    for line in (("-v", "image", *given), ("image", *given, "-v"), ("image", "--verbose", *given)):
        assert "RuntimeError: dummy: scripted to end as 'crash'" in run(*line).stderr
    assert 2 == run("policy", "import", "-v", "missing").exit_code
    assert "there is no option" not in run("policy", "import", "-v", "missing").stderr


def test_help_is_a_sub_command(run: Run) -> None:
    """``help``, alone and of a sub-command of a sub-command, is what --help prints."""
    assert run("--help").stdout == run("help").stdout
    assert "Usage: portus-scan policy import" in run("help", "policy", "import").stdout
    assert run("image", "--help").stdout == run("help", "image").stdout


def test_a_group_without_sub_command(run: Run) -> None:
    """A group alone prints its help, on lines of its own."""
    result = run("policy")
    assert (2, True) == (result.exit_code, result.stderr.startswith("Usage: portus-scan policy"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("PORTUS_SECURTY_CLAIR_SERVER", "PORTUS_SECURITY_CLAIR_SERVER"),
        ("PORTUS_SECURITIES_CLAIR_TIMEOUT", "PORTUS_SECURITY_CLAIR_TIMEOUT"),
        ("PORTUS_CLAIR_SERVER", "PORTUS_SECURITY_CLAIR_SERVER"),
        ("portus_security_clair_server", "PORTUS_SECURITY_CLAIR_SERVER"),
        ("PORTUS_SECURITY_CLAIR_SERVER", None),
        ("PORTUS_MACHINE_FQDN_VALUE", None),
        ("PORTUS_DB_HOST", None),
        ("PORTUS_EMAIL_SMTP_PORT", None),
        ("PORTUS_SCANNERS_ONLY", None),
        ("SECURITY_CLAIR_SERVER", None),
    ],
)
def test_misspelt_variables(name: str, expected: str | None) -> None:
    """A variable that is nearly ours is named, one of Portus' own is not."""
    lines = [] if expected is None else [f"{name} is ignored: did you mean {expected}?"]
    assert lines == list(misspelt_variables({name: "x"}))


def test_a_misspelt_variable_warns(run: Run) -> None:
    """The command goes on, and says what it does not read."""
    result = run("scanners", env={"PORTUS_SECURTY_CLAIR_SERVER": "http://clair.example"})
    assert (0, 1) == (result.exit_code, result.stderr.count("did you mean PORTUS_SECURITY_CLAIR_SERVER?"))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(run: Run, shell: str) -> None:
    """Each shell gets a script that asks the program."""
    result = run("completion", shell)
    assert (0, True) == (result.exit_code, "_PORTUS_SCAN_COMPLETE" in result.stdout)


@pytest.mark.parametrize(
    ("shell", "words", "number", "answer"),
    [
        ("bash", "portus-scan im", "1", "plain,image\n"),
        ("zsh", "portus-scan policy im", "2", "plain\nimport\n"),
        ("fish", "portus-scan image --fail", "--fail", "plain,--fail-on\t"),
    ],
)
def test_what_is_completed(run: Run, shell: str, words: str, number: str, answer: str) -> None:
    """The script's question is answered with sub-commands and options, and the shell's line stays as it is."""
    asked = {"_PORTUS_SCAN_COMPLETE": f"{shell}_complete", "COMP_WORDS": words, "COMP_CWORD": number}
    result = run(env=asked)
    assert (0, "", answer) == (result.exit_code, result.stderr, result.stdout[: len(answer)])


def test_the_man_page(run: Run) -> None:
    """Every sub-command and option is in it, and no line of a help text is taken for a request of roff."""
    page = run("help", "--man").stdout
    for name in ("image", "policy import", "completion"):
        assert f'.SH "PORTUS\\-SCAN {name.upper()}"' in page
    assert r"\fB\-\-fail\-on SEVERITY|LIMITS\fR" in page
    assert {"TH", "SH", "PP", "TP", "nf", "fi"} == set(re.findall(r"^\.(\w*)", page, re.MULTILINE))


def test_an_output_that_was_taken_for_an_image(run: Run) -> None:
    """A file name behind -o FORMAT is an image to the command; where there is none, the right form is said."""
    result = run("image", APP, "registry.example/missing.json", "-o", "json", env=ENABLED)
    assert "for an output write -o FORMAT=registry.example/missing.json" in result.stderr
