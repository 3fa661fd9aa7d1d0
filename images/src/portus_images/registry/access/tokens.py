"""Bearer tokens: one request for all callers, kept until shortly before they expire.

Source: distribution's ``docs/spec/auth/token.md`` (``GET`` with Basic authentication or none) and ``oauth.md``
(``POST`` of a refresh token, which Docker calls an identity token).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from attrs import define, field, frozen
from yarl import URL

from ...errors import RegistryAuthError, RegistryError
from ...manifests import MalformedError, parse_object, read_members
from ...settings import Secret
from ..credentials import Credentials, CredentialSearch
from ..exchange import Grant, RegistryAnswer, RegistryCall, make_error, make_refusal
from ..hosts import RegistryHost
from .challenge import Realm

_LARGEST_BODY = 1024 * 1024
_CLIENT = "portus-scanners"
_REFUSALS = {401, 403}
_BAD_GRANT = 400
"""Of a refresh token: RFC 6749, section 5.2."""
_DEFAULT_LIFETIME = 60.0
_LONGEST_LIFETIME = 3600.0
_ANSWER = ("token", "access_token", "expires_in", "issued_at")
_VISIBLE = r"[\x21-\x7e]+"


@frozen(kw_only=True)
class Token:
    """A token and the end of its life."""

    grant: Grant
    expires: float
    """On the clock of the source."""


@define(eq=False, repr=False)
class TokenSource:
    """The tokens of one realm for one right: fetched when needed, cached until shortly before they expire.

    Args:
        realm: Where they are issued.
        host: The registry that wants them.
        search: Finds the credentials to log in with.
        clock: Monotonic seconds.
    """

    realm: Realm
    _host: RegistryHost
    _search: Callable[[], Awaitable[CredentialSearch]]
    _clock: Callable[[], float]
    _token: Token | None = field(default=None, init=False)

    async def get(self, *, valid_for: float, renew: bool = False) -> Grant:
        """Return a token that is still good for *valid_for* seconds, or has just been issued.

        To *renew* is not to take the cached token. A request that is under way already is joined all the same.

        Raises:
            RegistryAuthError: The realm issues no token.
            RegistryUnavailableError: The realm did not answer.
        """
        if renew or self._token is None or self._token.expires - self._clock() < valid_for:
            self._token = await self._host.flights.run(self, self._fetch_token)
        return self._token.grant

    def drop(self, grant: Grant) -> None:
        """Forget a token that was refused, if it is still the cached one."""
        if self._token and self._token.grant.header == grant.header:
            self._token = None

    async def _fetch_token(self) -> Token:
        search = await self._search()
        owned = search.credentials.make_bearer() if search.credentials else None
        if owned:
            return Token(grant=owned, expires=self._clock())  # its end is not known: it is looked up anew each time
        identity_token = search.credentials.identity_token if search.credentials else Secret()
        login = search.credentials.make_basic() if search.credentials else None
        call = self._make_refresh(identity_token) if identity_token else self._make_call(search.credentials)
        asked = self._clock()
        answer = await self._host.transport.send(call, login)
        if answer.failed:
            raise self._refusal(call, answer, search)
        return read_token(answer, self._host.name, asked, _name(search.credentials))

    def _make_call(self, credentials: Credentials | None) -> RegistryCall:
        url = self.realm.request_url
        if credentials:
            url = url.update_query(account=credentials.username)
        return self._call(url)

    def _make_refresh(self, identity_token: Secret) -> RegistryCall:
        form = {
            "grant_type": Secret("refresh_token"),
            "service": Secret(self.realm.service),
            "client_id": Secret(_CLIENT),
            "scope": Secret(self.realm.right.scope),
            "refresh_token": identity_token,
        }
        return self._call(self.realm.url, method="POST", form=form)

    def _call(self, url: URL, **more: Any) -> RegistryCall:
        what = f"a token from {self.realm.url.host}"
        return RegistryCall(registry=self._host.name, step="token", what=what, url=url, limit=_LARGEST_BODY, **more)

    def _refusal(self, call: RegistryCall, answer: RegistryAnswer, search: CredentialSearch) -> RegistryError:
        refusals = _REFUSALS | {_BAD_GRANT} if call.form else _REFUSALS
        if answer.status not in refusals:
            return make_error(call, answer)
        login = Grant(header=Secret(), username=_name(search.credentials)) if search.credentials else None
        return make_refusal(call, answer, login, repository=self.realm.right.name, fault=search.fault)


def _name(credentials: Credentials | None) -> str:
    """Return the owner of credentials, for messages."""
    if credentials is None:
        return ""
    return credentials.username or f"the identity token of {credentials.origin}"


def read_token(answer: RegistryAnswer, registry: str, asked: float, username: str) -> Token:
    """Return the token in an answer.

    Args:
        answer: An answer with a status of success.
        registry: For messages.
        asked: When the request was sent, on the caller's clock.
        username: The user who has logged in; empty for an anonymous request.

    Raises:
        RegistryAuthError: The answer holds no token that can be sent.
    """
    document = _parse_answer(answer)
    text = document.get("access_token") or document.get("token")  # with both, Docker and containerd send the first
    if not isinstance(text, str) or not re.fullmatch(_VISIBLE, text):
        message = f"{registry}, token: {answer.url.host} answered without a usable token (HTTP {answer.status})"
        raise RegistryAuthError(
            f"{message}: check the registry's token service", registry=registry, step="token", status=answer.status
        )
    lifetime = _read_lifetime(document.get("expires_in"))
    age = _find_age(document.get("issued_at"), answer, lifetime)
    grant = Grant(
        header=Secret(f"Bearer {text}"),
        hidden=(Secret(text), *answer.hidden),
        username=username,
        is_token=True,
    )
    return Token(grant=grant, expires=asked + lifetime - age)


def _parse_answer(answer: RegistryAnswer) -> dict[str, Any]:
    try:
        return {} if answer.too_long else read_members(parse_object(answer.body), _ANSWER)
    except MalformedError:
        return {}


def _read_lifetime(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # noqa: PLR0124
        return _DEFAULT_LIFETIME
    return float(min(max(value, 0), _LONGEST_LIFETIME))


def _find_age(issued_at: object, answer: RegistryAnswer, lifetime: float) -> float:
    """Return the seconds between the issue of a token and its arrival.

    Both times are taken from the server where it sends ``Date``, so that our clock may be wrong. No service issues an
    expired token, or one from the future: such an age comes of a wrong clock, and is ignored.
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
        raise TypeError("expected a string")
    return re.sub(r"\.[0-9]+", "", text)
