"""The section ``access:``."""

from __future__ import annotations

from pathlib import Path

import pytest
from portus_images import SettingsError
from portus_scan_server.access import AccessSettings, RepositoryRoles, read_access
from portus_scanners.settings import read_yaml

SECRET = "canary-0123456789"
SIGN_ON = "issuer: https://id.example, client_id: scan"


def load(folder: Path, text: str) -> AccessSettings:
    """Read a configuration."""
    path = folder / "config.yml"
    path.write_text(text)
    return read_access(read_yaml(path))


def test_nothing_is_open_unless_it_is_said(tmp_path: Path) -> None:
    """Without a section nobody comes in but programs with a token; `access: open` is the short form."""
    assert (False, None) == (read_access({}).open, read_access({}).proxy)
    assert AccessSettings() == load(tmp_path, "security: {}")
    found = load(tmp_path, "access: open")
    assert (True, ("localhost", "127.0.0.1", "[::1]")) == (found.open, found.hosts)
    found = load(tmp_path, "access: {open: true, hosts: [Scan.example]}")
    assert ("scan.example",) == found.hosts


def test_groups_and_a_proxy(tmp_path: Path) -> None:
    """Roles by pattern, and the proxy's secret, from the file or beside it, which no message shows."""
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    text = "access: {proxy: {%s}, admins: [ops], repositories: {team/*: {viewers: [team]}}}"
    for way in (f"secret: {SECRET}", f"secret_file: {tmp_path / 'secret'}"):
        found = load(tmp_path, text % way)
        assert found.proxy is not None
        assert SECRET == found.proxy.secret.reveal()
        assert "canary" not in repr(found)
        assert {"team/*": RepositoryRoles(viewers=("team",))} == found.repositories
    assert load(tmp_path, text % "socket: /run/proxy.sock").proxy


def test_the_secret_of_a_provider(tmp_path: Path) -> None:
    """It stands in the configuration or in a file of its own; nothing shows it."""
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    for way in (f"client_secret: {SECRET}", f"client_secret_file: {tmp_path / 'secret'}"):
        found = load(tmp_path, f"access: {{sign_on: {{{SIGN_ON}, {way}}}}}")
        assert found.sign_on is not None
        assert SECRET == found.sign_on.client_secret.reveal()
        assert "canary" not in repr(found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("access: close", "access: expected a mapping such as {repositories: {team/*: ...}}, or open"),
        ("access: {open: true, admins: [ops]}", "leave out open, or proxy, sign_on, admins and repositories"),
        ("access: {admins: [ops]}", "access.proxy"),
        ("access: {proxy: {}}", "headers alone can be sent by anybody"),
        ("access: {proxy: {secret: short-canary}}", "at least 16 characters"),
        (f"access: {{proxy: {{secret: {SECRET}, secret_file: /x}}}}", "not both"),
        ("access: {proxy: {secret_file: /nowhere}}", "the file /nowhere of access.proxy.secret_file can't be read"),
        (f"access: {{sign_on: {{{SIGN_ON}}}}}", "access.sign_on: give client_secret or client_secret_file"),
        (
            f"access: {{sign_on: {{{SIGN_ON}, client_secret: {SECRET}, client_secret_file: /x}}}}",
            "access.sign_on: give client_secret or client_secret_file",
        ),
        (
            f"access: {{sign_on: {{{SIGN_ON}, client_secret_file: /dev/null}}}}",
            "the file /dev/null of access.sign_on.client_secret_file is empty",
        ),
        (
            f"access: {{sign_on: {{{SIGN_ON}, client_secret: {SECRET}}}, proxy: {{secret: {SECRET}}}}}",
            "access: people come by the proxy or sign in here: give proxy or sign_on",
        ),
        ("access: {repository: {}}", "access.repository: unknown key; did you mean repositories?"),
        ("access: {repositories: {Team: {}}}", "'Team' is not a pattern of repositories"),
        ("access: {repositories: {team: {viewer: [a]}}}", "viewer"),
    ],
)
def test_mistakes_are_said(tmp_path: Path, text: str, said: str) -> None:
    """Each says what to write, and shows no secret."""
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    assert said in str(caught.value)
    assert "canary" not in str(caught.value)
