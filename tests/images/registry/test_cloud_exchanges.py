"""What only a cloud's registry or a large product does: replayed from documented exchanges, not tried against them.

Challenges and answers are those that the products' documentation and public reports show; hosts are put on loopback,
tokens are made up. Sources: Docker Hub, "Docker Registry token authentication", "Pull usage and limits"; GitHub,
"Working with the Container registry"; AWS, "Private registry authentication", "Public registries"; Google, "Configure
authentication to Artifact Registry for Docker"; Azure, ``AAD-OAuth.md`` of ``azure/acr``; Quay, "Robot accounts";
Harbor, "Create Robot Accounts"; GitLab, "Container registry authorization"; JFrog's and Sonatype's manuals.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from attrs import field, frozen
from portus_images import RegistrySettings
from portus_scanners import Image, RegistryAuthError, RegistryUnavailableError, Secret
from portus_scanners_testing import ScriptedServer

from .conftest import BUILT, MANIFEST, Connect, reference_on

JSON_KEY = '{\n  "type": "service_account",\n  "private_key": "-----BEGIN PRIVATE KEY-----\\nabc\\n"\n}\n'
"""What Google calls a password: a whole file."""


@frozen(kw_only=True)
class Exchange:
    """How one registry lets us in."""

    name: str
    challenges: tuple[str, ...]
    """The headers; ``HOST`` stands for where the registry is."""
    path: str = ""
    """The realm's."""
    answer: Mapping[str, Any] = field(factory=dict)
    username: str = ""
    password: str = ""
    service: str = ""


TOKEN = "eyJhbGciOiJSUzI1NiJ9.e30.made-up_signature"
AT = "2024-05-05T05:05:05.123456789Z"
EXCHANGES = [
    Exchange(
        name="Docker Hub, anonymous",
        challenges=('Bearer realm="HOST/token",service="registry.docker.io",scope="repository:team/app:pull"',),
        path="/token",
        answer={"token": TOKEN, "access_token": TOKEN, "expires_in": 300, "issued_at": AT},
        service="registry.docker.io",
    ),
    Exchange(
        name="GitHub: no time in the answer",
        challenges=('Bearer realm="HOST/token",service="ghcr.io",scope="repository:team/app:pull"',),
        path="/token",
        answer={"token": TOKEN},
        username="somebody",
        password="ghp_madeup",
        service="ghcr.io",
    ),
    Exchange(
        name="Amazon ECR: Basic, with a service",
        challenges=('Basic realm="HOST/",service="ecr.amazonaws.com"',),
        username="AWS",
        password="made-up" * 300,
    ),
    Exchange(
        name="Amazon ECR Public: a scope of its own, a realm with a slash at the end",
        challenges=('Bearer realm="HOST/token/",service="public.ecr.aws",scope="aws"',),
        path="/token/",
        answer={"token": TOKEN},
        service="public.ecr.aws",
    ),
    Exchange(
        name="Google: a file for a password",
        challenges=('Bearer realm="HOST/v2/token",service="pkg.dev",scope="repository:team/app:pull"',),
        path="/v2/token",
        answer={"token": TOKEN, "expires_in": 3600, "issued_at": AT},
        username="_json_key",
        password=JSON_KEY,
        service="pkg.dev",
    ),
    Exchange(
        name="Azure: access_token alone",
        challenges=('Bearer realm="HOST/oauth2/token",service="made.azurecr.io",scope="repository:team/app:pull"',),
        path="/oauth2/token",
        answer={"access_token": TOKEN},
        username="00000000-0000-0000-0000-000000000000",
        password="made-up",
        service="made.azurecr.io",
    ),
    Exchange(
        name="Quay: a robot with a plus",
        challenges=('Bearer realm="HOST/v2/auth",service="quay.io",scope="repository:team/app:pull"',),
        path="/v2/auth",
        answer={"token": TOKEN},
        username="team+robot",
        password="MADEUP",
        service="quay.io",
    ),
    Exchange(
        name="Harbor: a robot with a dollar, an empty access_token",
        challenges=('Bearer realm="HOST/service/token",service="harbor-registry",scope="repository:team/app:pull"',),
        path="/service/token",
        answer={"token": TOKEN, "access_token": "", "expires_in": 1800, "issued_at": AT},
        username="robot$team+scanner",
        password="made-up",
        service="harbor-registry",
    ),
    Exchange(
        name="GitLab: an error in the first challenge",
        challenges=(
            'Bearer realm="HOST/jwt/auth",service="container_registry",scope="repository:team/app:pull",'
            'error="invalid_token"',
        ),
        path="/jwt/auth",
        answer={"token": TOKEN},
        username="gitlab-ci-token",
        password="made-up",
        service="container_registry",
    ),
    Exchange(
        name="Artifactory: two headers, the useful one second",
        challenges=('Basic realm="Artifactory Realm"', 'Bearer realm="HOST/v2/token",service="art.example:443"'),
        path="/v2/token",
        answer={"token": TOKEN, "expires_in": 3600},
        username="me",
        password="made-up",
        service="art.example:443",
    ),
    Exchange(
        name="Nexus: capitals, Basic",
        challenges=('BASIC realm="Sonatype Nexus Repository Manager"',),
        username="me",
        password="made-up",
    ),
    Exchange(
        name="A proxy in front that adds its own: all in one header",
        challenges=(
            'Negotiate, NTLM TlRMTVNTUA==, Bearer realm="HOST/token",service="a \\"quoted\\", name", '
            'scope="repository:team/app:pull,push", Basic realm="x, y"',
        ),
        path="/token",
        answer={"token": TOKEN},
        service='a "quoted", name',
    ),
]


