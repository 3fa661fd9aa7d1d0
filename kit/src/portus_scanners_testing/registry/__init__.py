"""A registry on loopback: the pull side of the distribution API, open, with Basic or with tokens."""

from __future__ import annotations

from .registry import Auth, StandInRegistry
from .token_server import TokenServer, TokenService
from .tokens import PASSWORD, USERNAME, Access, IssuedToken, TokenIssuer

__all__ = [
    "PASSWORD",
    "USERNAME",
    "Access",
    "Auth",
    "IssuedToken",
    "StandInRegistry",
    "TokenIssuer",
    "TokenServer",
    "TokenService",
]
