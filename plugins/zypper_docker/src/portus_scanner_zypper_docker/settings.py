"""The scanner's settings."""

from __future__ import annotations

from attrs import Attribute, field, frozen
from portus_scanners import HttpScannerSettings

STRICT = "strict"
CORRECTED = "corrected"


def _known_mode(_instance: object, attribute: Attribute[str], value: str) -> None:
    if value not in {STRICT, CORRECTED}:
        msg = f"{attribute.name} must be {STRICT} or {CORRECTED}"
        raise ValueError(msg)


def _one_at_a_time(_instance: object, attribute: Attribute[int], value: int) -> None:
    if value != 1:
        msg = f"{attribute.name} must be 1: this server mixes up the results of requests that overlap"
        raise ValueError(msg)


@frozen(kw_only=True)
class ZypperDockerSettings(HttpScannerSettings):
    """The settings of one zypper-docker server, besides those that every HTTP scanner has."""

    mode: str = field(default=CORRECTED, validator=_known_mode)
    """Which patches are vulnerabilities: with ``strict``, those that the server marks; with ``corrected``, also those
    whose description says so, which every real zypper needs."""
    concurrency: int = field(default=1, validator=_one_at_a_time)
    """Must be 1."""
