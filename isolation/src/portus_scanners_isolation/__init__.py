"""Scanners in processes of their own: what ``isolation: process`` in a scanner's section asks for.

In the engine: ``scanner`` is what the crew has for such a scanner, ``nursery`` starts a process for each piece of its
work, and ``conversation`` is what is said meanwhile. Beyond the channel, whose form ``messages`` has: ``keeper`` forks
and outlives the process, ``worker`` runs the plugin in it.
"""

from __future__ import annotations

from .scanner import ProcessIsolation

__all__ = ["ProcessIsolation"]
