"""How a registry lets us in for one right: openly, with Basic authentication, or with a token."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import define, field

from ...errors import InvalidManifestError, RegistryAuthError, RegistryError
from ..credentials import CredentialSearch, CredentialStore
from ..exchange import Grant, RegistryAnswer, RegistryCall, make_error, make_refusal
from ..hosts import RegistryHost
from .challenge import Challenge, Realm, Right, make_realm, parse_challenges
from .tokens import TokenSource

OWN_MARGIN = 10.0
"""Seconds that a token for our own requests must be good for."""
BACKEND_MARGIN = 60.0
"""Seconds that a token for a backend must be good for."""
_OK = 200
_UNAUTHORIZED = 401
_MOST_REFUSALS = 2


@define(eq=False, repr=False)
class RegistryAccess:
    """Sends the requests that need one right, with what the registry has asked for.

    Where there are credentials, the registry is asked before the first of them: what it shows to nobody, with 200, may
    be a part of what there is, or 404. Where there are none, nothing is sent until it asks for something.

    Args:
        right: What is needed.
        host: The registry.
        store: Finds credentials.
        clock: Monotonic seconds.

    Attributes:
        fault: Why there may be credentials that were not sent; empty where there are none, or they were.
    """

    _right: Right
    host: RegistryHost
    _store: CredentialStore
    _clock: Callable[[], float]
    fault: str = field(default="", init=False)
    _fixed: Grant | None = field(default=None, init=False)
    _tokens: TokenSource | None = field(default=None, init=False)
    _open: bool = field(default=False, init=False)

    @property
    def known(self) -> bool:
        """Whether the registry has shown what it wants."""
        return self._open or self.guarded

    @property
    def guarded(self) -> bool:
        """Whether it has asked for something."""
        return self._tokens is not None or (self._fixed is not None and not self._open)

    async def get(self, call: RegistryCall) -> RegistryAnswer:
        """Send a request; return an answer with the status 200 and its whole body.

        Raises:
            InvalidManifestError: The body is longer than it may be; or the status is 206, say, that of a part.
            RegistryError: The status is another, there is no answer, or no credentials.
        """
        answer = await self.send(call)
        if answer.failed:
            raise make_error(call, answer)
        if answer.status != _OK:
            why = f"HTTP {answer.status} is not an answer to it: is it a registry?"
            raise call.make_error(InvalidManifestError, why, answer.status)
        if answer.too_long:
            why = f"the answer is longer than {call.limit} bytes"
            raise call.make_error(InvalidManifestError, why, answer.status)
        return answer

    async def send(self, call: RegistryCall) -> RegistryAnswer:
        """Send a request; meet the challenge of a 401, and once more when a token is refused. A status is not judged.

        Raises:
            RegistryError: There is no answer, or no credentials.
        """
        if not self.known:
            await self._introduce()
        grant, refusals = await self.grant(), 0
        while True:
            answer = await self.host.transport.send(call, grant)
            if answer.status != _UNAUTHORIZED or answer.elsewhere:
                break
            refusals += grant is not None
            if refusals == _MOST_REFUSALS:
                raise self._refusal(call, answer, grant)
            grant = await self._meet(call, answer, grant)
        if grant is None:
            self._open = not self.guarded
        return answer

    async def grant(self, *, valid_for: float = OWN_MARGIN, renew: bool = False) -> Grant | None:
        """Return what to send with a request; None where nothing was asked for so far.

        Args:
            valid_for: Seconds that a token is good for, unless it is newly issued.
            renew: Take nothing that is cached.
        """
        if source := self._tokens:
            try:
                return await source.get(valid_for=valid_for, renew=renew)
            except RegistryError:  # its realm may be wrong, or have moved: the registry is asked again
                self._tokens = None if self._tokens is source else self._tokens
                raise
        if self._fixed and renew:
            self._fixed = await self._log_in()
        return self._fixed

    async def is_let_in(self) -> bool:
        """Tell whether the registry hides nothing from this client: it knows who asks, or wants nothing of anybody.

        Raises:
            RegistryError: It does not answer any longer.
        """
        if (grant := await self.grant()) is not None:
            return bool(grant.username)
        _, answer = await self.host.ping()
        return not (answer.failed or answer.elsewhere)

    async def _introduce(self) -> None:
        """Log in where there are credentials: as the registry's root wants it, else at once.

        Docker sends nothing to a registry whose root asks for nothing, be its status 200, 403 or 404. That would be
        the part which such a registry shows to nobody.
        """
        if (await self._search()).credentials is None:
            return
        call, answer = await self.host.ping()
        if answer.status == _UNAUTHORIZED and not answer.elsewhere:
            await self._meet(call, answer, None)
        else:
            self._fixed, self._open = await self._log_in(), True

    async def _meet(self, call: RegistryCall, answer: RegistryAnswer, refused: Grant | None) -> Grant | None:
        """Return what a 401 asks for, *refused* having been sent already.

        Raises:
            RegistryAuthError: There are no credentials, they are refused, or the challenge can't be met.
        """
        challenges = parse_challenges(answer.headers.getall("WWW-Authenticate", ()))
        bearer, basic = _find(challenges, "bearer"), _find(challenges, "basic")
        if bearer is None and basic is None:
            raise self._unknown_challenge(answer, [challenge.scheme for challenge in challenges])
        self._open = False
        if bearer:
            realm = await self._find_realm(bearer)
            if self._tokens is None or self._tokens.realm != realm:
                self._tokens = TokenSource(realm, self.host, self._search, self._clock)
            if refused:
                self._tokens.drop(refused)
            return await self.grant()
        self._tokens = None
        fixed = await self._log_in()
        if fixed is None or (refused and refused.header == fixed.header):
            raise self._refusal(call, answer, fixed)
        self._fixed = fixed
        return fixed

    async def _find_realm(self, challenge: Challenge) -> Realm:
        named, base = challenge.parameters, await self.host.base()
        address, service = named.get("realm", ""), named.get("service", "")
        return make_realm(address, service, self._right, self.host.name, base, self.host.settings)

    async def _log_in(self) -> Grant | None:
        """Return what a registry without a token service takes: its own token, or name and password."""
        credentials = (await self._search()).credentials
        if credentials and credentials.identity_token:
            self.fault = f"the identity token of {credentials.origin} is good for token services only"
        return (credentials.make_bearer() or credentials.make_basic()) if credentials else None

    async def _search(self) -> CredentialSearch:
        search = await self._store.find(self.host.name, self._right.repository)
        self.fault = search.fault or search.of_parts
        return search

    def _refusal(self, call: RegistryCall, answer: RegistryAnswer, refused: Grant | None) -> RegistryAuthError:
        return make_refusal(call, answer, refused, repository=self._right.name, fault=self.fault)

    def _unknown_challenge(self, answer: RegistryAnswer, schemes: Iterable[str]) -> RegistryAuthError:
        offered = ", ".join(schemes)[:100] or "nothing"
        message = (
            f"{self.host.name}: HTTP 401, and the way to log in that it offers ({offered}) is neither Bearer nor "
            "Basic: check whether it is a registry"
        )
        return RegistryAuthError(message, registry=self.host.name, step="token", status=answer.status)


def _find(challenges: Iterable[Challenge], scheme: str) -> Challenge | None:
    return next((challenge for challenge in challenges if challenge.scheme == scheme), None)
