"""One exchange with a registry: the call, its answer, and the error of an answer that refuses.

No message holds anything secret.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar

from attrs import field, frozen
from yarl import URL

from ..errors import (
    ImageNotFoundError,
    RegistryAuthError,
    RegistryError,
    RegistryUnavailableError,
    UnknownRepositoryError,
)
from ..pacing import read_retry_after
from ..settings import Secret
from ..text import MASK, one_line

if TYPE_CHECKING:
    from multidict import CIMultiDictProxy

    from ..blob_file import BlobFile

LARGEST_BODY = 4 * 1024 * 1024
TOO_MANY = 429
SERVER_FAULT = 500
FIRST_FAILURE = 300
_NAME_UNKNOWN = "NAME_UNKNOWN"

ErrorT = TypeVar("ErrorT", bound=RegistryError)


@frozen(kw_only=True)
class RegistryCall:
    """One request, and what its errors say: made once by the function that knows what it wants, and handed on as it is.

    What is sent as ``Authorization`` is not in it: the registry says what it wants, and may say so twice.
    """

    registry: str
    """The registry's name, for messages: ``docker.io``."""
    step: str
    """See `RegistryError`."""
    what: str = ""
    """What is asked for, for messages: ``team/app:1.0``."""
    method: str = "GET"
    url: URL = field(repr=False)
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    """Further headers."""
    form: Mapping[str, Secret] | None = None
    """What is sent as a form, and to this host alone."""
    limit: int = LARGEST_BODY
    """Bytes of the body that are read."""
    file: BlobFile | None = field(default=None, repr=False)
    """Where the body of a success goes, in place of the answer; it takes as long as it takes."""

    def make_error(self, kind: type[ErrorT], why: str, status: int | None = None) -> ErrorT:
        """Return the error that says why this call was of no use."""
        message = f"{self.registry}, {self.step} of {self.what}: {why}"
        return kind(message, registry=self.registry, step=self.step, status=status)


@frozen(kw_only=True)
class Grant:
    """The header ``Authorization``, and whose it is."""

    header: Secret
    """Value of ``Authorization``."""
    hidden: tuple[Secret, ...] = ()
    """Its secret parts, which an answer might repeat."""
    username: str = ""
    """Empty for an anonymous request."""
    is_token: bool = False


@frozen(kw_only=True)
class RegistryAnswer:
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
    """The secrets of the request, which the answer might repeat."""
    failed: bool = field(init=False)
    """The status is not one of success."""

    @failed.default
    def _failed(self) -> bool:
        return self.status >= FIRST_FAILURE

    @property
    def message(self) -> str:
        """What the registry says of its failure: at most 200 characters, in one line; may be empty."""
        codes = _read_errors(self.body)
        return tidy(codes or self.body.decode(errors="replace"), self.hidden)

    @property
    def retry_after(self) -> float | None:
        """The seconds from now that the server asks to wait; None where it asks for none."""
        return read_retry_after(self.headers)

    @property
    def code(self) -> str:
        """The registry's own code of its first error: ``MANIFEST_UNKNOWN``; empty where it gave none."""
        return _read_errors(self.body).partition(":")[0]


def tidy(text: str, hidden: Iterable[Secret] = ()) -> str:
    """Return a foreign string for a message: one line of at most 200 visible characters, secrets masked."""
    for secret in sorted((secret.reveal() for secret in hidden if secret), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return one_line(text)  # after the masks: a half secret would not be found


def make_error(call: RegistryCall, answer: RegistryAnswer) -> RegistryError:
    """Return the error that an answer stands for whose status is not one of success."""
    said = f"HTTP {answer.status}" + (f": {answer.message}" if answer.message else "")
    kind, advice = _judge_status(answer)
    return call.make_error(kind, f"{said}; {advice}", answer.status)


def make_refusal(
    call: RegistryCall, answer: RegistryAnswer, grant: Grant | None, *, repository: str, fault: str = ""
) -> RegistryAuthError:
    """Return the error for credentials that are missing, wrong, or not enough.

    Args:
        call: The call that was refused.
        answer: The answer that refuses it.
        grant: What was sent with it.
        repository: What was to be pulled.
        fault: Why there may be no credentials: a source that could not be asked.
    """
    registry, step = call.registry, call.step
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


def _judge_status(answer: RegistryAnswer) -> tuple[type[RegistryError], str]:
    """Return the kind of the error and what to do about it."""
    status = answer.status
    if status in {401, 403}:
        return RegistryAuthError, "the credentials, or their absence, do not allow this: check the account's rights"
    if status == 404:  # noqa: PLR2004
        advice = "check repository and tag" if answer.code else "check repository and tag, and whether it is a registry"
        return (UnknownRepositoryError if answer.code == _NAME_UNKNOWN else ImageNotFoundError), advice
    if status == TOO_MANY:
        when = "later" if answer.retry_after is None else f"in {answer.retry_after:.0f} s"
        return RegistryUnavailableError, f"too many requests: try again {when}"
    if status >= SERVER_FAULT:
        return RegistryUnavailableError, "the registry is out of order: try again later"
    return RegistryError, "check whether it is a registry, and the reference"


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
