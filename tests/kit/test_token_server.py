"""The token endpoint: who gets a token, and what the answer says."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest
from portus_scanners_testing.registry import TokenAccess, TokenIssuer, TokenServer, TokenService
from standins.registry_client import basic, get

SCOPE = "?service=s&scope=repository:team/app:pull,push"


async def ask(
    http: aiohttp.ClientSession, service: TokenService, authorization: str = ""
) -> tuple[int, dict[str, Any]]:
    """Ask for a token for team/app; return status and document."""
    async with TokenServer(service) as server:
        got = await get(http, server.realm + SCOPE, authorization=authorization)
    return got.status, json.loads(got.body)


async def test_answer_has_all_keys_unless_told(http: aiohttp.ClientSession) -> None:
    """Registries differ in what they send: keys can be left out."""
    service = TokenService(TokenIssuer(lifetime=90, clock=lambda: 1_700_000_000.5))
    _, full = await ask(http, service, basic())
    service.left_out = {"token", "expires_in", "issued_at"}
    _, short = await ask(http, service, basic())
    expected = {"token": "made-up-token-1", "access_token": "made-up-token-1", "expires_in": 90}
    assert {**expected, "issued_at": "2023-11-14T22:13:20Z"} == full
    assert {"access_token": "made-up-token-2"} == short


@pytest.mark.parametrize(
    ("anonymous", "authorization", "status", "actions"),
    [
        (False, "", 401, None),
        (True, "", 200, {"pull"}),
        (True, basic(password="wrong"), 401, None),
        (False, basic(), 200, {"pull", "push"}),
    ],
)
async def test_who_gets_what(
    http: aiohttp.ClientSession, anonymous: bool, authorization: str, status: int, actions: set[str] | None
) -> None:
    """Anonymous clients get pull where they get anything; a wrong password is never anonymous."""
    service = TokenService(anonymous=anonymous)
    actual, _ = await ask(http, service, authorization)
    granted = [access.actions for token in service.issuer.issued for access in token.access]
    assert (status, [frozenset(actions)] if actions else []) == (actual, granted)


async def test_denied_repository_gets_a_token_for_nothing(http: aiohttp.ClientSession) -> None:
    """The answer is 200 all the same."""
    service = TokenService()
    service.denied.add("team/app")
    status, _ = await ask(http, service, basic())
    assert (200, ()) == (status, service.issuer.issued[0].access)


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"grant_type": "password", "username": "user", "password": "opensesame"}, 200),
        ({"grant_type": "password", "username": "user", "password": "wrong"}, 401),
        ({"grant_type": "refresh_token", "refresh_token": "identity"}, 200),
        ({"grant_type": "refresh_token", "refresh_token": ""}, 401),
    ],
)
async def test_oauth2_form(http: aiohttp.ClientSession, form: dict[str, str], status: int) -> None:
    """POST with a password or an identity token."""
    service = TokenService(identity_token="identity")
    async with TokenServer(service) as server:
        async with http.post(server.realm, data={**form, "scope": "repository:team/app:pull"}) as response:
            assert status == response.status
        elsewhere = await get(http, f"{server.url}/other")
    assert 404 == elsewhere.status


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("repository:team/app:pull,push", TokenAccess(repository="team/app", actions=frozenset({"pull", "push"}))),
        ("repository:host:5000/app:pull", TokenAccess(repository="host:5000/app", actions=frozenset({"pull"}))),
        ("registry:catalog:*", TokenAccess(repository="catalog", actions=frozenset({"*"}), kind="registry")),
        ("repository:pull", None),
        ("", None),
    ],
)
def test_scopes(scope: str, expected: TokenAccess | None) -> None:
    """Other kinds of scope are nothing to a repository."""
    assert expected == TokenAccess.parse(scope)
