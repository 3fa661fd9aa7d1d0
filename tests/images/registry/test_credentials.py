"""Which credentials are found for which registry."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import pytest
from portus_images import RegistrySettings
from portus_images.registry.credentials import CredentialStore
from portus_images.registry.hosts import HostSettings
from portus_scanners import RegistryAuthError, Secret


def auth(pair: str) -> dict[str, str]:
    """Return an entry as ``docker login`` writes it."""
    return {"auth": b64encode(pair.encode()).decode()}


def write(folder: Path, auths: Any, **members: Any) -> None:
    """Write Docker's file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"auths": auths, **members}))


async def find(registry: str, folder: Path, registries: dict[str, RegistrySettings] | None = None) -> str | None:
    """Return ``name:password`` for a registry."""
    store = CredentialStore(HostSettings(registries or {}), {"DOCKER_CONFIG": str(folder)})
    found = (await store.find(registry, "team/app")).credentials
    return f"{found.username}:{found.password.reveal()}" if found else None


async def test_the_configuration_comes_before_dockers_file(tmp_path: Path) -> None:
    """What is set for this program wins; where only a CA file is set, Docker's credentials are taken."""
    write(tmp_path, {"r.example": auth("docker:1"), "s.example": auth("docker:2")})
    registries = {
        "R.example": RegistrySettings(username="ours", password=Secret("3")),
        "s.example": RegistrySettings(ca_file="ca.pem"),
    }

    assert "ours:3" == await find("r.example", tmp_path, registries)
    assert "docker:2" == await find("s.example", tmp_path, registries)


@pytest.mark.parametrize(
    ("key", "registry"),
    [
        ("r.example", "r.example"),
        ("r.example:5000", "r.example:5000"),
        ("https://r.example", "r.example"),
        ("https://r.example/", "r.example"),
        ("http://r.example:5000/v2/", "r.example:5000"),
        ("https://r.example/v1/", "r.example"),
        ("R.Example", "r.example"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("index.docker.io", "docker.io"),
        ("docker.io", "docker.io"),
        ("registry-1.docker.io", "docker.io"),
    ],
)
async def test_a_registrys_entry_is_found_under_every_name_that_docker_gave_it(
    tmp_path: Path, key: str, registry: str
) -> None:
    """Old files have URLs for keys; Docker Hub's key is one to this day."""
    write(tmp_path, {"other.example": auth("x:y"), key: auth("me:pass:word")})

    assert "me:pass:word" == await find(registry, tmp_path)


@pytest.mark.parametrize("key", ["r.example:5000", "r.example/team", "xr.example", "example", "https://r.example/team"])
async def test_an_entry_of_another_host_or_of_a_part_of_it_is_not_taken(tmp_path: Path, key: str) -> None:
    """Credentials never go to a host that they were not given for."""
    write(tmp_path, {key: auth("me:password")})

    assert await find("r.example", tmp_path) is None


async def test_the_exact_key_comes_first(tmp_path: Path) -> None:
    """Whatever the order in the file."""
    write(tmp_path, {"https://r.example/v1/": auth("old:1"), "r.example": auth("new:2")})

    assert "new:2" == await find("r.example", tmp_path)


async def test_name_and_password_may_stand_apart(tmp_path: Path) -> None:
    """As other programs than Docker's write them; NULs at the end are Docker's padding."""
    write(tmp_path, {"r.example": {"username": "a", "password": "b"}, "s.example": auth("c:d\0\0")})

    assert "a:b" == await find("r.example", tmp_path)
    assert "c:d" == await find("s.example", tmp_path)


@pytest.mark.parametrize(
    "entry", [{}, {"auth": ""}, {"auth": None}, "x", None, [], {"username": "a"}, {"password": "b"}]
)
async def test_an_entry_without_credentials_has_none(tmp_path: Path, entry: Any) -> None:
    """With a credential store Docker leaves an empty entry."""
    write(tmp_path, {"r.example": entry}, credsStore="desktop")

    assert await find("r.example", tmp_path) is None


@pytest.mark.parametrize("environ", [{}, {"HOME": ""}, {"DOCKER_CONFIG": "/nonexistent"}, {"HOME": "/nonexistent"}])
async def test_without_a_file_there_are_no_credentials(environ: dict[str, str]) -> None:
    """That is no error."""
    assert (await CredentialStore(HostSettings({}), environ).find("r.example", "app")).credentials is None


async def test_the_file_is_in_the_home_where_docker_config_is_not_set(tmp_path: Path) -> None:
    """``~/.docker/config.json``, read anew each time."""
    store = CredentialStore(HostSettings({}), {"HOME": str(tmp_path)})
    assert (await store.find("r.example", "app")).credentials is None

    write(tmp_path / ".docker", {"r.example": auth("me:later")})
    found = (await store.find("r.example", "app")).credentials

    assert found is not None
    assert "later" == found.password.reveal()


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"auths": [1]}', b'{"auths": 5}', b"\xff", b"[" * 100_000])
async def test_a_file_that_cannot_be_read_is_an_error_that_names_it(tmp_path: Path, text: bytes) -> None:
    """Somebody meant to log in: silence would look like a lack of rights."""
    (tmp_path / "config.json").write_bytes(text)

    with pytest.raises(RegistryAuthError, match=r"config\.json can't be read"):
        await find("r.example", tmp_path)


