"""A scanner in a process of its own (``isolation: process``): nothing here is imported where no scanner asks for it.

In the engine: ``isolated_scanner`` is the scanner that the crew has, ``nursery`` starts a process for each piece of its
work. Beyond the channel, whose form ``messages`` has: ``keeper`` forks and outlives the process, ``worker`` runs the
plugin in it.
"""

from __future__ import annotations

from .isolated_scanner import configure_isolated
from .nursery import Nursery

__all__ = ["Nursery", "configure_isolated"]
