"""Health."""

from __future__ import annotations

from portus_scanners import Health

from .lab import ScannerLab
from .subject import ScannerSubject


class HealthTests(ScannerSubject):
    """Promises of `Scanner.check_health`."""

    def test_health_tells_up(self, lab: ScannerLab) -> None:
        """A backend that works is healthy; a scanner that can't tell says None, and why."""
        health = lab.health()
        assert isinstance(health, Health), repr(health)
        assert health.healthy is not False, health.message
        assert health.message.strip(), "say in one sentence what was seen"


def tells_down(health: Health | Exception, up: Health | Exception) -> bool:
    """Return whether a health check tells that the backend is down.

    Args:
        health: What it says when the backend is down.
        up: What it says when the backend is up; a scanner that can't tell then need not tell now.
    """
    can_not_tell = isinstance(up, Health) and up.healthy is None
    return not (isinstance(health, Health) and health.healthy) if can_not_tell else not is_well(health)


def is_well(health: Health | Exception) -> bool:
    """Return whether a backend counts as healthy: an error does not."""
    return isinstance(health, Health) and health.healthy is not False
