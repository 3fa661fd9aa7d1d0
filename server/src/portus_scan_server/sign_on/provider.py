"""The provider: what it says of itself, its keys, its tokens; whether a token is for us, of now, and for this browser.

A token is believed that is signed by one of the provider's public keys with an algorithm of the configuration's list,
and whose issuer, audience, time and nonce are right. Its keys come from the provider alone, never from a token.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote_plus

import aiohttp
from attrs import frozen
from portus_images import PortusError, class_name, one_line
from yarl import URL

from ..access import SessionPerson, SignOnSettings
from ..addresses import make_socket

logger = logging.getLogger("portus_scan_server.sign_on")

_TIMEOUT = aiohttp.ClientTimeout(total=10.0)
_JSON = {"Accept": "application/json"}
_LARGEST = 256 * 1024
"""Bytes of an answer."""
_KEPT = 3_600.0
"""Seconds for which is remembered what the provider says of itself, and its keys."""
_KEYS_AGAIN = 60.0
"""Seconds after which its keys are asked for again for a token whose key is not known."""
_LEEWAY = 60
"""Seconds that two clocks may differ."""
_OLDEST = 600
"""Seconds; a token that was issued earlier was not issued for this."""
_LONGEST_NAME = 200
_MOST_GROUPS = 500


class SignOnError(PortusError):
    """Somebody can't be signed in; the message says why, and nothing that is secret."""


@frozen(kw_only=True)
class _Metadata:
    authorization: str
    token: str
    jwks: str
    says_issuer: bool


