"""More than one process on one PostgreSQL: who lives, and what only one of them may do or have."""

from .life import DatabaseTakenError, LifeFollower, WorkerLife, alive, sole_service, sweep
from .sessions import check_sessions

__all__ = ["DatabaseTakenError", "LifeFollower", "WorkerLife", "alive", "check_sessions", "sole_service", "sweep"]
