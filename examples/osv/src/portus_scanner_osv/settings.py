"""The scanner's settings."""

from __future__ import annotations

from attrs import Attribute, field, frozen
from portus_scanners import HttpScannerSettings
from portus_scanners.backends import PathTemplate

PUBLIC_SERVER = "https://api.osv.dev"


def _plain_url(text: str) -> str:
    return text.strip().rstrip("/") or PUBLIC_SERVER


def _url(_instance: object, _attribute: Attribute[str], value: str) -> None:
    HttpScannerSettings(server=value)


def _path(_instance: object, _attribute: Attribute[str], value: str) -> None:
    PathTemplate(value)


@frozen(kw_only=True)
class OsvSettings(HttpScannerSettings):
    """Where the SBOMs are, and which server is asked."""

    server: str = field(default=PUBLIC_SERVER, converter=_plain_url, validator=_url)
    """Base URL of the API. With the default, ``enabled: true`` enables the scanner."""
    sbom: str = field(default="", validator=_path)
    """The file with an image's SBOM: ``/srv/sboms/{repository}/{digest}.json``, see `PathTemplate`. If empty, the SBOM
    that is attached to the image in its registry."""
