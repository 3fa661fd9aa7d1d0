"""What CycloneDX has no word for: properties of our own namespace."""

from __future__ import annotations

from collections.abc import Iterable

from cyclonedx.model import Property

NAMESPACE = "portus-scanners"

Facts = Iterable[tuple[str, str]]


def properties(facts: Facts) -> list[Property]:
    """Return properties ``portus-scanners:NAME``; empty values are left out. Values must be safe."""
    return [Property(name=f"{NAMESPACE}:{name}", value=value) for name, value in facts if value]
