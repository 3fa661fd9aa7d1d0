"""The settings that every scanner has, and those of a scanner that talks to a server or runs a program."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from attrs import Attribute, field, frozen
from attrs.validators import ge, gt

if TYPE_CHECKING:
    import aiohttp

__all__ = ["HttpScannerSettings", "ProgramScannerSettings", "ScannerSettings", "session_for"]


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
        msg = f"{attribute.name} must be a URL such as http://backend.example:6060"
        raise ValueError(msg)
    if "@" in parts.netloc:
        msg = f"{attribute.name} must not contain credentials"
        raise ValueError(msg)
    if parts.query or parts.fragment:
        msg = f"{attribute.name} must be a plain base URL, without ? and #"
        raise ValueError(msg)


@frozen(kw_only=True)
class ScannerSettings:
    """What every scanner can be told. A plugin's own settings class derives from this one.

    Values come from the configuration and the environment, where all of them are strings; they are converted to the
    annotated types, and unknown keys are rejected.

    Attributes:
        server: Where the backend is. A scanner is enabled when this is not empty.
        enabled: Enables a scanner that needs no server; false disables one that has a server.
        timeout: Seconds for one image, from the moment that the scanner has its slot.
        concurrency: How many images at once; counted over all instances of one plugin with one server.
    """

    server: str = field(default="", converter=_without_slash)
    enabled: bool | None = None
    timeout: float = field(default=900.0, validator=gt(0))
    concurrency: int = field(default=4, validator=ge(1))


@frozen(kw_only=True)
class HttpScannerSettings(ScannerSettings):
    """Settings of a scanner whose backend is an HTTP server.

    Attributes:
        server: Base URL of the backend: ``http://clair.example:6060``.
        ca_file: PEM file of the authority that signed the server's certificate; the system's authorities where empty.
        insecure: Do not verify the server's certificate.
    """

    server: str = field(converter=_without_slash, validator=_check_base_url)
    ca_file: str = ""
    insecure: bool = False


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
    """Open the HTTP session of a scanner: ``ca_file`` and ``insecure`` count where its settings have them.

    Raises:
        OSError: The CA file can't be used.
    """
    from portus_images import make_tls, open_session  # aiohttp is not imported to read settings

    ca_file, insecure = getattr(settings, "ca_file", ""), getattr(settings, "insecure", False)
    return open_session(make_tls(ca_file, insecure=insecure))
