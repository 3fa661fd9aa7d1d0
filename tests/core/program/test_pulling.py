"""A program that pulls an image by itself gets the credentials for its registry, and no others."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

import pytest
from portus_images import (
    BlobAccess,
    Image,
    LocalReference,
    NotInRegistryError,
    Reference,
    Registry,
    RegistrySettings,
    Secret,
    docker_config,
)
from portus_scanners.backends import ProgramBackend
from portus_scanners_testing import PASSWORD, USERNAME, ProgramFault, ScriptedProgram, StandInContext, StandInRegistry
from portus_scanners_testing.images import debian_image
from portus_scanners_testing.registry import Auth


@pytest.mark.parametrize("auth", ["open", "basic", "token"])
async def test_it_can_pull(tmp_path: Path, auth: Auth) -> None:
    """Whatever the registry asks for, the program can pull the image, and its output does not show how."""
    program = ScriptedProgram(tmp_path)
    program.script("*/team/app*", "well")
    async with StandInRegistry(auth=auth) as registry:
        program.break_with(ProgramFault(pulls_from=registry.host))
        registry.push("team/app", "1", debian_image({"bash": "5.2-1"}))
        account = RegistrySettings(username=USERNAME, password=Secret(PASSWORD))
        async with (
            Registry({registry.host: account}, environ={}) as client,
            StandInContext(registry=client) as context,
        ):
            image = await client.resolve(Reference.parse(registry.reference("team/app", "1")))
            backend = ProgramBackend(context, str(program.path))
            pulled = await backend.run("scan", image.pull_name, pulls=image)
            program.break_with(ProgramFault(echo=True))
            told = await backend.run("scan", image.pull_name, pulls=image)
    assert (0, b"well") == (pulled.status, pulled.stdout), pulled.excerpt
    assert [] == [secret for secret in (PASSWORD, *(one.value for one in registry.issued)) if secret in told.excerpt]


async def test_without_credentials_it_is_not_let_in(tmp_path: Path) -> None:
    """The program that is not given them can't pull: the stand-in really asks the registry."""
    program = ScriptedProgram(tmp_path)
    program.script("*/team/app*", "well")
    async with StandInRegistry(auth="token") as registry, StandInContext() as context:
        program.break_with(ProgramFault(pulls_from=registry.host))
        registry.push("team/app", "1", debian_image({"bash": "5.2-1"}))
        name = registry.reference("team/app", "1")
        answer = await ProgramBackend(context, str(program.path)).run("scan", name)
    assert (1, True) == (answer.status, "no credentials for" in answer.excerpt)


async def test_a_local_image_can_not_be_pulled(tmp_path: Path) -> None:
    """No registry has it, so there is nothing to log in to."""
    program = ScriptedProgram(tmp_path)
    image = Image(reference=LocalReference.parse(f"oci:{tmp_path}"), digest=f"sha256:{'a' * 64}")
    async with StandInContext() as context:
        with pytest.raises(NotInRegistryError, match="is a local image"):
            await ProgramBackend(context, str(program.path)).run("scan", pulls=image)
    assert () == program.calls


BASIC = b64encode(b"me:hunter2").decode()


@pytest.mark.parametrize(
    ("registry", "headers", "auths", "secrets"),
    [
        ("r.example:5000", {}, {}, []),
        ("r.example:5000", {"Authorization": "Bearer t"}, {"r.example:5000": {"registrytoken": "t"}}, ["t"]),
        ("r.example", {"authorization": f"Basic {BASIC}"}, {"r.example": {"auth": BASIC}}, [BASIC, "hunter2"]),
        ("docker.io", {"Authorization": "Bearer t"}, {"https://index.docker.io/v1/": {"registrytoken": "t"}}, ["t"]),
    ],
)
def test_one_registry_in_dockers_form(
    registry: str, headers: dict[str, str], auths: dict[str, object], secrets: list[str]
) -> None:
    """The file has the credentials under the key that Docker uses; token and password are named, to be masked."""
    config, hidden = docker_config(registry, BlobAccess(url="http://x/", headers=headers))
    assert {"auths": auths} == json.loads(config.reveal())
    assert secrets == [one.reveal() for one in hidden]


def test_an_image_names_its_registry() -> None:
    """The registry's name has its port; Docker Hub's host is another one than its name."""
    images = [Image(reference=Reference.parse(name), digest=f"sha256:{'a' * 64}") for name in ("r.example:5000/a", "b")]
    assert [("r.example:5000", "r.example:5000"), ("docker.io", "registry-1.docker.io")] == [
        (image.registry, image.pull_host) for image in images
    ]
