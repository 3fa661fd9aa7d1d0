"""HTTP sessions, the TLS that the configuration wants for them, and why an exchange broke."""

from __future__ import annotations

import os
import ssl

import aiohttp

from .settings import RegistrySettings

CONNECT_TIMEOUT = 5.0
"""Seconds to connect, TLS included."""


_BROKEN: tuple[tuple[type[BaseException], str], ...] = (
    (aiohttp.ClientConnectorCertificateError, "has a certificate that can't be verified"),
    (aiohttp.ClientConnectorSSLError, "does not speak TLS as expected"),
    (aiohttp.ClientConnectorDNSError, "can't be found: unknown host"),
    (aiohttp.ServerDisconnectedError, "closed the connection without an answer"),
    (aiohttp.ClientPayloadError, "broke off in the middle of its answer"),
    (TimeoutError, "did not answer in time"),
    (aiohttp.InvalidURL, "has an address that is not a valid URL"),
)


def make_tls(ca_file: str, *, insecure: bool) -> ssl.SSLContext | bool:
    """Return what aiohttp wants as ``ssl``: the system's authorities, a CA file, or no verification.

    Raises:
        OSError: The file can't be read or holds no certificate (`ssl.SSLError` is one).
    """
    if insecure:
        return False
    return ssl.create_default_context(cafile=ca_file) if ca_file else True


def open_session(tls: ssl.SSLContext | bool = True) -> aiohttp.ClientSession:
    """Open a session as this project uses it: no cookies, no total timeout, nothing from the environment."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
        headers={"User-Agent": "portus-scanners"},
        trust_env=False,
    )


async def read_bounded(response: aiohttp.ClientResponse, limit: int) -> bytes | None:
    """Return the decoded body, or None when it is longer than *limit* bytes."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > limit:
            response.close()
            return None
    return bytes(body)


def what_broke(error: BaseException) -> str:
    """Return the end of the sentence "SERVER ..." for an exception of aiohttp: no credentials, no addresses."""
    for kind, words in _BROKEN:
        if isinstance(error, kind):
            return words
    if not isinstance(error, OSError):
        return f"did not answer as HTTP servers do ({type(error).__name__})"
    what = "can't be reached" if isinstance(error, aiohttp.ClientConnectorError) else "broke the connection"
    number = error.errno or 0
    return f"{what}: {os.strerror(number)}" if number > 0 else what  # asyncio's own message has the address instead


class TlsFileError(Exception):
    """A file that can't be used; the message names it, and holds nothing of its content."""


class _PassphraseError(Exception):
    """The key has a passphrase."""


def make_context(settings: RegistrySettings) -> ssl.SSLContext | bool:
    """Return what aiohttp wants as ``ssl``. Blocking where files are named.

    Raises:
        TlsFileError: A file can't be read, or is not what it should be.
    """
    if not settings.client_cert and (settings.insecure or not settings.ca_file):
        return not settings.insecure
    context = _trust_nobody() if settings.insecure else _trust(settings.ca_file)
    if settings.client_cert:
        _add_client_certificate(context, settings.client_cert, settings.client_key)
    return context


def _trust(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        raise TlsFileError(f"the ca_file {ca_file} can't be used: {error.strerror or error}") from error


def _trust_nobody() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _add_client_certificate(context: ssl.SSLContext, certificate: str, key: str) -> None:
    files = f"client_cert {certificate}" + (f" with client_key {key}" if key else "")
    try:
        context.load_cert_chain(certificate, key or None, password=_refuse_passphrase)
    except _PassphraseError as error:
        advice = f"take it off: openssl pkey -in {key or certificate} -out NEW_FILE"
        raise TlsFileError(
            f"the key {key or certificate} has a passphrase, which can't be asked for; {advice}"
        ) from error
    except OSError as error:
        reason = error.strerror or "it is not a PEM file of a certificate and its key"
        raise TlsFileError(f"the {files} can't be used: {reason}") from error


def _refuse_passphrase() -> str:
    raise _PassphraseError
