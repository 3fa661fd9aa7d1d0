"""The real Trivy for tests: the program of the test wheel, with a vulnerability database of our own."""

from __future__ import annotations

from .database import Advisory, write_database, write_java_database
from .program import REQUIRE, TrivyServer, find_trivy, need_trivy, real_trivy

__all__ = [
    "REQUIRE",
    "Advisory",
    "TrivyServer",
    "find_trivy",
    "need_trivy",
    "real_trivy",
    "write_database",
    "write_java_database",
]
