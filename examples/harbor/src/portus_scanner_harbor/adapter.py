"""An adapter's API: its three requests, and the errors that refusals mean."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import quote, urlsplit

from attrs import evolve
from portus_scanners import InvalidReportError, ScannerError, ScannerUnavailableError, Secret, UnsupportedImageError
from portus_scanners.backends import HttpAnswer, HttpBackend, structure_answer

from .wire import REQUEST_TYPE, ErrorResponse, Metadata, ScanResponse

_NOT_PULLED = ("unauthorized", "401", "authentication required", "denied")


class ScanLostError(ScannerError):
    """A scan that was accepted, and is worth a second request: the adapter forgot it, or the registry refused."""


class Adapter:
    """The API of one adapter.

    Args:
        backend: The adapter's server, with credentials.
    """

    def __init__(self, backend: HttpBackend) -> None:
        self._backend = backend
        self._secrets: frozenset[Secret] = frozenset()

    async def fetch_metadata(self, *, timeout: float | None = None) -> Metadata:
        """Return what the adapter can do."""
        answer = await self._backend.request("GET", "/api/v1/metadata", timeout=timeout)
        if answer.status != HTTPStatus.OK:
            raise _error_of(answer, "asked for its metadata")
        return structure_answer(answer.json(), Metadata, "the adapter's metadata")

    async def start(self, authorization: str, registry: str, request: Mapping[str, object]) -> str:
        """Request a scan, and return its id.

        Args:
            authorization: The header with which the adapter pulls from the registry.
            registry: The registry's URL.
            request: The other members of the request.
        """
        self._secrets |= {Secret(authorization)}  # later answers may quote them too
        value = {"registry": {"url": registry, "authorization": Secret(authorization)}, **request}
        answer = self._masked(
            await self._backend.request("POST", "/api/v1/scan", json=value, headers={"Content-Type": REQUEST_TYPE})
        )
        if answer.status not in {HTTPStatus.ACCEPTED, HTTPStatus.OK, HTTPStatus.CREATED}:
            raise _error_of(answer, "asked to scan")
        return structure_answer(answer.json(), ScanResponse, "the adapter's answer").id

    async def fetch_report(self, scan_id: str, report_type: str) -> HttpAnswer:
        """Return the report, or the answer that the scan is still running; see `is_working`."""
        path = _report_path(scan_id)
        answer = self._masked(await self._backend.request("GET", path, headers={"Accept": report_type}))
        if answer.status == HTTPStatus.OK or is_working(answer, scan_id):
            return answer
        raise _error_of_scan(answer)

    def _masked(self, answer: HttpAnswer) -> HttpAnswer:
        return evolve(answer, secrets=answer.secrets | self._secrets)


def is_working(answer: HttpAnswer, scan_id: str) -> bool:
    """Return whether an answer means "ask again later": a redirect to the report itself, or without a target."""
    if answer.status != HTTPStatus.FOUND:
        return False
    try:
        target = urlsplit(answer.headers.get("Location", "")).path
    except ValueError:
        return False
    return not target or target.endswith(_report_path(scan_id).removeprefix("/api/v1"))


def _report_path(scan_id: str) -> str:
    return f"/api/v1/scan/{quote(scan_id, safe='', errors='replace')}/report"


def _error_of_scan(answer: HttpAnswer) -> ScannerError:
    """Return the error of a scan that was accepted; a 500 with a message means that the scan failed."""
    if answer.status == HTTPStatus.NOT_FOUND:
        return ScanLostError("the adapter no longer knows the scan that it had accepted (HTTP 404)")
    said = _message(answer)
    if answer.status != HTTPStatus.INTERNAL_SERVER_ERROR or not said:
        return _error_of(answer, "asked for the report")
    kind = ScanLostError if any(word in said.casefold() for word in _NOT_PULLED) else ScannerError
    return kind(f"the adapter could not scan the image: {said}")


def _error_of(answer: HttpAnswer, when: str) -> ScannerError:
    said = _message(answer) or answer.excerpt
    text = f"the adapter answered HTTP {answer.status} when {when}" + (f": {said}" if said else "")
    if answer.status == HTTPStatus.NOT_IMPLEMENTED:
        return UnsupportedImageError(text)
    if answer.unavailable:
        return ScannerUnavailableError(text)
    if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return ScannerError(f"{text}; set auth and access_credential as the adapter wants them")
    return ScannerError(f"{text}; is `server` the base URL of an adapter (what stands before /api/v1)?")


def _message(answer: HttpAnswer) -> str:
    """Return the message of an error document without secrets that the adapter may quote; empty if there is none."""
    try:
        error = structure_answer(answer.json(), ErrorResponse, "an error").error
    except InvalidReportError:
        return ""
    return evolve(answer, body=error.message.encode(errors="replace")).excerpt
