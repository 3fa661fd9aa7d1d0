"""What a realm answers: a token, and how long it is good for.

Source: distribution's ``docs/spec/auth/token.md`` and ``oauth.md``.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from attrs import frozen

from ...errors import RegistryAuthError
from ...secret import Secret
from ..answers import Answer, Grant
from ..wire import MalformedError, parse_object

_DEFAULT_LIFETIME = 60.0
_LONGEST_LIFETIME = 3600.0
_TOKEN = re.compile(r"[\x21-\x7e]+")


@frozen(kw_only=True)
class Token:
    """A token and the end of its life."""

    grant: Grant
    expires: float
    """On the clock of the source."""


def read_token(answer: Answer, registry: str, asked: float, username: str) -> Token:
    """Return the token of an answer.

    Args:
        answer: A success.
        registry: For messages.
        asked: When the request was sent, on the caller's clock.
        username: Who has logged in; empty for nobody.

    Raises:
        RegistryAuthError: There is none in it that can be sent.
    """
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
        hidden=(Secret(text), *answer.hidden),
        username=username,
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
