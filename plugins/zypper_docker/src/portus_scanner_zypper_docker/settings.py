"""What the scanner can be told."""

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
    """The settings of one zypper-docker server, beside those that every HTTP scanner has."""

    mode: str = field(default=CORRECTED, validator=_known_mode)
    """Which patches are vulnerabilities: ``strict``, those that the server marks; ``corrected``, also those whose
    text says so, which is needed with every real zypper."""
    concurrency: int = field(default=1, validator=_one_at_a_time)
    """Nothing but 1."""
