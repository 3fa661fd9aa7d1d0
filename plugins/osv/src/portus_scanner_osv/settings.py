"""The scanner's settings."""

from __future__ import annotations

from attrs import Attribute, field, frozen
from portus_scanners import HttpScannerSettings
from portus_scanners.backends import PathTemplate

from .queries import DISTRIBUTIONS, LANGUAGES

PUBLIC_SERVER = "https://api.osv.dev"


def _plain_url(text: str) -> str:
    return text.strip().rstrip("/") or PUBLIC_SERVER


def _url(_instance: object, _attribute: Attribute[str], value: str) -> None:
    HttpScannerSettings(server=value)


def _path(_instance: object, _attribute: Attribute[str], value: str) -> None:
    PathTemplate(value)


def _known(_instance: object, attribute: Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    known = {name.casefold() for name in LANGUAGES | DISTRIBUTIONS}
    for one in value:
        if one.partition(":")[0].strip().casefold() not in known:
            names = ", ".join(sorted(LANGUAGES | DISTRIBUTIONS, key=str.casefold))
            msg = (
                f"{attribute.name} has {one[:40]!r}, which is not an ecosystem that is asked about; these are: {names}"
            )
            raise ValueError(msg)


@frozen(kw_only=True)
class OsvSettings(HttpScannerSettings):
    """Where the SBOMs are, and which server is asked."""

    server: str = field(default=PUBLIC_SERVER, converter=_plain_url, validator=_url)
    """Base URL of the API. With the default, ``enabled: true`` enables the scanner."""
    sbom: str = field(default="", validator=_path)
    """The file with an image's SBOM: ``/srv/sboms/{repository}/{digest}.json``, see `PathTemplate`. If empty, the SBOM
    that is attached to the image in its registry."""
    ecosystems: tuple[str, ...] = field(default=(), validator=_known)
    """OSV's names of the ecosystems that the server has, for a mirror that does not have all: ``PyPI``, ``Debian`` or
    ``Debian:12``. Packages of others are not asked about. If empty, what the server answers has to tell it."""
