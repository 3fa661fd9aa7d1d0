"""The settings that every scanner has, those of a scanner that talks to a server or runs a program, and its session."""

from __future__ import annotations

from inspect import get_annotations
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from attrs import Attribute, field, frozen
from attrs.validators import ge, gt
from portus_images import Seconds, Secret, find_account_faults, variable_name

if TYPE_CHECKING:
    import aiohttp


def _without_slash(url: str) -> str:
    return url.strip().rstrip("/")


def _check_base_url(_instance: object, attribute: Attribute[str], value: str) -> None:
    """Raise a ValueError, which shows nothing of the value: a URL may contain a password."""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # the port is not a number, a bracket is not closed
        usable = False
    if not usable:
        raise ValueError(f"{attribute.name} must be a URL such as http://backend.example:6060")
    if "@" in parts.netloc:
        raise ValueError(f"{attribute.name} must not contain credentials: there are settings for them")
    if parts.query or parts.fragment:
        raise ValueError(f"{attribute.name} must be a plain base URL, without ? and #")


NOT_ISOLATED = "none"
"""The `isolation` of a scanner whose code runs in our own process, in a task that is watched."""


@frozen(kw_only=True)
class ScannerSettings:
    """What every scanner can be told. A plugin's own settings class derives from this one.

    Values come from the configuration and the environment, where all of them are strings; they are converted to the
    annotated types, and unknown keys are rejected.

    Attributes:
        server: Where the backend is. A scanner is enabled when this is not empty.
        enabled: Enables a scanner that needs no server; false disables one that has a server.
        timeout: Seconds, or a duration such as ``5m``, for one image, from the moment that the scanner has its slot.
        concurrency: How many images at once; counted over all instances of one plugin with one server.
        isolation: ``process`` runs the scanner's code in processes of its own, one for each image.
        memory_limit: MiB that each such process, and each that it starts, may have; 0 for no limit.
    """

    server: str = field(default="", converter=_without_slash)
    enabled: bool | None = None
    timeout: Seconds = field(default=900.0, validator=gt(0))
    concurrency: int = field(default=4, validator=ge(1))
    isolation: str = NOT_ISOLATED
    memory_limit: int = field(default=4096, validator=ge(0))


@frozen(kw_only=True)
class HttpScannerSettings(ScannerSettings):
    """Settings of a scanner whose backend is an HTTP server.

    The password and the token may each be given itself, in a file, or in an environment variable. They are sent to the
    server at `server` alone, with every request of the scanner's session that has no ``Authorization`` of its own. A
    plugin that defines `username`, `password` or `token` itself sends them itself.

    Attributes:
        server: Base URL of the backend: ``http://clair.example:6060``.
        username: Name of the user for Basic authentication; empty for none.
        password: The user's password.
        password_file: File with the password; read again after a minute.
        password_env: Environment variable with the password.
        token: A token for Bearer authentication.
        token_file: File with the token; read again after a minute.
        token_env: Environment variable with the token.
        ca_file: PEM file of the authority that signed the server's certificate; the system's authorities where empty.
        client_cert: PEM file of the client certificate that the server asks for.
        client_key: PEM file of its key, without a passphrase; where empty, the key is in the file of the certificate.
        insecure: Do not verify the server's certificate.
    """

    server: str = field(converter=_without_slash, validator=_check_base_url)
    username: str = ""
    password: Secret = field(factory=Secret)
    password_file: str = ""
    password_env: str = field(default="", validator=variable_name)
    token: Secret = field(factory=Secret)
    token_file: str = ""
    token_env: str = field(default="", validator=variable_name)
    ca_file: str = ""
    client_cert: str = ""
    client_key: str = ""
    insecure: bool = False

    def __attrs_post_init__(self) -> None:
        if _is_account_ours(type(self)) and (faults := find_account_faults(self)):
            raise ValueError("; ".join(faults))


def _is_account_ours(kind: type) -> bool:
    """Return whether a settings class has the account of `HttpScannerSettings`, and not one of the plugin's own."""
    names = ("username", "password", "token")
    homes = {next((one for one in kind.__mro__ if name in get_annotations(one)), None) for name in names}
    return homes == {HttpScannerSettings}


@frozen(kw_only=True)
class ProgramScannerSettings(ScannerSettings):
    """Settings of a scanner whose backend is a program on this machine.

    It needs no server: ``enabled: true`` enables it. A plugin gives the program's name as the default:
    ``program: str = "trivy"``.

    Attributes:
        program: A name that is looked up on ``PATH``, or a path.
    """

    program: str


def session_for(settings: ScannerSettings) -> aiohttp.ClientSession:
    """Open the HTTP session of a scanner: with the TLS and the account that its settings say. Reading files blocks.

    Raises:
        OSError: A file for TLS can't be used.
        SettingsError: A password or token can't be read, or can't be sent.
    """
    from portus_images import ServerAccount, make_tls, open_session  # aiohttp is not imported to read settings

    account = ServerAccount.of(settings, settings.server) if _is_account_ours(type(settings)) else None
    files = [str(getattr(settings, name, "")) for name in ("ca_file", "client_cert", "client_key")]
    return open_session(make_tls(*files, insecure=getattr(settings, "insecure", False)), [account] if account else [])
