"""Where credentials come from, without the credentials."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

import pytest
from portus_images import RegistrySettings, credentials_files, credentials_origin
from portus_scanners import RegistryAuthError, Secret

HOST = "registry.example:5000"


def docker_folder(tmp_path: Path, **auths: str) -> dict[str, str]:
    """Write a ``config.json`` and return the environment that names it."""
    entries = {host.replace("__", "."): {"auth": auth} for host, auth in auths.items()}
    (tmp_path / "config.json").write_text(json.dumps({"auths": entries}))
    return {"DOCKER_CONFIG": str(tmp_path)}


async def test_origin_in_the_configuration(tmp_path: Path) -> None:
    """The configuration goes before Docker's file, and is named."""
    registries = {HOST: RegistrySettings(username="scanner", password=Secret("canary"))}
    origin = await credentials_origin(HOST, registries, environ=docker_folder(tmp_path))
    assert f"registries: {HOST}: of the configuration" == origin


async def test_origin_in_docker_s_file(tmp_path: Path) -> None:
    """An entry of Docker's file is named with the file, and neither user nor password is."""
    environ = docker_folder(tmp_path, registry__example=b64encode(b"somebody:canary").decode())
    origin = await credentials_origin("registry.example", {}, environ=environ)
    assert f"{tmp_path}/config.json, entry 'registry.example'" == origin


async def test_no_credentials_have_no_origin(tmp_path: Path) -> None:
    """A registry that nobody has credentials for has no origin."""
    assert None is await credentials_origin(HOST, {}, environ=docker_folder(tmp_path))


async def test_credentials_that_cannot_be_read_are_an_error(tmp_path: Path) -> None:
    """What is no Base64 raises, and the message does not show it."""
    environ = docker_folder(tmp_path, registry__example="canary")
    with pytest.raises(RegistryAuthError, match="log in again") as raised:
        await credentials_origin("registry.example", {}, environ=environ)
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (
            {"DOCKER_CONFIG": "/elsewhere", "HOME": "/home/me"},
            ("/elsewhere/config.json", "/home/me/.config/containers/auth.json"),
        ),
        ({"HOME": "/home/me"}, ("/home/me/.docker/config.json", "/home/me/.config/containers/auth.json")),
        ({}, ()),
    ],
    ids=["DOCKER_CONFIG", "HOME", "no home"],
)
def test_the_files_that_are_looked_into(environ: dict[str, str], expected: tuple[str, ...]) -> None:
    """Docker's file, then podman's; DOCKER_CONFIG goes before the home folder; whoever has neither has no file."""
    assert expected == tuple(map(str, credentials_files(environ)))


async def test_the_process_environment_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an argument the environment of the process counts."""
    for name, value in docker_folder(tmp_path, registry__example=b64encode(b"a:b").decode()).items():
        monkeypatch.setenv(name, value)
    origin = await credentials_origin("registry.example", {})
    assert (tmp_path / "config.json", True) == (credentials_files()[0], str(tmp_path) in (origin or ""))


async def test_a_helper_that_fails_is_an_error(tmp_path: Path) -> None:
    """Who has to explain where credentials come from says that a helper could have some, and could not be asked."""
    (tmp_path / "config.json").write_text(json.dumps({"credsStore": "not-installed"}))
    with pytest.raises(RegistryAuthError, match="not-installed"):
        await credentials_origin(HOST, {}, environ={"DOCKER_CONFIG": str(tmp_path), "PATH": ""})
