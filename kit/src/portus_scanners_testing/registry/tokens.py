"""Tokens of a registry: which account may do what, and for how long."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from attrs import field, frozen

USERNAME = "user"
PASSWORD = "opensesame"  # noqa: S105 (of a stand-in)
"""The account of every stand-in registry, by default."""


@frozen(kw_only=True)
class TokenAccess:
    """What a token allows on one repository, or on the list of all repositories."""

    repository: str
    """The repository; ``catalog`` if `kind` is ``registry``."""
    actions: frozenset[str]
    kind: str = "repository"

    @classmethod
    def parse(cls, scope: str) -> TokenAccess | None:
        """Return what ``repository:NAME:pull,push`` or ``registry:catalog:*`` asks for; None for any other scope."""
        kind, _, rest = scope.partition(":")
        repository, _, actions = rest.rpartition(":")
        if kind not in {"repository", "registry"} or not repository:
            return None
        return cls(repository=repository, actions=frozenset(filter(None, actions.split(","))), kind=kind)


@frozen(kw_only=True)
class IssuedToken:
    """A token that was issued."""

    value: str = field(repr=False)
    account: str
    """Empty for an anonymous client."""
    service: str
    access: tuple[TokenAccess, ...]
    issued_at: float
    """Seconds since 1970, by the issuer's clock."""
    expires_at: float

    def allows(self, repository: str, action: str, kind: str = "repository") -> bool:
        """Return whether the token allows an action on a repository."""
        return any(
            (item.kind, item.repository) == (kind, repository) and action in item.actions for item in self.access
        )


class TokenIssuer:
    """Issues tokens that only it understands, and counts them.

    Args:
        lifetime: Seconds that a token is valid; may be changed at any time.
        clock: Returns seconds since 1970.
    """

    def __init__(self, *, lifetime: float = 300.0, clock: Callable[[], float] = time.time) -> None:
        self.lifetime = lifetime
        self.clock = clock
        self.issued: list[IssuedToken] = []
        self._valid: dict[str, IssuedToken] = {}

    async def issue(self, *, account: str, service: str, access: Iterable[TokenAccess]) -> IssuedToken:
        """Issue a token."""
        now = self.clock()
        unsigned = IssuedToken(
            value=f"made-up-token-{len(self.issued) + 1}",
            account=account,
            service=service,
            access=tuple(access),
            issued_at=now,
            expires_at=now + self.lifetime,
        )
        token = await self.sign(unsigned)
        self.issued.append(token)
        self._valid[token.value] = token
        return token

    async def sign(self, token: IssuedToken) -> IssuedToken:
        """Return the token with the value that clients get."""
        return token

    def find(self, value: str) -> IssuedToken | None:
        """Return the token if it is known, not revoked and not expired."""
        token = self._valid.get(value)
        return token if token is not None and self.clock() < token.expires_at else None

    def revoke_all(self) -> None:
        """Revoke every token issued so far."""
        self._valid.clear()
