"""Credentials that come with a request of Harbor's: read, encrypted for the database, and read back.

They are encrypted with AES-GCM and a nonce of their own, and bound to the id of the request that brought them: what is
copied into another row can't be opened there.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from typing import Any

from portus_images import RegistryAuthError, Secret, SettingsError

_NONCE_BYTES = 12
_VISIBLE = r"[\x21-\x7e]+"


class Sealer:
    """Encrypts what Harbor's registry may be pulled with; the key is 32 bytes in base64."""

    def __init__(self, key: Secret) -> None:
        try:
            from cryptography.exceptions import InvalidTag
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ImportError:
            raise SettingsError("harbor: for its key: pip install 'portus-scan-server[harbor]'") from None
        self._cipher = AESGCM(base64.b64decode(key.reveal()))
        self._faults = (InvalidTag, ValueError)

    def seal(self, uid: str, authorization: Secret) -> bytes:
        """Return a header's value, encrypted for one request."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, authorization.reveal().encode(), uid.encode())

    def unseal(self, uid: str, sealed: bytes) -> Secret:
        """Return a header's value.

        Raises:
            RegistryAuthError: It can't be read: another key has encrypted it, or it belongs to another request.
        """
        try:
            said = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], uid.encode())
        except self._faults:
            raise unusable("can't be read: has this process the key_file of the one that took them?") from None
        return Secret(said.decode())


def unusable(why: str) -> RegistryAuthError:
    """Return the error of credentials with which a registry can't even be asked."""
    return RegistryAuthError(f"the credentials that Harbor has sent {why}", registry="", step="token")


def read_authorization(authorization: Secret) -> dict[str, Any]:
    """Return the members of `RegistrySettings` for a value of ``Authorization``; none for an empty one.

    Raises:
        ValueError: It is not a way to log in that Harbor has; the message does not repeat it.
    """
    scheme, _, value = authorization.reveal().partition(" ")
    value = value.strip()
    if not scheme:
        return {}
    if scheme.lower() == "bearer" and re.fullmatch(_VISIBLE, value):
        return {"registry_token": Secret(value)}
    try:
        username, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        username = colon = password = ""
    if scheme.lower() != "basic" or not (username and colon and password) or not (username + password).isprintable():
        raise ValueError("expected Basic with a name and a password in base64, or Bearer with a token")
    return {"username": username, "password": Secret(password)}
