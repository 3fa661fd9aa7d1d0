"""The section ``notifications:`` of the configuration: what is told, and to whom."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from attrs import Attribute, field, frozen
from portus_images import Seconds, Secret, SettingsError, variable_name
from portus_scanners import Severity
from portus_scanners.settings import SettingsFaults, structure_section

from ..settings import read_secret, values_of

_NAME = r"[a-z0-9][a-z0-9._-]{0,63}"
_PREFIX = "whsec_"
_SHORTEST_KEY, _LONGEST_KEY = 24, 64
_DAY = 86_400.0


def _check_url(_settings: object, _attribute: Attribute[Any], value: str) -> None:
    try:
        url = urlsplit(value)
        is_valid = url.scheme in {"http", "https"} and bool(url.hostname) and "@" not in url.netloc
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ValueError("url must be http:// or https:// and a host, without a user: https://hooks.example/portus")


@frozen(kw_only=True)
class WebhookSettings:
    """Somebody who is told by a signed POST.

    Attributes:
        url: Where to.
        secret: ``whsec_`` and 24 to 64 random bytes in base64: what a signature is made with.
        secret_file: A file with it.
        secret_env: An environment variable with it.
        ca_file: PEM file of the authority of the receiver's certificate; empty for the system's.
    """

    url: str = field(validator=_check_url)
    secret: Secret = field(factory=Secret)
    secret_file: str = ""
    secret_env: str = field(default="", validator=variable_name)
    ca_file: str = ""


@frozen(kw_only=True)
class AppriseSettings:
    """Somebody who is told by apprise.

    Attributes:
        url: The address as apprise writes it: ``mailtos://...``, ``slack://...``. It may hold a password.
        url_file: A file with it.
        url_env: An environment variable with it.
    """

    url: Secret = field(factory=Secret)
    url_file: str = ""
    url_env: str = field(default="", validator=variable_name)


@frozen(kw_only=True)
class NotificationSettings:
    """The section ``notifications:``. Without a webhook and without apprise nothing is told.

    Attributes:
        severity: The lowest severity of a new vulnerability that is told.
        down: Seconds for which a backend has to be down before that is told.
        data_age: How many seconds old a backend's data may be before that is told.
        webhooks: Who is told by a signed POST, by name.
        apprise: Who is told by apprise, by name.
    """

    severity: Severity = Severity.HIGH
    down: Seconds = 600.0
    data_age: Seconds = 3 * _DAY
    webhooks: Mapping[str, WebhookSettings] = field(factory=dict)
    apprise: Mapping[str, AppriseSettings] = field(factory=dict)

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of everybody who is told."""
        return (*self.webhooks, *self.apprise)


@frozen(kw_only=True)
class WebhookTarget:
    """A webhook, ready to be used.

    Attributes:
        name: Its name in the configuration.
        url: Where to.
        key: What a signature is made with.
        ca_file: See `WebhookSettings`.
    """

    name: str
    url: str
    key: bytes = field(repr=False)
    ca_file: str = ""


@frozen(kw_only=True)
class AppriseTarget:
    """Somebody whom apprise reaches.

    Attributes:
        name: The name in the configuration.
        url: The address as apprise writes it.
    """

    name: str
    url: Secret


@frozen(kw_only=True)
class Notifications:
    """What is told, and to whom.

    Attributes:
        settings: The section.
        targets: Everybody, in the order of the configuration.
    """

    settings: NotificationSettings = field(factory=NotificationSettings)
    targets: tuple[WebhookTarget | AppriseTarget, ...] = ()


def read_notifications(
    document: Mapping[str, Any], environ: Mapping[str, str], *, with_secrets: bool = True
) -> Notifications:
    """Return the section ``notifications:`` of a configuration.

    Args:
        document: The configuration's top level.
        environ: Environment variables.
        with_secrets: Whether the secrets that it names are read as well; without them there are no targets.

    Raises:
        SettingsError: One line for each fault.
    """
    values = values_of(document, "notifications", "{webhooks: {team: {url: ..., secret_file: ...}}}") or {}
    settings = structure_section(values, NotificationSettings, {}, "notifications")
    faults = SettingsFaults(_faults_of_names(settings))
    faults.check()
    if not with_secrets:
        return Notifications(settings=settings)
    targets: list[WebhookTarget | AppriseTarget] = []
    for name, hook in settings.webhooks.items():
        with faults.collect():
            targets.append(_webhook(name, hook, environ))
    for name, one in settings.apprise.items():
        with faults.collect():
            place = f"notifications.apprise.{name}"
            url = read_secret(place, "url", one.url, one.url_file, one.url_env, environ)
            targets.append(AppriseTarget(name=name, url=url))
    faults.check()
    return Notifications(settings=settings, targets=tuple(targets))


def _faults_of_names(settings: NotificationSettings) -> Iterator[str]:
    for name in (*settings.webhooks, *settings.apprise):
        if not re.fullmatch(_NAME, name):
            yield f"notifications: {name!r} is not a valid name: write a-z, 0-9, ., - and _, 64 at most"
    for name in sorted({*settings.webhooks} & {*settings.apprise}):
        yield f"notifications: {name} is the name of a webhook and of one of apprise: give each its own"


def _webhook(name: str, hook: WebhookSettings, environ: Mapping[str, str]) -> WebhookTarget:
    place = f"notifications.webhooks.{name}"
    secret = read_secret(place, "secret", hook.secret, hook.secret_file, hook.secret_env, environ).reveal()
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(_PREFIX) or not _SHORTEST_KEY <= len(key) <= _LONGEST_KEY:
        raise SettingsError(
            f"{place}: the secret is {_PREFIX} and {_SHORTEST_KEY} to {_LONGEST_KEY} random bytes in base64: "
            f'echo "{_PREFIX}$(openssl rand -base64 32)"'
        )
    return WebhookTarget(name=name, url=hook.url, key=key, ca_file=hook.ca_file)
