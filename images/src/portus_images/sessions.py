"""HTTP sessions, the TLS that the configuration wants for them, and why an exchange broke."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Sequence
from typing import Any

import aiohttp

CONNECT_TIMEOUT = 5.0
"""Seconds to connect, TLS included."""
_OTHER_HOST = (
    "has a certificate for another host",
    "use a name or address that is in the certificate, or get one for this host",
)
_CERTIFICATE_FAULTS = {
    9: ("has a certificate that is not valid yet", "check the clocks of the server and of this machine"),
    10: (
        "has a certificate that has expired",
        "renew it at the server; if it is still valid, check this machine's clock",
    ),
    62: _OTHER_HOST,
    64: _OTHER_HOST,
}
"""By OpenSSL's code (``X509_V_ERR_CERT_NOT_YET_VALID``, ``_CERT_HAS_EXPIRED``, ``_HOSTNAME_MISMATCH``,
``_IP_ADDRESS_MISMATCH``): what is wrong, and what to do."""

_BROKEN: tuple[tuple[type[BaseException], str], ...] = (
    (aiohttp.ClientConnectorCertificateError, "has a certificate that can't be verified"),
    (aiohttp.ClientConnectorSSLError, "does not speak TLS as expected"),
    (aiohttp.ClientConnectorDNSError, "can't be found: unknown host"),
    (aiohttp.ServerDisconnectedError, "closed the connection without an answer"),
    (aiohttp.ClientPayloadError, "broke off in the middle of its answer"),
    (TimeoutError, "did not answer in time"),
    (aiohttp.InvalidURL, "has an address that is not a valid URL"),
)


class RefusedAddressError(OSError):
    """An address that must not be connected to; the message is the end of the sentence "SERVER ..."."""


class TlsFileError(OSError):
    """A file that can't be used for TLS; the message names it, and holds nothing of its content."""


class _PassphraseError(Exception):
    """The key has a passphrase."""


def make_tls(
    ca_file: str = "", client_cert: str = "", client_key: str = "", *, insecure: bool = False
) -> ssl.SSLContext | bool:
    """Return what aiohttp wants as ``ssl``. Reading the files blocks.

    Args:
        ca_file: PEM file of the authority that has to have signed a server's certificate; empty for the system's.
        client_cert: PEM file of the certificate to show to a server that asks for one; empty for none.
        client_key: PEM file of its key, without a passphrase; if empty, it is in the file of the certificate.
        insecure: Do not verify a server's certificate.

    Raises:
        TlsFileError: A file can't be read, or is not what it should be.
    """
    if not client_cert and (insecure or not ca_file):
        return not insecure
    context = _trust_nobody() if insecure else _trust(ca_file)
    if client_cert:
        _add_client_certificate(context, client_cert, client_key)
    return context


def open_session(
    tls: ssl.SSLContext | bool = True,
    middlewares: Sequence[aiohttp.ClientMiddlewareType] = (),
    make_socket: Callable[[Any], Any] | None = None,
) -> aiohttp.ClientSession:
    """Open a session as this project uses it: no cookies, no total timeout, nothing from the environment.

    Args:
        tls: What `make_tls` returns.
        middlewares: What each request goes through, redirected ones as well.
        make_socket: Makes the socket for an address, after a name was resolved; raises `RefusedAddressError`.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls, socket_factory=make_socket),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
        headers={"User-Agent": "portus-scanners"},
        trust_env=False,
        middlewares=middlewares,
    )


async def read_bounded(response: aiohttp.ClientResponse, limit: int) -> bytes | None:
    """Return the decoded body, or None when it is longer than *limit* bytes."""
    if response.content.is_eof():  # all of it has come, with the headers
        whole = response.content.read_nowait()
        return whole if len(whole) <= limit else None
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > limit:
            response.close()
            return None
    return bytes(body)


def what_broke(error: BaseException) -> str:
    """Return the end of the sentence "SERVER ..." for an exception of aiohttp: no credentials, no addresses."""
    if fault := _certificate_fault(error):
        return fault[0]
    if isinstance(refused := getattr(error, "os_error", None), RefusedAddressError):
        return str(refused)
    for kind, words in _BROKEN:
        if isinstance(error, kind):
            return words
    if not isinstance(error, OSError):
        return f"did not answer as HTTP servers do ({type(error).__name__})"
    what = "can't be reached" if isinstance(error, aiohttp.ClientConnectorError) else "broke the connection"
    number = error.errno or 0
    return f"{what}: {os.strerror(number)}" if number > 0 else what  # asyncio's own message has the address instead


def advise_on_tls(error: BaseException, ca_file: str, client_cert: str, plain: str) -> str:
    """Return what to do about an exception of aiohttp that TLS is the cause of; empty for any other.

    Args:
        error: The exception.
        ca_file: How the setting for a server's authority is called: ``ca_file``.
        client_cert: How the setting for a client certificate is called.
        plain: How to ask for plain HTTP.
    """
    if fault := _certificate_fault(error):
        return fault[1]
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"give its authority as {ca_file}"
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return f"if it speaks plain HTTP only: {plain}"
    if isinstance(error, aiohttp.ClientConnectorError):
        return ""
    if isinstance(error, (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        # TLS 1.3: a server that misses a certificate breaks the connection after the handshake
        return f"if it wants a client certificate: {client_cert}"
    return ""


def _certificate_fault(error: BaseException) -> tuple[str, str] | None:
    """Return what is wrong with a certificate that a right authority does not make valid, and what to do about it."""
    reason = getattr(error, "certificate_error", None)
    return _CERTIFICATE_FAULTS.get(getattr(reason, "verify_code", 0))


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
        msg = f"the key {key or certificate} has a passphrase, which can't be asked for; {advice}"
        raise TlsFileError(msg) from error
    except OSError as error:
        reason = error.strerror or "it is not a PEM file of a certificate and its key"
        raise TlsFileError(f"the {files} can't be used: {reason}") from error


def _refuse_passphrase() -> str:
    raise _PassphraseError
