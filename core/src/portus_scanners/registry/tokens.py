"""Bearer tokens: where to ask for one, how long it is good for, one request for all who wait.

Source: distribution's ``docs/spec/auth/token.md`` and ``oauth.md`` (the member ``access_token``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from attrs import frozen

from ..errors import RegistryAuthError, RegistryError
from ..secret import Secret
from .answers import Answer, Grant, make_error, make_refusal
from .credentials import CredentialStore
from .realm import Realm
from .registry_host import RegistryHost
from .single_flight import SingleFlight, Tasks
from .transport import Call
from .wire import MalformedError, parse_object

_LARGEST_BODY = 1024 * 1024
_DEFAULT_LIFETIME = 60.0
_LONGEST_LIFETIME = 3600.0
_TOKEN = re.compile(r"[\x21-\x7e]+")


@frozen(kw_only=True)
class Token:
    """A token and the end of its life."""

    grant: Grant
    expires: float
    """On the clock of the source."""


class TokenSource:
    """The tokens of one realm for one repository: fetched when needed, cached until shortly before they expire.

    Args:
        realm: Where they are issued.
        host: The registry that wants them.
        store: Finds the credentials to log in with.
        clock: Monotonic seconds.
        tasks: Where a request for a token runs.
    """

    def __init__(
        self, realm: Realm, host: RegistryHost, store: CredentialStore, clock: Callable[[], float], tasks: Tasks
    ) -> None:
        self.realm = realm
        self._host = host
        self._store = store
        self._clock = clock
        self._token: Token | None = None
        self._fetch = SingleFlight(self._fetch_token, tasks)

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
            self._token = await self._fetch()
        return self._token.grant

    def drop(self, grant: Grant) -> None:
        """Forget a token that was refused, if it is still the cached one."""
        if self._token and self._token.grant.header == grant.header:
            self._token = None

    async def _fetch_token(self) -> Token:
        credentials = await self._store.find(self._host.name)
        login = credentials.make_grant() if credentials else None
        url = self.realm.request_url
        if credentials:
            url = url.update_query(account=credentials.username)
        call = Call(url=url, grant=login, limit=_LARGEST_BODY, registry=self._host.name, step="token")
        asked = self._clock()
        answer = await self._host.transport.send(call)
        if answer.failed:
            raise self._refusal(answer, login)
        return _read_token(answer, self._host.name, asked, login)

    def _refusal(self, answer: Answer, login: Grant | None) -> RegistryError:
        if answer.status not in {401, 403}:
            return make_error(
                answer, registry=self._host.name, step="token", what=f"a token from {self.realm.url.host}"
            )
        return make_refusal(answer, login, registry=self._host.name, step="token", repository=self.realm.repository)


def _read_token(answer: Answer, registry: str, asked: float, login: Grant | None) -> Token:
    """Return the token of an answer to a request that was sent at the time *asked*."""
    document = _parse_answer(answer)
    text = document.get("token") or document.get("access_token")
    if not isinstance(text, str) or not _TOKEN.fullmatch(text):
        message = f"{registry}, token: {answer.url.host} answered without a usable token (HTTP {answer.status})"
        raise RegistryAuthError(
            f"{message}: check the registry's token service", registry=registry, step="token", status=answer.status
        )
    lifetime = _read_lifetime(document.get("expires_in"))
    age = _find_age(document.get("issued_at"), answer, lifetime)
    grant = Grant(
        header=Secret(f"Bearer {text}"),
        hidden=(Secret(text), *(login.hidden if login else ())),
        username=login.username if login else "",
        is_token=True,
    )
    return Token(grant=grant, expires=asked + lifetime - age)


def _parse_answer(answer: Answer) -> dict[str, Any]:
    try:
        return {} if answer.too_long else parse_object(answer.body)
    except MalformedError:
        return {}


def _read_lifetime(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # noqa: PLR0124
        return _DEFAULT_LIFETIME
    return float(min(max(value, 0), _LONGEST_LIFETIME))


def _find_age(issued_at: object, answer: Answer, lifetime: float) -> float:
    """Return how old a token was when it came.

    Both times are taken from the server where it sends ``Date``, so that our clock may be wrong. Nobody issues an
    expired token, or one from the future: such an age is a wrong clock, and is ignored.
    """
    try:
        issued = datetime.fromisoformat(_cut_fraction(issued_at))
        now = parsedate_to_datetime(answer.headers["Date"]) if "Date" in answer.headers else datetime.now(UTC)
        age = (now - issued).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return age if 0 <= age < lifetime else 0.0


def _cut_fraction(text: object) -> str:
    """Return an RFC 3339 time without its fraction: Go writes nine digits."""
    if not isinstance(text, str):
        raise TypeError("no text")
    return re.sub(r"\.[0-9]+", "", text)
