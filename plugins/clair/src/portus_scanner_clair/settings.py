"""The scanner's settings."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import and_, ge, instance_of, le
from portus_scanners import HttpScannerSettings

_HIGHEST_PORT = 65535


@frozen(kw_only=True)
class ClairSettings(HttpScannerSettings):
    """The settings of one Clair, besides those that every HTTP scanner has."""

    health_port: int = field(default=6061, validator=and_(ge(1), le(_HIGHEST_PORT)))
    """Port of Clair's health endpoint, on the host of `server`. Only health checks use it."""
    salt: str = field(default="portus-scanners", validator=instance_of(str))
    """Part of the names of all layers. A new salt makes Clair analyse every image again."""
    check_blobs: bool = True
    """Whether to compare each blob's size at the registry with the manifest's before Clair fetches the blob."""
