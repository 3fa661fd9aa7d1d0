"""Where a registry sends us for tokens, and whether we go there."""

from __future__ import annotations

from attrs import field, frozen
from yarl import URL

from ...errors import RegistryAuthError
from ..answers import tidy
from ..hosts import HostSettings, is_loopback
from .right import Right


@frozen(kw_only=True)
class Realm:
    """Where the tokens for one right are issued."""

    url: URL = field(repr=False)
    service: str = ""
    right: Right
    """What is asked for, whatever else the registry proposed."""

    @property
    def request_url(self) -> URL:
        """The address to ask."""
        query = {"service": self.service} if self.service else {}
        return self.url.update_query(query | {"scope": self.right.scope})


def make_realm(address: str, service: str, right: Right, registry: str, base: URL, settings: HostSettings) -> Realm:
    """Return the realm that a challenge names, if it may be asked.

    An anonymous request is bound by the same rules: its token would be known to whoever listens.

    Over plain HTTP it may only be asked when it is on this machine like the registry, when it is the host of a
    registry that speaks plain HTTP itself, or when the configuration says that its host is ``insecure``. One that
    begins with a slash is on the registry's own host.

    Raises:
        RegistryAuthError: It is no address, or must not be asked.
    """
    realm = _parse(address, service, base)
    if realm is None:
        raise RegistryAuthError(
            f"{registry}, token: the registry names no usable address for its tokens: {tidy(address)!r}; "
            "check the registry's configuration (realm)",
            registry=registry,
            step="token",
        )
    if realm.scheme != "https" and not _may_be_plain(realm, base, settings):
        raise RegistryAuthError(
            f"{registry}, token: its tokens are issued by {realm.host} over plain HTTP, where credentials are not "
            f"sent; let the registry name an https address{_how_to_allow(realm, base)}",
            registry=registry,
            step="token",
        )
    return Realm(url=realm, service=service, right=right)


def _how_to_allow(realm: URL, base: URL) -> str:
    """Return the setting that lets it be asked. Not for another host: a registry must not choose who gets passwords."""
    return f", or set registries: {realm.raw_authority}: insecure: true" if realm.host == base.host else ""


def _parse(address: str, service: str, base: URL) -> URL | None:
    try:
        service.encode()  # what is no text can't be sent either
        url = URL(address)
        url = (base.join(url) if address.startswith("/") else url).with_fragment(None)
        usable = url.scheme in {"http", "https"} and url.host and url.port and not url.user and not url.password
    except ValueError:
        return None
    return url if usable else None


def _may_be_plain(realm: URL, base: URL, settings: HostSettings) -> bool:
    both_here = is_loopback(realm.host) and is_loopback(base.host)
    same_host = base.scheme == "http" and realm.host == base.host
    return both_here or same_host or settings.find_for(realm).insecure
