"""zypper-docker's HTTP server (``zypper-docker serve``) as a scanner."""

from __future__ import annotations

from .scanner import ZypperDockerScanner
from .settings import ZypperDockerSettings

__all__ = ["ZypperDockerScanner", "ZypperDockerSettings"]
