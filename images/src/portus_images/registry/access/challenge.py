"""What a registry wants to see before it answers (the header ``WWW-Authenticate``), and where it sends us for tokens.

Source: RFC 9110, section 11.6.1; the parameters of Bearer: distribution's ``docs/spec/auth/token.md``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from attrs import field, frozen
from yarl import URL

from ...errors import RegistryAuthError
from ..exchange import tidy
from ..hosts import HostSettings, is_loopback

_SEPARATORS = r"[\s,]*"
_SCHEME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+(?=[\s,]|$)"
_TOKEN68 = r"[ \t]+([A-Za-z0-9._~+/-]+=*)[ \t]*(?=,|$)"
_PARAMETER = r"""([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))(?=[\s,]|$)"""
_ESCAPED = r"\\(.)"


@frozen
class Right:
    """What a client may ask a registry to be allowed.

    Source: distribution's ``docs/spec/auth/scope.md``.
    """

    name: str
    """What it is for, in messages: the repository's name."""
    scope: str
    """The scope that is asked for: ``repository:team/app:pull``."""
    repository: str = ""
    """Whose credentials are looked for; those of the registry where empty."""

    @classmethod
    def to_pull(cls, repository: str) -> Right:
        """Return the right to pull from one repository."""
        return cls(repository, f"repository:{repository}:pull", repository)


CATALOG = Right("the list of repositories", "registry:catalog:*")
"""The right to see which repositories there are."""


@frozen
class Challenge:
    """One way to log in that a registry offers."""

    scheme: str
    """In lower case: ``bearer``, ``basic``."""
    parameters: Mapping[str, str] = field(factory=dict)
    """Names in lower case; values without quotes."""


def parse_challenges(values: Iterable[str]) -> tuple[Challenge, ...]:
    """Return the challenges of all ``WWW-Authenticate`` headers of an answer, in their order.

    What follows the first fault in a header is left out. Of a parameter that is named twice the first counts.
    """
    return tuple(challenge for value in values for challenge in _parse_header(value))


def _parse_header(value: str) -> Iterable[Challenge]:
    position = _skip_separators(value, 0)
    while scheme := re.compile(_SCHEME).match(value, position):
        parameters, position = _parse_parameters(value, scheme.end())
        yield Challenge(scheme.group().lower(), parameters)
        position = _skip_separators(value, position)


def _parse_parameters(value: str, position: int) -> tuple[dict[str, str], int]:
    """Return the parameters that begin here and where the next challenge begins."""
    if token68 := re.compile(_TOKEN68).match(value, position):
        return {}, token68.end()
    parameters: dict[str, str] = {}
    while parameter := re.compile(_PARAMETER).match(value, _skip_separators(value, position)):
        name, quoted, bare = parameter.groups()
        parameters.setdefault(name.lower(), bare if quoted is None else re.sub(_ESCAPED, r"\1", quoted))
        position = parameter.end()
    return parameters, position


def _skip_separators(value: str, position: int) -> int:
    match = re.compile(_SEPARATORS).match(value, position)
    return match.end() if match else position


@frozen(kw_only=True)
class Realm:
    """The token service for one right."""

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

    The same rules bind an anonymous request: its token would be known to every listener.

    Over plain HTTP a realm may only be asked when it is on this machine like the registry, when it is the host of a
    registry that speaks plain HTTP itself, or when the configuration says that its host is ``insecure``. One that
    begins with a slash is on the registry's own host.

    Raises:
        RegistryAuthError: It is not a valid address, or must not be asked.
    """
    realm, fault = _parse(address, service, base), ""
    if realm is None:
        fault = f"the registry names no usable address for its tokens: {tidy(address)!r}; "
        fault += "check the registry's configuration (realm)"
    elif realm.scheme != "https" and not _may_be_plain(realm, base, settings):
        fault = f"its tokens are issued by {realm.host} over plain HTTP, where credentials are not sent; "
        fault += f"let the registry name an https address{_how_to_allow(realm, base)}"
    if realm is None or fault:
        raise RegistryAuthError(f"{registry}, token: {fault}", registry=registry, step="token")
    return Realm(url=realm, service=service, right=right)


def _how_to_allow(realm: URL, base: URL) -> str:
    """Return the setting that allows a plain realm; not for another host: no registry may choose who gets passwords."""
    return f", or set registries: {realm.raw_authority}: insecure: true" if realm.host == base.host else ""


def _parse(address: str, service: str, base: URL) -> URL | None:
    try:
        service.encode()  # half a surrogate pair can't be sent either
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
