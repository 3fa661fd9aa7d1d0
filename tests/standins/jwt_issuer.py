"""Tokens that the real registry believes: JSON Web Tokens, signed with the key whose certificate it was given.

Source: github.com/distribution/distribution, ``docs/spec/auth/jwt.md``; ``registry/auth/token`` of v2.8.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

from attrs import evolve
from portus_scanners_testing.registry import IssuedToken, TokenIssuer

from .certificates import Certificate, base64url

ISSUER = "stand-in issuer"


class JwtIssuer(TokenIssuer):
    """Hands out signed tokens; the registry allows 60 s more than the lifetime.

    Args:
        certificate: The registry's ``rootcertbundle``.
        lifetime: Seconds; may be changed at any time, below zero for tokens that are expired when they are issued.
        clock: Seconds since 1970.
    """

    def __init__(
        self, certificate: Certificate, *, lifetime: float = 300.0, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(lifetime=lifetime, clock=clock)
        self._certificate = certificate

    async def sign(self, token: IssuedToken) -> IssuedToken:
        """Return the token as header, claims and signature."""
        chain = [base64.b64encode(self._certificate.der()).decode()]
        header = {"typ": "JWT", "alg": "RS256", "x5c": chain}
        signed = f"{_part(header)}.{_part(_claims(token, len(self.issued)))}"
        signature = await self._certificate.sign(signed.encode())
        return evolve(token, value=f"{signed}.{base64url(signature)}")


def _claims(token: IssuedToken, number: int) -> dict[str, Any]:
    return {
        "iss": ISSUER,
        "sub": token.account,
        "aud": token.service,
        "exp": int(token.expires_at),
        "nbf": int(min(token.issued_at, token.expires_at)) - 1,
        "iat": int(token.issued_at),
        "jti": str(number),
        "access": [
            {"type": "repository", "name": item.repository, "actions": sorted(item.actions)} for item in token.access
        ],
    }


def _part(document: dict[str, Any]) -> str:
    return base64url(json.dumps(document).encode())
