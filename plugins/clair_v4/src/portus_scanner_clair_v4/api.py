"""The APIs of Clair's indexer and matcher: requests, tokens, and the errors that answers mean."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from portus_scanners import (
    BlobAccess,
    Image,
    InvalidReportError,
    ScannerContext,
    ScannerError,
    ScannerUnavailableError,
    Secret,
    UnsupportedImageError,
)
from portus_scanners.backends import HttpAnswer, HttpBackend, one_line

from .settings import ClairV4Settings
from .wire import IndexReport, IndexStateAnswer, UpdateOperations, manifest_of, read_answer, read_error

TOKEN_LASTS = 300
"""Seconds for which a token is good by Clair's clock. It does not say when it begins: clocks may differ."""
QUESTION_TIMEOUT = 30.0
"""Seconds for a short question."""
HEALTH_TIMEOUT = 5.0
"""Seconds for one request of a health check."""
INDEX_REPORT, INDEX_STATE = "/indexer/api/v1/index_report", "/indexer/api/v1/index_state"
REPORT = "/matcher/api/v1/vulnerability_report/"
OPERATIONS = "/matcher/api/v1/internal/update_operation?latest=true"

_LONGEST_MESSAGE = 300
"""Characters of Clair's message that are shown."""
_MOST_READ = 64 * 1024
"""Bytes of a body that are looked at for an error."""
_NOT_A_LAYER = "failed to start scan"
_UNTOLD = {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.GONE}
"""Answers of a Clair, or a proxy, that does not show what is internal."""


class ClairBusyError(ScannerUnavailableError):
    """Clair indexes as many images as it may (429)."""


class ClairV4Api:
    """One Clair, whose indexer and matcher may have two addresses.

    Every method raises `ScannerUnavailableError` if the server can't be reached or is out of order,
    `InvalidReportError` if its answer is not what the API says, and `ScannerError` if it refuses in another way.

    Args:
        context: The scanner's context.
        settings: The addresses and the key.
    """

    def __init__(self, context: ScannerContext, settings: ClairV4Settings) -> None:
        self._context = context
        self._settings = settings
        self._indexer = HttpBackend(context, settings.server)
        self._matcher = HttpBackend(context, settings.matcher or settings.server)

    async def index(self, image: Image, accesses: Sequence[BlobAccess]) -> tuple[IndexReport, str]:
        """Have Clair pull and read an image; it knows at once what it has read before. Return its report and state.

        The state is empty where Clair does not tell it.

        Raises:
            ClairBusyError: Clair indexes as many images as it may.
            UnsupportedImageError: A layer is not an archive.
        """
        manifest = manifest_of(image, tuple(accesses))
        unread = (HTTPStatus.TOO_MANY_REQUESTS,)  # its body breaks off
        answer = await self._indexer.request(
            "POST", INDEX_REPORT, json=manifest, headers=self._headers(), unread=unread
        )
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise ClairBusyError(str(_refusal(answer, "indexer")))
        if answer.status == HTTPStatus.BAD_REQUEST and read_error(answer.body).startswith(_NOT_A_LAYER):
            raise UnsupportedImageError(str(_refusal(answer, "indexer")))
        if answer.status not in {HTTPStatus.CREATED, HTTPStatus.OK}:
            raise _refusal(answer, "indexer")
        what = "Clair's index report"
        report = await answer.parse(lambda answer: read_answer(answer.body, IndexReport, what))
        if report.manifest_hash != image.digest:
            fault = f"$.manifest_hash: expected {image.digest}, got {report.manifest_hash!r:.100}"
            raise InvalidReportError(f"{what} is about another image", faults=[fault])
        if report.err:
            return _masked(report, answer), ""
        return report, answer.headers.get("Etag", "").strip('"')

    async def fetch_state(self, timeout: float = QUESTION_TIMEOUT) -> str:
        """Return the indexer's state: another one than before means that it sees more in an image."""
        answer = await self._indexer.request("GET", INDEX_STATE, headers=self._headers(), timeout=timeout)
        if answer.status != HTTPStatus.OK:
            raise _refusal(answer, "indexer")
        return read_answer(answer.body, IndexStateAnswer, "Clair's index state").state

    async def fetch_report(self, digest: str) -> HttpAnswer:
        """Return the unread answer with an image's vulnerabilities: its status is 200, 202 (no data yet) or 404."""
        headers: Mapping[str, str | Secret] = {
            **self._headers(),
            "Cache-Control": "no-cache",  # Clair lets proxies keep it for six hours
        }
        answer = await self._matcher.request("GET", REPORT + digest, headers=headers)
        if answer.status == HTTPStatus.ACCEPTED or (answer.status == HTTPStatus.NOT_FOUND and read_error(answer.body)):
            return answer
        if answer.status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
            raise _refusal(answer, "matcher")
        return answer

    async def fetch_operations(self, timeout: float = QUESTION_TIMEOUT) -> UpdateOperations | None:
        """Return the last operation of each updater; None where Clair does not show them."""
        answer = await self._matcher.request("GET", OPERATIONS, headers=self._headers(), timeout=timeout)
        if answer.status in _UNTOLD:
            return None
        if answer.status != HTTPStatus.OK:
            raise _refusal(answer, "matcher")
        what, kind = "Clair's list of updates", UpdateOperations | None
        found: UpdateOperations | None = await answer.parse(lambda answer: read_answer(answer.body, kind, what))  # type: ignore[arg-type]
        return found or {}

    async def ask_introspection(self) -> int:
        """Return the status of the introspection port's health endpoint."""
        backend = HttpBackend(self._context, self._settings.introspection, max_body=1024)
        return (await backend.request("GET", "/healthz", timeout=HEALTH_TIMEOUT)).status

    def _headers(self) -> Mapping[str, Secret]:
        if not self._settings.psk:
            return {}
        token = sign(self._settings.key, self._settings.issuer, int(time.time()) + TOKEN_LASTS)
        return {"Authorization": Secret(f"Bearer {token}")}


