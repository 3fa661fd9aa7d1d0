"""Bearer tokens: where to ask for one, how long it is good for, one request for all who wait.

Source: distribution's ``docs/spec/auth/token.md`` and ``oauth.md`` (the member ``access_token``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from attrs import field, frozen
from yarl import URL

from ..errors import RegistryAuthError, RegistryError
from ..secret import Secret
from .answers import Answer, Grant, make_error, make_refusal, tidy
from .credentials import CredentialStore
from .hosts import HostSettings, is_loopback
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


@frozen(kw_only=True)
class Realm:
    """Where the tokens for one repository are issued."""

    url: URL = field(repr=False)
    service: str = ""
    repository: str

    @property
    def request_url(self) -> URL:
        """The address to ask: for the right to pull, whatever else the registry proposed."""
        query = {"service": self.service} if self.service else {}
        return self.url.update_query(query | {"scope": f"repository:{self.repository}:pull"})


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
        return _read_token(answer, self._host.name, asked, login.username if login else "")

    def _refusal(self, answer: Answer, login: Grant | None) -> RegistryError:
        if answer.status not in {401, 403}:
            return make_error(
                answer, registry=self._host.name, step="token", what=f"a token from {self.realm.url.host}"
            )
        return make_refusal(answer, login, registry=self._host.name, step="token", repository=self.realm.repository)


def make_realm(
    address: str, service: str, repository: str, host: RegistryHost, base: URL, settings: HostSettings
) -> Realm:
    """Return the realm that a challenge names, if it may be asked.

    Over plain HTTP it may only be asked when it is on this machine like the registry, when it is the host of a
    registry that speaks plain HTTP itself, or when the configuration says that its host is ``insecure``.

    Raises:
        RegistryAuthError: It is no address, or must not be asked.
    """
    realm = _parse(address)
    if realm is None:
        raise RegistryAuthError(
            f"{host.name}, token: the registry names no usable address for its tokens: {tidy(address)!r}; "
            "check the registry's configuration (realm)",
            registry=host.name,
            step="token",
        )
    if realm.scheme != "https" and not _may_be_plain(realm, base, settings):
        raise RegistryAuthError(
            f"{host.name}, token: its tokens are issued by {realm.host} over plain HTTP, where credentials are not "
            f"sent; let the registry name an https address, or set registries: {realm.raw_authority}: insecure: true",
            registry=host.name,
            step="token",
        )
    return Realm(url=realm, service=service, repository=repository)


def _parse(address: str) -> URL | None:
    try:
        url = URL(address).with_fragment(None)
        usable = url.scheme in {"http", "https"} and url.host and url.port and not url.user and not url.password
    except ValueError:
        return None
    return url if usable else None


def _may_be_plain(realm: URL, base: URL, settings: HostSettings) -> bool:
    both_here = is_loopback(realm.host) and is_loopback(base.host)
    same_host = base.scheme == "http" and realm.host == base.host
    return both_here or same_host or settings.find_for(realm).insecure


def _read_token(answer: Answer, registry: str, asked: float, username: str) -> Token:
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
    grant = Grant(header=Secret(f"Bearer {text}"), hidden=(Secret(text),), username=username, is_token=True)
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
