"""Bearer tokens: one request for all who wait, kept until shortly before they expire.

Source: distribution's ``docs/spec/auth/token.md`` (``GET`` with Basic authentication or none) and ``oauth.md``
(``POST`` of a refresh token, which Docker calls an identity token).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ...errors import RegistryError
from ...secret import Secret
from ...single_flight import SingleFlight
from ..answers import Answer, Grant, make_error, make_refusal
from ..credentials import Credentials, Search
from ..registry_host import RegistryHost
from ..transport import Call
from .realm import Realm
from .token_answer import Token, read_token

_LARGEST_BODY = 1024 * 1024
_CLIENT = "portus-scanners"
_REFUSALS = {401, 403}
_BAD_GRANT = 400
"""Of a refresh token: RFC 6749, section 5.2."""


class TokenSource:
    """The tokens of one realm for one right: fetched when needed, cached until shortly before they expire.

    Args:
        realm: Where they are issued.
        host: The registry that wants them.
        search: Finds the credentials to log in with.
        clock: Monotonic seconds.
        flights: Where a request for a token runs.
    """

    def __init__(
        self,
        realm: Realm,
        host: RegistryHost,
        search: Callable[[], Awaitable[Search]],
        clock: Callable[[], float],
        flights: SingleFlight,
    ) -> None:
        self.realm = realm
        self._host = host
        self._search = search
        self._clock = clock
        self._token: Token | None = None
        self._flights = flights

    async def get(self, *, valid_for: float, renew: bool = False) -> Grant:
        """Return a token that is good for so many seconds more, or has just been issued.

        Args:
            valid_for: Seconds.
            renew: Do not take the cached one. A request that is under way already is joined all the same.

        Raises:
            RegistryAuthError: The realm issues none.
            RegistryUnavailableError: The realm did not answer.
        """
        if renew or self._token is None or self._token.expires - self._clock() < valid_for:
            self._token = await self._flights.run(self, self._fetch_token)
        return self._token.grant

    def drop(self, grant: Grant) -> None:
        """Forget a token that was refused, if it is still the cached one."""
        if self._token and self._token.grant.header == grant.header:
            self._token = None

    async def _fetch_token(self) -> Token:
        search = await self._search()
        owned = search.credentials.make_bearer() if search.credentials else None
        if owned:
            return Token(grant=owned, expires=self._clock())  # whoever made it knows its end: it is read anew each time
        call = self._make_call(search.credentials)
        asked = self._clock()
        answer = await self._host.transport.send(call)
        if answer.failed:
            raise self._refusal(answer, search)
        return read_token(answer, self._host.name, asked, _name(search.credentials))

    def _make_call(self, credentials: Credentials | None) -> Call:
        if credentials and credentials.identity_token:
            return self._make_refresh(credentials.identity_token)
        url = self.realm.request_url
        if credentials:
            url = url.update_query(account=credentials.username)
        login = credentials.make_basic() if credentials else None
        return Call(url=url, grant=login, limit=_LARGEST_BODY, registry=self._host.name, step="token")

    def _make_refresh(self, identity_token: Secret) -> Call:
        form = {
            "grant_type": Secret("refresh_token"),
            "service": Secret(self.realm.service),
            "client_id": Secret(_CLIENT),
            "scope": Secret(self.realm.right.scope),
            "refresh_token": identity_token,
        }
        return Call(
            method="POST", url=self.realm.url, form=form, limit=_LARGEST_BODY, registry=self._host.name, step="token"
        )

    def _refusal(self, answer: Answer, search: Search) -> RegistryError:
        name, credentials = self._host.name, search.credentials
        refresh = credentials is not None and bool(credentials.identity_token)
        if answer.status not in (_REFUSALS | {_BAD_GRANT} if refresh else _REFUSALS):
            return make_error(answer, registry=name, step="token", what=f"a token from {self.realm.url.host}")
        login = Grant(header=Secret(), username=_name(credentials)) if credentials else None
        return make_refusal(
            answer, login, registry=name, step="token", repository=self.realm.right.name, fault=search.fault
        )


def _name(credentials: Credentials | None) -> str:
    """Return whom a message calls the owner of credentials."""
    if credentials is None:
        return ""
    return credentials.username or f"the identity token of {credentials.origin}"
