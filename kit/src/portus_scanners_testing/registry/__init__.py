"""A registry on loopback: the pull side of the distribution API, open, with Basic or with tokens."""

from __future__ import annotations

from .lists import describe_referrers
from .manifests import signed_schema1
from .registry import Auth, StandInRegistry
from .token_server import TokenServer, TokenService
from .tokens import PASSWORD, USERNAME, IssuedToken, TokenAccess, TokenIssuer

__all__ = [
    "PASSWORD",
    "USERNAME",
    "Auth",
    "IssuedToken",
    "StandInRegistry",
    "TokenAccess",
    "TokenIssuer",
    "TokenServer",
    "TokenService",
    "describe_referrers",
    "signed_schema1",
]
