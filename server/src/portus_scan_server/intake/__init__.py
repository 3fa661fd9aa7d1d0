"""Hints in, requests out: events, lists, schedules and people say where to look, our own HEAD says what is there.

`event_routes.py` takes events, `events.py` reads them, `inbox.py` keeps them until `intake.py` has looked at what they
name; `sync.py` looks at all that a registry has, `schedules.py` at the clock. What was seen goes by `sightings.py`.
"""

from .event_routes import INTAKE, add_routes
from .events import EnvelopeError, PushHint, read_envelope
from .intake import AskedScan, Intake, UnknownRegistryError
from .schedules import follow_schedules, next_time
from .sightings import ImagePlace
from .sync import SyncResult, confirm_removals, sync_registry

__all__ = [
    "INTAKE",
    "AskedScan",
    "EnvelopeError",
    "ImagePlace",
    "Intake",
    "PushHint",
    "SyncResult",
    "UnknownRegistryError",
    "add_routes",
    "confirm_removals",
    "follow_schedules",
    "next_time",
    "read_envelope",
    "sync_registry",
]
