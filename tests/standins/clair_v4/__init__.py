"""Clair v4 for tests: a stand-in with state, and the real one of ``scripts/clair``, filled from the same facts."""

from __future__ import annotations

from .advisories import (
    ALPINE,
    DEBIAN,
    GO,
    MAVEN,
    PYPI,
    REDHAT,
    UBI_MANIFEST,
    Advisory,
    debian_files,
    rating,
    readable_debian,
    ubi_with_manifest,
)
from .real import REQUIRE, RealClair, find_clair, real_clair
from .server import StandInClairV4

__all__ = [
    "ALPINE",
    "DEBIAN",
    "GO",
    "MAVEN",
    "PYPI",
    "REDHAT",
    "REQUIRE",
    "UBI_MANIFEST",
    "Advisory",
    "RealClair",
    "StandInClairV4",
    "debian_files",
    "find_clair",
    "rating",
    "readable_debian",
    "real_clair",
    "ubi_with_manifest",
]
