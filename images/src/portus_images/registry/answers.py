"""A registry's answers, and the errors that they stand for. Nothing secret gets into a message."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from attrs import field, frozen
from multidict import CIMultiDictProxy
from yarl import URL

from ..errors import ImageNotFoundError, RegistryAuthError, RegistryError, RegistryUnavailableError
from ..pacing.retry_after import read_retry_after
from ..secret import MASK, Secret
from ..text import one_line

_TOO_MANY = 429
_SERVER_FAULT = 500
_FIRST_FAILURE = 300


@frozen(kw_only=True)
class Grant:
    """What is sent with a request so that it is answered."""

    header: Secret
    """Value of ``Authorization``."""
    hidden: tuple[Secret, ...] = ()
    """Its secret parts, which an answer might repeat."""
    username: str = ""
    """Empty when nobody has logged in."""
    is_token: bool = False


@frozen(kw_only=True)
class Answer:
    """One answer, read to its end."""

    status: int
    headers: CIMultiDictProxy[str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    too_long: bool = False
    """The body was longer than allowed, and is left out."""
    url: URL = field(repr=False)
    """What answered, after redirects: may be signed, so it is never shown."""
    elsewhere: bool = False
    """Another host answered than the one that was asked."""
    hidden: tuple[Secret, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether the status is none of success."""
        return self.status >= _FIRST_FAILURE

    @property
    def message(self) -> str:
        """What the registry says of its failure: at most 200 characters, in one line; may be empty."""
        codes = _read_errors(self.body)
        return tidy(codes or self.body.decode(errors="replace"), self.hidden)

    @property
    def retry_after(self) -> float | None:
        """The seconds from now that the server asks to wait; None where it asks for none. Source: RFC 9110, 10.2.3."""
        return read_retry_after(self.headers)

    @property
    def code(self) -> str:
        """The registry's own code of its first error: ``MANIFEST_UNKNOWN``; empty where it gave none."""
        return _read_errors(self.body).partition(":")[0]


def tidy(text: str, hidden: Iterable[Secret] = ()) -> str:
    """Return a foreign text for a message: one line of at most 200 visible characters, secrets masked."""
    for secret in sorted((secret.reveal() for secret in hidden if secret), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return one_line(text)  # after the masks: a half secret would not be found


def make_error(answer: Answer, *, registry: str, step: str, what: str) -> RegistryError:
    """Return the error that a failed answer stands for.

    Args:
        answer: The answer; its status is no success.
        registry: The registry's name.
        step: See `RegistryError`.
        what: What was asked for: ``team/app:1.0``.
    """
    said = f"HTTP {answer.status}" + (f": {answer.message}" if answer.message else "")
    kind, advice = _judge_status(answer)
    return kind(f"{registry}, {step} of {what}: {said}; {advice}", registry=registry, step=step, status=answer.status)


def make_refusal(
    answer: Answer, grant: Grant | None, *, registry: str, step: str, repository: str, fault: str = ""
) -> RegistryAuthError:
    """Return the error for credentials that are missing, wrong, or not enough.

    Args:
        answer: The answer that refuses.
        grant: What was sent in vain.
        registry: The registry's name.
        step: See `RegistryError`.
        repository: What was to be pulled.
        fault: Why there may be no credentials: a source that could not be asked.
    """
    said = f"{step}, HTTP {answer.status}" + (f": {answer.message}" if answer.message else "")
    if grant is None or not grant.username:
        advice = f"docker login {registry}, or registries: {registry}: in the configuration"
        advice = f"{fault}; or {advice}" if fault else advice
        message = f"no credentials for {registry} ({said}): {advice}; check that {repository} exists"
    elif grant.is_token:
        message = f"{registry} does not let {tidy(grant.username)} pull {repository} ({said}): check name and rights"
    else:
        message = f"{registry} refuses the credentials for {tidy(grant.username)} ({said}): check them"
    return RegistryAuthError(message, registry=registry, step=step, status=answer.status)


def _judge_status(answer: Answer) -> tuple[type[RegistryError], str]:
    """Return the kind of the error and what to do about it."""
    status = answer.status
    if status in {401, 403}:
        return RegistryAuthError, "the credentials, or their absence, do not allow this: check the account's rights"
    if status == 404:  # noqa: PLR2004
        advice = "check repository and tag" if answer.code else "check repository and tag, and whether it is a registry"
        return ImageNotFoundError, advice
    if status == _TOO_MANY:
        return RegistryUnavailableError, f"too many requests: try again {_say_when(answer)}"
    if status >= _SERVER_FAULT:
        return RegistryUnavailableError, "the registry is out of order: try again later"
    return RegistryError, "check whether it is a registry, and the reference"


def _say_when(answer: Answer) -> str:
    seconds = answer.retry_after
    return "later" if seconds is None else f"in {seconds:.0f} s"


def _read_errors(body: bytes) -> str:
    """Return ``CODE: message`` of the first error in a registry's body; empty where it has none.

    Source: OCI distribution specification, "Error Codes".
    """
    try:
        first = json.loads(body)["errors"][0]
    except (LookupError, TypeError, ValueError, RecursionError):
        return ""
    if not isinstance(first, Mapping):
        return ""
    parts = (first.get("code"), first.get("message"))
    return ": ".join(part for part in parts if isinstance(part, str) and part)
