"""Credentials from the configuration: given there, in a file, in an environment variable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from portus_images import RegistrySettings
from portus_images.registry.credentials import Credentials, CredentialStore
from portus_images.registry.hosts import HostSettings
from portus_scanners import RegistryAuthError, Secret, Settings, SettingsError


async def find(settings: RegistrySettings, **environ: str) -> Credentials | None:
    """Return what is found for ``r.example``."""
    store = CredentialStore(HostSettings({"r.example": settings}), environ)
    return (await store.find("r.example", "team/app")).credentials


@pytest.mark.parametrize("content", ["s3cret", "s3cret\n", "s3cret\r\n"])
async def test_a_password_may_stand_in_a_file(tmp_path: Path, content: str) -> None:
    """As orchestrators mount secrets; the line end of an editor does not belong to it."""
    path = tmp_path / "password"
    path.write_bytes(content.encode())
    found = await find(RegistrySettings(username="me", password_file=str(path)))

    assert found is not None
    assert ("me", "s3cret") == (found.username, found.password.reveal())


async def test_a_file_is_read_when_it_is_needed(tmp_path: Path) -> None:
    """A secret that was exchanged meanwhile is seen."""
    path = tmp_path / "password"
    path.write_text("old")
    store = CredentialStore(HostSettings({"r.example": RegistrySettings(username="me", password_file=str(path))}), {})
    await store.find("r.example", "app")
    path.write_text("new")
    found = (await store.find("r.example", "app")).credentials

    assert found is not None
    assert "new" == found.password.reveal()


async def test_a_password_may_stand_in_a_variable() -> None:
    """Of the environment that the client was made with."""
    found = await find(RegistrySettings(username="me", password_env="MY_PASSWORD"), MY_PASSWORD="s3cret")

    assert found is not None
    assert "s3cret" == found.password.reveal()


@pytest.mark.parametrize("kind", ["identity_token", "registry_token"])
async def test_tokens_may_be_given_in_the_same_ways(tmp_path: Path, kind: str) -> None:
    """Itself, in a file, in a variable."""
    path = tmp_path / "token"
    path.write_text("in-file\n")
    given: tuple[dict[str, Any], ...] = ({kind: Secret("given")}, {f"{kind}_file": str(path)}, {f"{kind}_env": "TOKEN"})
    found = [await find(RegistrySettings(**one), TOKEN="in-variable") for one in given]

    assert ["given", "in-file", "in-variable"] == [getattr(one, kind).reveal() for one in found]


async def test_a_variable_that_is_not_set_is_named() -> None:
    """With the key that names it."""
    with pytest.raises(
        RegistryAuthError, match=r"variable MY_PASSWORD is not set.*password_env of registries: r.example"
    ):
        await find(RegistrySettings(username="me", password_env="MY_PASSWORD"))


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "No such file"), (b"", "is empty"), (b"\xffcanary", "not UTF-8"), (b"x" * 70_000, "longer")],
)
async def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, words: str) -> None:
    """Without its content, in the message and in the chain."""
    path = tmp_path / "password"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RegistryAuthError, match=words) as caught:
        await find(RegistrySettings(username="me", password_file=str(path)))

    assert str(path) in str(caught.value)
    assert "canary" not in f"{caught.value.__cause__!r} {caught.value.__context__!r}"


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "é"])
async def test_a_token_that_would_break_out_of_a_header_is_refused(token: str) -> None:
    """The message does not repeat it."""
    with pytest.raises(RegistryAuthError, match="fix them") as caught:
        await find(RegistrySettings(registry_token=Secret(token)))

    assert token not in str(caught.value)


@pytest.mark.parametrize(
    ("section", "fault"),
    [
        ({"username": "a"}, "a username needs a password"),
        ({"password": "canary"}, "a password needs a username"),
        ({"password_env": "X"}, "a password needs a username"),
        (
            {"username": "a", "password": "canary", "password_file": "x"},
            "password and password_file say the same thing",
        ),
        ({"username": "a", "password": "canary", "registry_token": "canary"}, "exclude each other"),
        ({"username": "a", "password_env": "not a name"}, "password_env is the name of an environment variable"),
        ({"client_key": "x"}, "client_key needs a client_cert"),
        ({"url": "mirror.example"}, "url must be scheme, host and port"),
        ({"url": "https://mirror.example/v2"}, "url must be scheme, host and port"),
        ({"url": "ftp://mirror.example"}, "url must be scheme, host and port"),
        ({"url": "https://user:canary@mirror.example"}, "url must be scheme, host and port"),
        ({"backend_url": "http://registry:99999"}, "backend_url must be scheme, host and port"),
        ({"backend_url": "http://registry:5000?x"}, "backend_url must be scheme, host and port"),
        ({"backend_url": "http://[::1"}, "backend_url must be scheme, host and port"),
        ({"insecure": "perhaps"}, "insecure: expected true or false"),
    ],
)
def test_a_section_that_makes_no_sense_is_refused(section: dict[str, Any], fault: str) -> None:
    """Before anything is sent; no secret is shown."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_mapping({"registries": {"r.example": section}})

    assert "registries.r.example" in str(caught.value)
    assert fault in str(caught.value)
    assert "canary" not in str(caught.value)


def test_an_address_may_end_in_a_slash() -> None:
    """It is the same address."""
    settings = RegistrySettings(url="https://mirror.example:5000/", backend_url="http://[::1]:5000/")

    assert ("https://mirror.example:5000", "http://[::1]:5000") == (settings.url, settings.backend_url)
