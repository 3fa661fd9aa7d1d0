"""TLS as the configuration of one registry wants it."""

from __future__ import annotations

import ssl

from ...settings import RegistrySettings


class TlsFileError(Exception):
    """A file that can't be used; the message names it and nothing of its content."""


class _PassphraseError(Exception):
    """The key has one."""


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
            f"the key {key or certificate} has a passphrase, which nobody is asked for; {advice}"
        ) from error
    except OSError as error:
        reason = error.strerror or "it is no PEM file of a certificate and its key"
        raise TlsFileError(f"the {files} can't be used: {reason}") from error


def _refuse_passphrase() -> str:
    raise _PassphraseError