def sign(key: bytes, issuer: str, expires: int) -> str:
    """Return a JSON web token, signed with HMAC and SHA-256.

    Args:
        key: The key that Clair has too.
        issuer: A name that Clair accepts with this key.
        expires: When Clair no longer accepts it, in seconds since 1970.
    """
    claims = ({"alg": "HS256", "typ": "JWT"}, {"iss": issuer, "exp": expires})
    text = ".".join(_encoded(json.dumps(one, separators=(",", ":")).encode()) for one in claims)
    return f"{text}.{_encoded(hmac.digest(key, text.encode(), hashlib.sha256))}"


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _masked(report: IndexReport, answer: HttpAnswer) -> IndexReport:
    """Return a report whose error does not show what Clair was given to pull with."""
    err = one_line(answer.mask(report.err or ""), _LONGEST_MESSAGE)
    return IndexReport(manifest_hash=report.manifest_hash, state=report.state, success=report.success, err=err)


def _refusal(answer: HttpAnswer, who: str) -> ScannerError:
    """Return the error that an answer means which is not a success."""
    body = answer.body[:_MOST_READ]
    own = read_error(body)
    is_refusal = answer.status >= HTTPStatus.BAD_REQUEST  # of others the body may be an echo, credentials included
    said = one_line(answer.mask(own or body.decode(errors="replace")), _LONGEST_MESSAGE) if is_refusal else ""
    text = f"Clair's {who} answered HTTP {answer.status}" + (f", {said!r}" if said else "")
    if answer.unavailable:
        return ScannerUnavailableError(text)
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return ScannerError(f"{text}: check psk and issuer, or the account, and this machine's clock")
    return ScannerError(text if own else f"{text}: `{_SETTING[who]}` must be the base URL of Clair's {who}")


_SETTING = {"indexer": "server", "matcher": "matcher` (or `server"}
