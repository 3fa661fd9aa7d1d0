"""Backoff that spares a server: how many requests it is given at once falls and recovers with how it is.

`limit.py` decides, and is pure; `pacer.py` lets requests wait.
"""

from __future__ import annotations

from .limit import read_retry_after
from .pacer import PacedRequest, Pacers

__all__ = ["PacedRequest", "Pacers", "read_retry_after"]
