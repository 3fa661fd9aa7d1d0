"""Answers with which Clair refuses a request, and the errors that they mean."""

from __future__ import annotations

from enum import Enum, auto
from http import HTTPStatus

from attrs import frozen
from portus_scanners import ScannerError, ScannerUnavailableError, UnsupportedImageError
from portus_scanners.backends import HttpAnswer, one_line

from .wire import read_error

_LONGEST_MESSAGE = 300
"""Characters of Clair's message that are shown."""
_MOST_READ = 64 * 1024
"""Bytes of a body that are read: Clair's own errors are far shorter."""


class Cause(Enum):
    """The causes of refusals that each have their own remedy."""

    UNKNOWN_NAME = auto()
    """Clair does not know the layer: post the chain."""
    BLOB_NOT_FETCHED = auto()
    """Clair could not fetch the blob; it does not say why."""
    PARENT_UNKNOWN = auto()
    """Clair does not have the layer below, or no longer: post the chain from the base."""
    NOT_EXTRACTED = auto()
    """The blob is not an archive that Clair can read, or its download broke off."""
    LOST_RACE = auto()
    """The database failed, as it does if two images bring the same new package at the same time."""
    OTHER = auto()


_CAUSES = (
    (404, "the resource cannot be found", Cause.UNKNOWN_NAME),
    (400, "could not find layer", Cause.BLOB_NOT_FETCHED),
    (400, "worker: parent layer is unknown", Cause.PARENT_UNKNOWN),
    (422, "tarutil: could not extract the archive", Cause.NOT_EXTRACTED),
    (500, "database: an error occur", Cause.LOST_RACE),
)
"""Status, how Clair's message begins, cause."""

_BASE_URL_ADVICE = "`server` must be the base URL of Clair's API, such as http://clair.example:6060"
_ACCOUNT_ADVICE = (
    "Clair itself wants no log-in: give the account for the proxy in front of it (`username`, `password`; or `token`)"
)
_ADVICE = (
    (
        400,
        "could not find/insert invalid FeatureVersion",
        "a vulnerability of this distribution was entered by hand before its first image: set up Clair's database anew",
    ),
    (
        422,
        "tarutil: could not extract the archive",
        "the blob is not tar with gzip, bzip2, xz or no compression (Clair can't read zstd), or broke off twice",
    ),
    (500, "dial tcp", "Clair can't reach its database"),
    (503, "Clair failed to respond within", "Clair goes on with it, and a later try may find the layer analysed"),
)
"""Status, how Clair's message begins, what it means or what to do about it."""


@frozen
class Refusal:
    """An answer that is not a success. Its message is short, without credentials and control characters."""

    status: int
    message: str
    """Clair's own message, or the beginning of another body; empty if there is none."""
    from_clair: bool
    """Whether the body was an error in the form of Clair's API, whatever its content type."""

    @classmethod
    def from_answer(cls, answer: HttpAnswer) -> Refusal:
        """Return the refusal in an answer.

        Args:
            answer: The answer; its content type does not matter, as Clair sends JSON as text/plain too.
        """
        if _is_success(answer.status):  # the body may be an echo of the request, credentials included
            return cls(answer.status, "", from_clair=False)
        body = answer.body[:_MOST_READ]
        message = read_error(body)
        text = message or body.decode(errors="replace")
        return cls(answer.status, one_line(answer.mask(text), _LONGEST_MESSAGE), from_clair=bool(message))

    @property
    def cause(self) -> Cause:
        """The cause of this refusal."""
        return next((cause for status, start, cause in _CAUSES if self._begins(status, start)), Cause.OTHER)

    def error(self) -> ScannerError:
        """Return the error to raise if nothing can be done about this refusal."""
        if self.status == HTTPStatus.TOO_MANY_REQUESTS or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return ScannerUnavailableError(str(self))
        if self.status == HTTPStatus.UNPROCESSABLE_ENTITY:
            return UnsupportedImageError(str(self))
        return ScannerError(str(self))

    def __str__(self) -> str:
        said = f"Clair answered HTTP {self.status}" + (f", {self.message!r}" if self.message else "")
        advice = self._advice()
        return f"{said}; {advice}" if advice else said

    def _begins(self, status: int, start: str) -> bool:
        return self.from_clair and self.status == status and self.message.startswith(start)

    def _advice(self) -> str:
        if self.status < HTTPStatus.BAD_REQUEST or (self.status in _NO_SUCH_CALL and not self.from_clair):
            return _BASE_URL_ADVICE
        if self.status in _NO_ACCESS and not self.from_clair:
            return _ACCOUNT_ADVICE
        return next((advice for status, start, advice in _ADVICE if self._begins(status, start)), "")


_NO_ACCESS = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_NO_SUCH_CALL = {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}


def _is_success(status: int) -> bool:
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
