"""The ways on which a message goes out: a signed POST in the form of Standard Webhooks, and apprise.

A webhook's address is checked at the connection, as a registry's is: the configured host may be on this machine or in a
private network, link-local addresses are never connected to, and a redirect is not followed. What apprise connects to
is its own business: a host that its address names is resolved, and looked at, before each message, which then resolves
it again.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import logging
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from hashlib import sha256
from typing import Any, Protocol

import aiohttp
from portus_images import PortusError, SettingsError, TlsFileError, make_tls, open_session, read_retry_after, what_broke

from ..addresses import AddressError, make_socket, may_connect
from .messages import NewsMessage
from .news_settings import AppriseTarget, Notifications, WebhookTarget

_TIMEOUT = 15.0
"""Seconds that a receiver has."""
_GONE = 410
_REDIRECT, _REFUSED = 300, 400
_REFUSED_ADDRESS = "has an address that must not be connected to"
_LOG_OF_APPRISE = "apprise"


class NotToldError(PortusError):
    """A message that has not arrived; the words hold no secret.

    Attributes:
        for_ever: Whether the receiver wants nothing any longer.
        wait: Seconds that the receiver has asked to wait; None where it has not.
    """

    def __init__(self, message: str, *, for_ever: bool = False, wait: float | None = None) -> None:
        super().__init__(message)
        self.for_ever = for_ever
        self.wait = wait


class NewsChannel(Protocol):
    """One receiver."""

    async def tell(self, message: NewsMessage) -> None:
        """Send a message.

        Raises:
            NotToldError: It has not arrived, or nobody knows.
        """


class Webhook:
    """A receiver of signed POST requests.

    Args:
        target: Where, and with which key.
        http: A session for it alone.
    """

    def __init__(self, target: WebhookTarget, http: aiohttp.ClientSession) -> None:
        self._target = target
        self._http = http

    async def tell(self, message: NewsMessage) -> None:
        """Send a message; see `NewsChannel`."""
        body = message.body.encode("ascii")
        headers = {"Content-Type": "application/json", **sign(self._target.key, message.id, int(time.time()), body)}
        limit = aiohttp.ClientTimeout(total=_TIMEOUT)
        try:
            async with self._http.post(
                self._target.url, data=body, headers=headers, timeout=limit, allow_redirects=False
            ) as answer:
                status, wait = answer.status, read_retry_after(answer.headers)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            refused = isinstance(getattr(error, "os_error", None), AddressError)
            raise NotToldError(f"{self._target.name} {_REFUSED_ADDRESS if refused else what_broke(error)}") from error
        if status >= _REDIRECT:
            redirect = ": a redirect is not followed" if status < _REFUSED else ""
            raise NotToldError(f"{self._target.name} answered {status}{redirect}", for_ever=status == _GONE, wait=wait)


def sign(key: bytes, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the headers of a signed message, as Standard Webhooks has them.

    Args:
        key: The shared key.
        message_id: The message's id: the same each time that it is sent.
        timestamp: Seconds since 1970, of this sending.
        body: What is sent.
    """
    signed = hmac.new(key, b".".join([message_id.encode(), str(timestamp).encode(), body]), sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }


class AppriseChannel:
    """A receiver that apprise reaches.

    Args:
        target: Where.

    Raises:
        SettingsError: apprise is not installed, or does not know such an address.
    """

    def __init__(self, target: AppriseTarget) -> None:
        place = f"notifications.apprise.{target.name}"
        try:
            import apprise
        except ImportError:
            raise SettingsError(f"{place}: for apprise: pip install 'portus-scan-server[apprise]'") from None
        logging.getLogger(_LOG_OF_APPRISE).setLevel(logging.CRITICAL)  # its lines may hold what an address holds
        asset = apprise.AppriseAsset(storage_mode=apprise.PersistentStoreMode.MEMORY, http_redirects=False)
        self._name = target.name
        self._apprise: Any = apprise.Apprise(asset=asset)
        if not self._apprise.add(target.url.reveal()):
            raise SettingsError(
                f"{place}: apprise does not know such an address: https://github.com/caronc/apprise/wiki"
            )
        self._format = apprise.NotifyFormat.TEXT

    async def tell(self, message: NewsMessage) -> None:
        """Send a message; see `NewsChannel`."""
        try:
            arrived = await asyncio.to_thread(self._send, message)
        except Exception as error:  # foreign code: what a service's module of apprise does
            raise NotToldError(f"{self._name}: apprise failed ({type(error).__name__})") from error
        if not arrived:
            raise NotToldError(f"{self._name}: apprise could not send it")

    def _send(self, message: NewsMessage) -> bool:
        for one in self._apprise:
            if "host" in one.template_tokens:  # else that member may be a secret, which no name server may see
                for found in socket.getaddrinfo(one.host, None):
                    if not may_connect(str(found[4][0]), is_configured=True):
                        raise AddressError(_REFUSED_ADDRESS)
        said = {"title": message.title, "body": message.text, "body_format": self._format}
        return bool(self._apprise.notify(**said, timeout=_TIMEOUT))


@asynccontextmanager
async def open_channels(
    notifications: Notifications, names: Sequence[str] | None = None
) -> AsyncIterator[dict[str, NewsChannel]]:
    """Yield the channels, by name.

    Args:
        notifications: The configuration.
        names: Only these; all where None.

    Raises:
        SettingsError: A file of an authority can't be used, or apprise is missing or does not know an address.
    """
    async with AsyncExitStack() as stack:
        found: dict[str, NewsChannel] = {}
        for target in notifications.targets:
            if names is not None and target.name not in names:
                continue
            if isinstance(target, AppriseTarget):
                found[target.name] = await asyncio.to_thread(AppriseChannel, target)
                continue
            try:
                tls = await asyncio.to_thread(make_tls, target.ca_file)
            except TlsFileError as error:
                raise SettingsError(f"notifications.webhooks.{target.name}: {error}") from error
            http = await stack.enter_async_context(open_session(tls, make_socket=make_socket))
            found[target.name] = Webhook(target, http)
        yield found