class Provider:
    """Asks a provider.

    Args:
        settings: The section ``access.sign_on:``.
        redirect_url: Where the provider sends people back to.
        clock: Seconds since 1970.
    """

    def __init__(self, settings: SignOnSettings, redirect_url: str, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._redirect_url = redirect_url
        self._clock = clock
        self._metadata: tuple[float, _Metadata] | None = None
        self._keys: tuple[float, Any] | None = None
        self._lock = asyncio.Lock()

    async def make_url(self, state: str, nonce: str, challenge: str) -> str:
        """Return where somebody is sent to sign in.

        Raises:
            SignOnError: The provider does not say.
        """
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._redirect_url,
            "scope": " ".join(dict.fromkeys(("openid", *self._settings.scopes))),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return str(URL((await self._load_metadata()).authorization).update_query(query))

    async def identify(self, code: str, verifier: str, nonce: str, issuer: str | None) -> SessionPerson:
        """Return who has signed in.

        Raises:
            SignOnError: The provider does not say, or not in a way that is believed.
        """
        metadata = await self._load_metadata()
        if issuer != self._settings.issuer and (issuer is not None or metadata.says_issuer):
            raise SignOnError("the answer is another provider's")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_url,
            "code_verifier": verifier,
        }
        account = f"{quote_plus(self._settings.client_id)}:{quote_plus(self._settings.client_secret.reveal())}"
        known = {"Authorization": f"Basic {base64.b64encode(account.encode()).decode()}"}
        answer = await self._ask("POST", metadata.token, known, data=form)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise SignOnError("the provider gives no token")
        return self._person(self._check(await self._decode(token, metadata), nonce))

    async def _decode(self, token: str, metadata: _Metadata) -> Mapping[str, Any]:
        """Return the claims of a token whose signature is right."""
        from joserfc import jwt
        from joserfc.errors import JoseError

        fault: Exception | None = None
        for newer_than in (self._clock() - _KEPT, self._clock() - _KEYS_AGAIN):  # the provider may have a new key
            keys = await self._load_keys(metadata, newer_than)
            try:
                return jwt.decode(token, keys, algorithms=list(self._settings.algorithms)).claims
            except (JoseError, ValueError, TypeError) as error:
                fault = error
        raise SignOnError(f"the token is not valid: {class_name(fault)}") from fault

    def _check(self, claims: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
        """Return the claims if they are for us, of now and for this browser."""
        now, client = self._clock(), self._settings.client_id
        audience = claims.get("aud")
        audiences = [audience] if isinstance(audience, str) else audience
        faults = {
            "iss": claims.get("iss") != self._settings.issuer,
            "aud": not isinstance(audiences, list) or client not in audiences,
            "azp": claims.get("azp", client) != client,
            "azp, which several audiences need": isinstance(audience, list)
            and len(audience) > 1
            and "azp" not in claims,
            "exp": not _is_number(claims.get("exp")) or claims["exp"] <= now - _LEEWAY,
            "nbf": not _is_number(claims.get("nbf", 0)) or claims.get("nbf", 0) > now + _LEEWAY,
            "iat": not _is_number(claims.get("iat")) or not now - _OLDEST <= claims["iat"] <= now + _LEEWAY,
            "nonce": claims.get("nonce") != nonce,
            "sub": not isinstance(claims.get("sub"), str) or not claims["sub"],
        }
        wrong = [name for name, is_wrong in faults.items() if is_wrong]
        if wrong:
            raise SignOnError(f"the token is not for this sign-on: {', '.join(wrong)}")
        return claims

    def _person(self, claims: Mapping[str, Any]) -> SessionPerson:
        name = claims.get(self._settings.user_claim)
        if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
            raise SignOnError(f"the token has no name in {self._settings.user_claim}")
        groups = claims.get(self._settings.groups_claim, [])
        groups = [groups] if isinstance(groups, str) else groups
        if not isinstance(groups, list) or not all(isinstance(one, str) for one in groups):
            raise SignOnError(f"{self._settings.groups_claim} of the token is not a list of groups")
        return SessionPerson(name=name, groups=tuple(groups[:_MOST_GROUPS]))

    async def _load_metadata(self) -> _Metadata:
        async with self._lock:
            if self._metadata is None or self._metadata[0] <= self._clock() - _KEPT:
                where = f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration"
                said = await self._ask("GET", where)
                if said.get("issuer") != self._settings.issuer:
                    raise SignOnError("the provider calls itself something else than access.sign_on.issuer")
                names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
                found = [self._address(said.get(name), name) for name in names]
                says_issuer = said.get("authorization_response_iss_parameter_supported") is True
                metadata = _Metadata(authorization=found[0], token=found[1], jwks=found[2], says_issuer=says_issuer)
                self._metadata = self._clock(), metadata
            return self._metadata[1]

    def _address(self, value: object, name: str) -> str:
        """Return an address of the provider's; as safe as its own."""
        scheme = URL(self._settings.issuer).scheme
        if not isinstance(value, str) or URL(value).scheme not in {"https", scheme} or not URL(value).host:
            raise SignOnError(f"the provider's {name} is not an address that begins with https://")
        return value

    async def _load_keys(self, metadata: _Metadata, newer_than: float) -> Any:
        """Return the provider's public keys; of several the right one is named by the token."""
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet, import_key

        async with self._lock:
            if self._keys is None or self._keys[0] <= newer_than:
                said = (await self._ask("GET", metadata.jwks)).get("keys")
                found = []
                for one in said if isinstance(said, list) else ():
                    if not isinstance(one, dict) or one.get("kty") == "oct" or one.get("use", "sig") != "sig":
                        continue
                    try:
                        found.append(import_key(one))
                    except (JoseError, ValueError, TypeError, KeyError):
                        logger.warning("a key of the provider can't be read")
                if not found:
                    raise SignOnError("the provider names no key")
                self._keys = self._clock(), found[0] if len(found) == 1 else KeySet(found)
            return self._keys[1]

    async def _ask(self, method: str, url: str, headers: Mapping[str, str] = _JSON, **more: Any) -> Mapping[str, Any]:
        """Return the object that the provider answers with."""
        try:
            async with (
                aiohttp.ClientSession(
                    connector=aiohttp.TCPConnector(socket_factory=make_socket), timeout=_TIMEOUT, trust_env=True
                ) as http,
                http.request(method, url, allow_redirects=False, headers={**_JSON, **headers}, **more) as got,
            ):
                body = await got.content.read(_LARGEST + 1)
                while len(body) <= _LARGEST and (part := await got.content.read(_LARGEST + 1 - len(body))):
                    body += part
                status = got.status
        except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as error:
            raise SignOnError(f"the provider does not answer: {class_name(error)}") from error
        try:
            said = json.loads(body) if len(body) <= _LARGEST else None
        except (ValueError, RecursionError):
            said = None
        if status != 200 or not isinstance(said, dict):  # noqa: PLR2004
            why = one_line(str(said.get("error")), 100) if isinstance(said, dict) and said.get("error") else "not JSON"
            raise SignOnError(f"the provider answers {URL(url).path} with {status}: {why}")
        return said


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
