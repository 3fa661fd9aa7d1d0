"""More than one process on one PostgreSQL: who lives, and what only one of them may do or have.

`life.py` says who lives, `slots.py` how many images at once a backend is given by all of them, `places.py` which
requests of a worker count, `sessions.py` what is asked of the database.
"""

from .life import DatabaseTakenError, LifeFollower, WorkerLife, alive, sole_service, sweep
from .places import PLACE, PlacedSlots, RequestPlace
from .sessions import check_sessions
from .slots import FleetSlots

__all__ = [
    "PLACE",
    "DatabaseTakenError",
    "FleetSlots",
    "LifeFollower",
    "PlacedSlots",
    "RequestPlace",
    "WorkerLife",
    "alive",
    "check_sessions",
    "sole_service",
    "sweep",
]
