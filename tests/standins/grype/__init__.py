"""The real Grype for tests: built by ``scripts/grype``, with a vulnerability database of our own."""

from __future__ import annotations

from .database import Advisory, System, write_database
from .program import REQUIRE, find_grype, need_grype, real_grype

__all__ = ["REQUIRE", "Advisory", "System", "find_grype", "need_grype", "real_grype", "write_database"]
