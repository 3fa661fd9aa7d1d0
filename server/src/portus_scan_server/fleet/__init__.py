"""More than one process on one PostgreSQL: who lives, and what only one of them may do or have.

`life.py` says who lives, `slots.py` how many images at once a backend is given by all of them, `places.py` which
requests of a worker count, `turns.py` what one does at a time, `waking.py` that there is work, `ages.py` whose data is
the newest, `sessions.py` what is asked of the database.
"""

from .ages import find_older
from .life import LifeFollower, WorkerLife, alive, sweep
from .places import PLACE, PlacedSlots, RequestPlace
from .sessions import check_sessions
from .slots import FleetSlots
from .turns import Turns
from .waking import wake_on_requests

__all__ = [
    "PLACE",
    "FleetSlots",
    "LifeFollower",
    "PlacedSlots",
    "RequestPlace",
    "Turns",
    "WorkerLife",
    "alive",
    "check_sessions",
    "find_older",
    "sweep",
    "wake_on_requests",
]