def build(server: ScriptedServer, exchange: Exchange) -> None:
    """Let a server behave like the registry."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if (scheme, value) == ("Bearer", TOKEN) or (scheme == "Basic" and not exchange.path):
            return web.Response(body=BUILT.manifest, content_type=BUILT.media_type)
        response = web.json_response({"errors": [{"code": "UNAUTHORIZED", "message": "no"}]}, status=401)
        for challenge in exchange.challenges:
            response.headers.add("WWW-Authenticate", challenge.replace("HOST", server.url))
        return response

    server.script("/v2/", answer)
    server.script(MANIFEST, answer)
    if exchange.path:
        server.script(exchange.path, dict(exchange.answer))


async def pull(connect: Connect, server: ScriptedServer, exchange: Exchange) -> Image:
    """Resolve the image with the exchange's account."""
    settings = RegistrySettings(username=exchange.username, password=Secret(exchange.password))
    client = connect({server.host: settings} if exchange.username else None)
    return await client.resolve(reference_on(server))


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.name)
async def test_a_documented_exchange_is_met(connect: Connect, exchange: Exchange) -> None:
    """Replayed: the realm is asked for pulling this repository, as this account, and the token is sent.

    None of these registries was reached.
    """
    async with ScriptedServer() as server:
        build(server, exchange)
        image = await pull(connect, server, exchange)
        asked = [request for request in server.requests if request.path == exchange.path]
        logins = [request.headers.get("Authorization") for request in asked] or server.asked(MANIFEST)[-1:]

    account = {"account": [exchange.username]} if exchange.username else {}
    expected = {"service": [exchange.service], "scope": ["repository:team/app:pull"], **account}
    assert BUILT.digest == image.digest
    assert [expected] * len(asked) == [parse_qs(request.query) for request in asked]
    assert bool(exchange.path) == bool(asked)
    pair = f"{exchange.username}:{exchange.password}" if exchange.username else None
    assert [pair] == [login and b64decode(login.partition(" ")[2]).decode() for login in logins]


async def test_docker_hubs_limit_says_when(connect: Connect) -> None:
    """Replayed: 429 with hours to wait; the registry's own words are in the message."""
    said = "You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit"
    body = {"errors": [{"code": "TOOMANYREQUESTS", "message": said}]}
    async with ScriptedServer() as server:
        server.script(MANIFEST, body, status=429, headers={"Retry-After": "17280"})
        with pytest.raises(RegistryUnavailableError, match=r"TOOMANYREQUESTS: You have .* again in 17280 s"):
            await connect().resolve(reference_on(server))


async def test_a_repository_that_is_hidden_looks_like_one_without_rights(connect: Connect) -> None:
    """Replayed: Docker Hub issues a token that allows nothing, then answers 401 with ``insufficient_scope``."""
    scope = 'scope="repository:team/app:pull",error="insufficient_scope"'
    async with ScriptedServer() as server:
        challenge = f'Bearer realm="{server.url}/token",service="registry.docker.io",{scope}'
        body = {"errors": [{"code": "UNAUTHORIZED", "message": "authentication required", "detail": [{"Type": "x"}]}]}
        server.script(MANIFEST, body, status=401, headers={"WWW-Authenticate": challenge})
        server.script("/token", {"token": TOKEN})
        with pytest.raises(RegistryAuthError, match=r"no credentials for 127.* check that team/app exists"):
            await connect().resolve(reference_on(server))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, {"errors": [{"code": "DENIED", "message": "Your account is suspended"}]}),
        (403, "<html>Forbidden</html>"),
        (401, {"errors": [{"code": "UNAUTHORIZED", "message": "unauthorized"}]}),
    ],
)
async def test_a_realm_that_refuses_is_a_step_of_its_own(connect: Connect, status: int, body: Any) -> None:
    """Replayed: GitHub and GitLab refuse the log-in at the realm, with a page or an object."""
    exchange = EXCHANGES[1]
    async with ScriptedServer() as server:
        build(server, exchange)
        server.script("/token", body, status=status)
        with pytest.raises(RegistryAuthError, match="refuses the credentials for somebody") as caught:
            await pull(connect, server, exchange)

    assert ("token", status) == (caught.value.step, caught.value.status)
