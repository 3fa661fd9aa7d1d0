"""The files of Docker and podman together: their order, what else an entry may hold, keys with paths."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from portus_images.registry.credentials import Credentials, CredentialStore
from portus_images.registry.hosts import HostSettings
from portus_scanners import RegistryAuthError


def auth(pair: str, **members: str) -> dict[str, str]:
    """Return an entry."""
    return {"auth": b64encode(pair.encode()).decode(), **members}


def write(path: Path, auths: dict[str, Any]) -> None:
    """Write a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"auths": auths}))


async def find(
    environ: dict[str, str], registry: str = "r.example", repository: str = "team/app"
) -> Credentials | None:
    """Return what is found."""
    return (await CredentialStore(HostSettings({}), environ).find(registry, repository)).credentials


async def password(environ: dict[str, str], registry: str = "r.example", repository: str = "team/app") -> str | None:
    """Return the password that is found."""
    found = await find(environ, registry, repository)
    return found.password.reveal() if found else None


async def test_dockers_file_comes_before_podmans(tmp_path: Path) -> None:
    """Then that of the session, then that of the configuration folder."""
    environ = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path / "run")}
    files = [
        tmp_path / ".docker/config.json",
        tmp_path / "run/containers/auth.json",
        tmp_path / ".config/containers/auth.json",
    ]
    for number, path in enumerate(files):
        write(path, {"r.example": auth(f"me:{number}")})
    found = []
    for path in files:
        found.append(await password(environ))
        path.unlink()

    assert ["0", "1", "2"] == found
    assert await password(environ) is None


async def test_a_file_that_is_named_replaces_podmans_others(tmp_path: Path) -> None:
    """``REGISTRY_AUTH_FILE``."""
    write(tmp_path / "config/containers/auth.json", {"r.example": auth("me:general")})
    write(tmp_path / "named.json", {"other.example": auth("me:named")})
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "config")}

    assert "general" == await password(environ)
    assert await password({**environ, "REGISTRY_AUTH_FILE": str(tmp_path / "named.json")}) is None
    assert "named" == await password({"REGISTRY_AUTH_FILE": str(tmp_path / "named.json")}, "other.example")


@pytest.mark.parametrize(
    ("repository", "expected"),
    [
        ("team/app/web", "exact"),
        ("team/app", "parent"),
        ("team/app/other", "parent"),
        ("team/application", "team"),
        ("team", "team"),
        ("other/app", "registry"),
    ],
)
async def test_podmans_most_specific_key_wins(tmp_path: Path, repository: str, expected: str) -> None:
    """Keys may name a repository or the beginning of its path, part by part."""
    keys = {"r.example/team/app/web": "exact", "r.example/team/app": "parent", "r.example/team": "team"}
    write(
        tmp_path / "auth.json", {key: auth(f"me:{value}") for key, value in {"r.example": "registry", **keys}.items()}
    )

    assert expected == await password({"REGISTRY_AUTH_FILE": str(tmp_path / "auth.json")}, "r.example", repository)


async def test_a_path_in_dockers_file_means_nothing(tmp_path: Path) -> None:
    """Docker knows hosts only."""
    write(tmp_path / "config.json", {"r.example/team": auth("me:1")})

    assert await password({"DOCKER_CONFIG": str(tmp_path)}) is None


@pytest.mark.parametrize(
    "key", ["docker.io", "docker.io/library", "docker.io/library/alpine", "https://index.docker.io/v1/"]
)
async def test_docker_hub_is_found_in_podmans_file(tmp_path: Path, key: str) -> None:
    """Under its name, a path, or the old key."""
    write(tmp_path / "auth.json", {key: auth("me:hub")})

    assert "hub" == await password({"REGISTRY_AUTH_FILE": str(tmp_path / "auth.json")}, "docker.io", "library/alpine")


async def test_an_entry_may_hold_a_token_of_either_kind(tmp_path: Path) -> None:
    """``identitytoken`` comes from ``docker login``, ``registrytoken`` is written by hand; no password then."""
    write(tmp_path / "config.json", {"i.example": auth("me:", identitytoken="a"), "r.example": {"registrytoken": "b"}})
    identity = await find({"DOCKER_CONFIG": str(tmp_path)}, "i.example")
    registry = await find({"DOCKER_CONFIG": str(tmp_path)}, "r.example")

    assert identity is not None
    assert registry is not None
    assert ("a", "me", "b") == (identity.identity_token.reveal(), identity.username, registry.registry_token.reveal())


@pytest.mark.parametrize(
    "text", ["canary", '{"auths": [1, "canary"]}', '{"credHelpers": "canary"}', '{"credsStore": 5}']
)
async def test_a_broken_file_of_podman_is_named_without_its_content(tmp_path: Path, text: str) -> None:
    """As Docker's is."""
    path = tmp_path / "auth.json"
    path.write_text(text)
    with pytest.raises(RegistryAuthError, match=r"auth\.json can't be read") as caught:
        await find({"REGISTRY_AUTH_FILE": str(path)})

    assert "canary" not in f"{caught.value} {caught.value.__cause__!r} {caught.value.__context__!r}"


async def test_a_folder_in_the_place_of_a_file_is_no_file(tmp_path: Path) -> None:
    """Docker's own image mounts one by mistake."""
    (tmp_path / "config.json").mkdir()

    assert await find({"DOCKER_CONFIG": str(tmp_path)}) is None


async def test_a_file_of_somebody_else_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by Docker, with a warning: in a container ``HOME`` is often another user's; it is named where it matters."""
    write(tmp_path / "auth.json", {"r.example": auth("me:podman")})
    is_file = Path.is_file

    def deny(path: Path) -> bool:
        if path.name == "config.json":
            raise PermissionError(13, "Permission denied")
        return is_file(path)

    monkeypatch.setattr(Path, "is_file", deny)
    docker = {"DOCKER_CONFIG": str(tmp_path)}
    search = await CredentialStore(HostSettings({}), docker).find("r.example", "app")

    assert f"{tmp_path}/config.json can't be read: Permission denied" == search.fault
    assert "podman" == await password({**docker, "REGISTRY_AUTH_FILE": str(tmp_path / "auth.json")})


@pytest.mark.parametrize(("auths", "member"), [("AUTHS", "Auth"), ("auth\u017f", "AUTH")])
async def test_members_are_found_as_docker_finds_them(tmp_path: Path, auths: str, member: str) -> None:
    """In any case; keys that name registries are data."""
    entry = {member: b64encode(b"me:secret").decode()}
    (tmp_path / "config.json").write_text(json.dumps({auths: {"r.example": entry}}))
    assert "secret" == await password({"DOCKER_CONFIG": str(tmp_path)})


@pytest.mark.parametrize(
    "document", ['{"auths": {}, "Auths": {}}', '{"auths": {"r.example": {"auth": "a", "Auth": "b"}}}']
)
async def test_a_member_that_is_there_twice_is_an_error(tmp_path: Path, document: str) -> None:
    """It says which file; the values are secret."""
    (tmp_path / "config.json").write_text(document)
    with pytest.raises(RegistryAuthError, match=r"config.json.* is there twice"):
        await password({"DOCKER_CONFIG": str(tmp_path)})
