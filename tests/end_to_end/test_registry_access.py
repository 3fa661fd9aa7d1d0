"""Real registries of every kind: credentials from every source, TLS, redirects, two addresses, nothing let out."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from portus_scanners_testing.images import debian_image, debian_layer, many_layers_image
from standins.certificates import make_certificate
from standins.clair import StandInClair
from standins.docker_registry import Auth, DockerRegistry
from standins.programs import run
from standins.proxy import StandInProxy
from standins.redirecting_proxy import RedirectingProxy

from .command import Ended, portus_scan, write_config

pytestmark = [pytest.mark.real_registry, pytest.mark.usefixtures("real_registry_programs")]

IMAGE = debian_image({"bash": "5.2-1"})


async def scan(
    clair: StandInClair,
    folder: Path,
    reference: str,
    registries: Mapping[str, Any] | None = None,
    *options: str,
    **environ: str,
) -> Ended:
    """Scan one image with Clair."""
    security = {"clair": {"server": clair.url, "health_port": clair.health_port}}
    config = write_config(folder / "config.yml", security, registries)
    return await portus_scan(*options, "image", "--config", config, "-o", "json", reference, environ=environ)


def assert_scanned(ended: Ended) -> None:
    """Clair has seen the image."""
    assert (0, [{"clair": "ok"}]) == (ended.code, ended.outcomes), ended.stderr
    assert ["vulnerable"] == [report["verdict"] for report in ended.document["reports"]]


@pytest.mark.parametrize("auth", ["htpasswd", "token"])
async def test_a_log_in_of_skopeo_is_good_enough(clair: StandInClair, tmp_path: Path, auth: Auth) -> None:
    """What the real program wrote into podman's ``auth.json`` is read."""
    path = tmp_path / "auth.json"
    async with DockerRegistry(auth=auth) as registry:
        await registry.push("team/app", "1", IMAGE)
        login = ("skopeo", "login", "--authfile", str(path), "--tls-verify=false", "--username", registry.username)
        await run(*login, "--password-stdin", registry.host, feed=registry.password.encode())
        reference = registry.reference("team/app", "1")
        refused = await scan(clair, tmp_path, reference)
        scanned = await scan(clair, tmp_path, reference, REGISTRY_AUTH_FILE=str(path))

    assert_scanned(scanned)
    assert 4 == refused.code
    assert f"docker login {registry.host}, or registries: {registry.host}: in the configuration" in refused.stderr


@pytest.mark.parametrize("auth", ["htpasswd", "token"])
async def test_a_credential_helper_is_asked(clair: StandInClair, tmp_path: Path, auth: Auth) -> None:
    """By the real command, in a process of its own, with nothing secret in its arguments."""
    program = tmp_path / "docker-credential-canned"
    async with DockerRegistry(auth=auth) as registry:
        await registry.push("team/app", "1", IMAGE)
        answer = json.dumps({"Username": registry.username, "Secret": registry.password})
        program.write_text(
            f"#!{sys.executable} -I\nimport sys\n"
            f"open({str(tmp_path / 'call')!r}, 'w').write(repr((sys.argv[1:], sys.stdin.read())))\nprint({answer!r})\n"
        )
        program.chmod(0o755)
        (tmp_path / "config.json").write_text(json.dumps({"credHelpers": {registry.host: "canned"}}))
        environ = {"DOCKER_CONFIG": str(tmp_path), "PATH": str(tmp_path)}
        ended = await scan(clair, tmp_path, registry.reference("team/app", "1"), **environ)

    assert_scanned(ended)
    assert repr((["get"], registry.host)) == (tmp_path / "call").read_text()


async def test_a_secret_in_a_file_or_a_variable(clair: StandInClair, tmp_path: Path) -> None:
    """Both are read by the command."""
    async with DockerRegistry(auth="token") as registry:
        await registry.push("team/app", "1", IMAGE)
        reference = registry.reference("team/app", "1")
        (tmp_path / "password").write_text(f"{registry.password}\n")
        by_file = {"username": registry.username, "password_file": str(tmp_path / "password")}
        by_variable = {"username": registry.username, "password_env": "REGISTRY_PASSWORD"}
        assert_scanned(await scan(clair, tmp_path, reference, {registry.host: by_file}))
        found = await scan(
            clair, tmp_path, reference, {registry.host: by_variable}, REGISTRY_PASSWORD=registry.password
        )

    assert_scanned(found)


async def test_an_identity_token_is_exchanged(clair: StandInClair, tmp_path: Path) -> None:
    """For tokens that the real registry believes; each renewal is a POST."""
    async with DockerRegistry(auth="token") as registry:
        assert registry.token_server is not None
        registry.token_server.service.identity_token = "made-up-refresh-token"
        await registry.push("team/app", "1", IMAGE)
        before = len(registry.token_server.requests)
        settings = {registry.host: {"identity_token": "made-up-refresh-token"}}
        ended = await scan(clair, tmp_path, registry.reference("team/app", "1"), settings)
        methods = {request.method for request in registry.token_server.requests[before:]}

    assert_scanned(ended)
    assert {"POST"} == methods


