"""How a registry lets us in for one right: openly, with Basic authentication, or with a token."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ...errors import RegistryAuthError
from ...single_flight import SingleFlight
from ..answers import Answer, Grant, make_refusal
from ..credentials import CredentialStore, Search
from ..hosts import HostSettings
from ..registry_host import RegistryHost
from .challenge import Challenge, parse_challenges
from .realm import Realm, make_realm
from .right import Right
from .tokens import TokenSource

OWN_MARGIN = 10.0
"""Seconds that a token for our own requests must be good for."""
BACKEND_MARGIN = 60.0
"""Seconds that a token for a backend must be good for."""


class Access:
    """What is sent with requests that need one right. Nothing is, until the registry has asked for it.

    Args:
        right: What is needed.
        host: The registry.
        store: Finds credentials.
        settings: The configuration's, by host.
        clock: Monotonic seconds.
        flights: Where requests for tokens run.
    """

    def __init__(
        self,
        right: Right,
        host: RegistryHost,
        store: CredentialStore,
        settings: HostSettings,
        clock: Callable[[], float],
        flights: SingleFlight,
    ) -> None:
        self._right = right
        self._host = host
        self._store = store
        self._settings = settings
        self._clock = clock
        self._flights = flights
        self._fixed: Grant | None = None
        self._tokens: TokenSource | None = None
        self._open = False
        self._fault = ""

    @property
    def known(self) -> bool:
        """Whether the registry has shown what it wants."""
        return self._open or self.guarded

    @property
    def guarded(self) -> bool:
        """Whether it has asked for something."""
        return self._fixed is not None or self._tokens is not None

    def note_open(self) -> None:
        """Remember that a request without anything was let in."""
        self._open = not self.guarded

    async def grant(self, *, valid_for: float = OWN_MARGIN, renew: bool = False) -> Grant | None:
        """Return what to send with a request; None where nothing was asked for so far.

        Args:
            valid_for: Seconds that a token is good for, unless it is newly issued.
            renew: Take nothing that is cached.
        """
        if self._tokens:
            return await self._tokens.get(valid_for=valid_for, renew=renew)
        if self._fixed and renew:
            self._fixed = await self._log_in()
        return self._fixed

    async def meet(self, answer: Answer, refused: Grant | None, step: str) -> Grant:
        """Return what a 401 asks for.

        Args:
            answer: The registry's answer.
            refused: What was sent with the request, and did not do.
            step: See `RegistryError`.

        Raises:
            RegistryAuthError: There are no credentials, they are refused, or the challenge can't be met.
        """
        challenges = parse_challenges(answer.headers.getall("WWW-Authenticate", ()))
        bearer, basic = _find(challenges, "bearer"), _find(challenges, "basic")
        if bearer is None and basic is None:
            raise self._make_error(answer, [challenge.scheme for challenge in challenges])
        if bearer:
            return await self._meet_bearer(bearer, refused)
        self._tokens = None
        fixed = await self._log_in()
        if fixed is None or (refused and refused.header == fixed.header):
            raise self.make_refusal(answer, fixed, step)
        self._fixed = fixed
        return fixed

    def make_refusal(self, answer: Answer, refused: Grant | None, step: str) -> RegistryAuthError:
        """Return the error for what was sent in vain."""
        return make_refusal(
            answer, refused, registry=self._host.name, step=step, repository=self._right.name, fault=self._fault
        )

    async def _meet_bearer(self, challenge: Challenge, refused: Grant | None) -> Grant:
        realm = await self._find_realm(challenge)
        if self._tokens is None or self._tokens.realm != realm:
            self._tokens = TokenSource(realm, self._host, self._search, self._clock, self._flights)
        if refused:
            self._tokens.drop(refused)
        return await self._tokens.get(valid_for=OWN_MARGIN)

    async def _find_realm(self, challenge: Challenge) -> Realm:
        named = challenge.parameters
        base = await self._host.base()
        address, service = named.get("realm", ""), named.get("service", "")
        return make_realm(address, service, self._right, self._host.name, base, self._settings)

    async def _log_in(self) -> Grant | None:
        """Return what a registry without token service takes: its own token, or name and password."""
        search = await self._search()
        credentials = search.credentials
        if credentials and credentials.identity_token:
            self._fault = f"the identity token of {credentials.origin} is good for token services only"
        return (credentials.make_bearer() or credentials.make_basic()) if credentials else None

    async def _search(self) -> Search:
        search = await self._store.find(self._host.name, self._right.repository)
        self._fault = search.fault
        return search

    def _make_error(self, answer: Answer, schemes: Iterable[str]) -> RegistryAuthError:
        offered = ", ".join(schemes)[:100] or "nothing"
        return RegistryAuthError(
            f"{self._host.name}: HTTP 401, and the way to log in that it offers ({offered}) is neither Bearer nor "
            "Basic: check whether it is a registry",
            registry=self._host.name,
            step="token",
            status=answer.status,
        )


def _find(challenges: Iterable[Challenge], scheme: str) -> Challenge | None:
    return next((challenge for challenge in challenges if challenge.scheme == scheme), None)
