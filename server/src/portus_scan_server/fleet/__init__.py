"""More than one process on one PostgreSQL: who lives, and what only one of them may do or have.

`life.py` says who lives, `claimer.py` what a process has claimed, `jobs.py` how it comes to that on PostgreSQL,
`feeder.py` which requests have a job, `slots.py` how many images at once a backend is given by all of them, `places.py`
which requests of a worker count, `turns.py` what one does at a time, `ages.py` whose data is the newest, `sessions.py`
what is asked of the database.
"""

from .ages import find_older
from .claimer import Claimer, SharedChore
from .feeder import drop_dead_jobs
from .life import LifeFollower, WorkerLife, alive, sweep
from .places import PlacedSlots
from .sessions import check_sessions
from .slots import FleetSlots
from .turns import Turns

__all__ = [
    "Claimer",
    "FleetSlots",
    "LifeFollower",
    "PlacedSlots",
    "SharedChore",
    "Turns",
    "WorkerLife",
    "alive",
    "check_sessions",
    "drop_dead_jobs",
    "find_older",
    "sweep",
]