async def test_a_registry_with_its_own_authority_and_client_certificates(clair: StandInClair, tmp_path: Path) -> None:
    """Both are checked by the real registry; without either the error names the setting.

    The backend cannot be given a certificate, so it reaches the registry by another address, here a plain one.
    """
    server, ours = await make_certificate(tmp_path / "server"), await make_certificate(tmp_path / "ours")
    async with DockerRegistry() as plain, DockerRegistry(certificate=server, client_ca=ours) as registry:
        for one in (plain, registry):
            await one.push("team/app", "1", IMAGE)
        reference = registry.reference("team/app", "1")
        authority = {"ca_file": str(server.certificate_file)}
        both = {"client_cert": str(ours.certificate_file), "client_key": str(ours.key_file)}
        good = await scan(clair, tmp_path, reference, {registry.host: {**authority, **both, "backend_url": plain.url}})
        unknown = await scan(clair, tmp_path, reference, {registry.host: both})
        unseen = await scan(clair, tmp_path, reference, {registry.host: authority})

    assert_scanned(good)
    assert (4, True) == (unknown.code, "ca_file" in unknown.stderr), unknown.stderr
    assert (4, True) == (unseen.code, "client_cert" in unseen.stderr), unseen.stderr


@pytest.mark.parametrize("auth", ["open", "htpasswd", "token"])
async def test_a_registry_whose_blobs_are_elsewhere(clair: StandInClair, tmp_path: Path, auth: Auth) -> None:
    """Each blob is a redirect to a signed address, where nobody sends the credentials."""
    image = many_layers_image(debian_layer({"bash": "5.2-1"}), 5)
    async with DockerRegistry(auth=auth) as registry, RedirectingProxy(registry.url) as front:
        await registry.push("team/app", "1", image)
        settings = {front.host: {"username": registry.username, "password": registry.password}}
        ended = await scan(clair, tmp_path, f"{front.host}/team/app:1", settings if registry.credentials else {})

    assert_scanned(ended)
    assert len(front.storage.requests) >= 5
    assert [] == [request for request in front.storage.requests if "Authorization" in request.headers]
    assert (registry.credentials is not None) == any("Authorization" in request.headers for request in front.requests)


@pytest.mark.parametrize("auth", ["open", "htpasswd", "token"])
async def test_a_backend_has_an_address_of_its_own(clair: StandInClair, tmp_path: Path, auth: Auth) -> None:
    """The image has the registry's public name, we go one way, the backend another."""
    async with DockerRegistry(auth=auth) as registry:
        await registry.push("team/app", "1", IMAGE)
        backend = registry.url.replace("127.0.0.1", "localhost")
        settings = {"url": registry.url, "backend_url": backend}
        if registry.credentials:
            settings |= {"username": registry.username, "password": registry.password}
        ended = await scan(clair, tmp_path, "registry.example/team/app:1", {"registry.example": settings})

    assert_scanned(ended)
    assert "registry.example/team/app:1" in json.dumps(ended.document["reports"][0]["image"])
    assert {backend} == {post.path.partition("/v2/")[0] for post in clair.posts}


async def test_a_registry_behind_a_proxy(clair: StandInClair, tmp_path: Path) -> None:
    """Our own requests go through it; the backend goes its own way."""
    async with DockerRegistry(auth="htpasswd") as registry, StandInProxy(registry.host, credentials="me:pw") as proxy:
        await registry.push("team/app", "1", IMAGE)
        settings = {
            "username": registry.username,
            "password": registry.password,
            "url": "http://registry.example:5000",
            "backend_url": registry.url,
        }
        ended = await scan(
            clair, tmp_path, "registry.example/team/app:1", {"registry.example": settings}, HTTP_PROXY=proxy.url
        )

    assert_scanned(ended)
    assert proxy.requests


@pytest.mark.parametrize("auth", ["htpasswd", "token"])
@pytest.mark.parametrize("right", [True, False])
async def test_the_command_lets_no_secret_out(clair: StandInClair, tmp_path: Path, auth: Auth, right: bool) -> None:
    """With the whole log on stderr, asyncio in debug mode: neither password nor token nor header, right or wrong."""
    async with DockerRegistry(auth=auth) as registry:
        await registry.push("team/app", "1", IMAGE)
        password = registry.password if right else "wrong-canary"
        settings = {registry.host: {"username": registry.username, "password": password}}
        reference = registry.reference("team/app", "1")
        ended = await scan(clair, tmp_path, reference, settings, "--verbose", PYTHONASYNCIODEBUG="1")
        tokens = [token.value for token in registry.issued]

    written = ended.stdout + ended.stderr
    assert (0 if right else 4) == ended.code
    assert "portus_images.registry" in ended.stderr
    assert [] == [one for one in (password, *tokens, "Authorization", "Bearer ", "Basic ") if one in written]