async def test_an_endless_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    """A megabyte is enough for everybody."""
    (tmp_path / "config.json").write_text('{"auths": {}, "x": "' + "x" * 1024 * 1024 + '"}')

    with pytest.raises(RegistryAuthError, match=r"config\.json"):
        await find("r.example", tmp_path)


@pytest.mark.parametrize("value", ["!", "bm9jb2xvbg==", "/////w==", 5, "dXNlcjpz\t"])
async def test_an_auth_that_is_none_is_an_error_without_its_content(tmp_path: Path, value: Any) -> None:
    """It is named by its place, and the error's chain holds nothing of it."""
    write(tmp_path, {"r.example": {"auth": value}})

    with pytest.raises(RegistryAuthError, match="log in again") as caught:
        await find("r.example", tmp_path)

    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("a\n", "secret"),
        ("a", "b\x00c"),
        ("a:b", "secret"),
        ("a", "\ud800"),
        ("\x7f", "secret"),
    ],
)
async def test_credentials_that_would_break_out_of_the_header_are_refused(
    tmp_path: Path, username: str, password: str
) -> None:
    """The error names where they come from, and not the password."""
    write(tmp_path, {"r.example": {"username": username, "password": password}})

    with pytest.raises(RegistryAuthError, match="fix them") as caught:
        await find("r.example", tmp_path)

    assert password not in str(caught.value)


async def test_a_password_may_be_a_whole_file(tmp_path: Path) -> None:
    """As Google's is; in the header it is Base64 in one line."""
    password = '{\r\n  "type": "service_account"\n}'
    write(tmp_path, {"r.example": auth(f"_json_key:{password}")})
    store = CredentialStore(HostSettings({}), {"DOCKER_CONFIG": str(tmp_path)})
    found = (await store.find("r.example", "app")).credentials

    assert found is not None
    grant = found.make_basic()
    assert grant is not None
    assert (password, True) == (found.password.reveal(), grant.header.reveal().isprintable())


async def test_the_header_is_that_of_basic_authentication(tmp_path: Path) -> None:
    """UTF-8, base64; nothing of it in any text of the objects."""
    settings = HostSettings({"r.example": RegistrySettings(username="jürgen", password=Secret("pass:wörd"))})
    found = (await CredentialStore(settings, {}).find("r.example", "app")).credentials

    assert found is not None
    grant = found.make_basic()
    assert grant is not None
    kind, _, encoded = grant.header.reveal().partition(" ")
    assert ("Basic", "jürgen:pass:wörd") == (kind, b64decode(encoded).decode())
    assert "wörd" not in f"{found!r} {grant!r} {found} {grant}"
    assert encoded not in f"{found!r} {grant!r} {found} {grant}"
