"""What the end-to-end tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from standins.clair import StandInClair


@pytest.fixture
async def clair() -> AsyncIterator[StandInClair]:
    """Clair's stand-in with a few vulnerabilities."""
    async with StandInClair() as clair:
        clair.add_vulnerability(
            "debian:12", "CVE-2099-0001", "High", fixed_in={"bash": "5.2-2"}, link="https://a.example"
        )
        clair.add_vulnerability("debian:12", "CVE-2099-0002", "Defcon1", fixed_in={"glibc": "2.37", "openssl": "3.0.2"})
        clair.add_vulnerability("debian:12", "CVE-2099-0003", "Low", fixed_in={"tar": "None"})
        clair.add_vulnerability("alpine:v3.19", "CVE-2099-0030", "Critical", fixed_in={"musl": "1.2.5-r0"})
        yield clair
