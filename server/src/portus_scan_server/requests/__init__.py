"""The table of work: ask, claim, end, give back; whose process died; who lives.

`table.py` has every statement about a request, `workers.py` how PostgreSQL knows that an owner lives.
"""

from .table import (
    PRIORITIES,
    ClaimedRequest,
    ImageSource,
    Reason,
    ask,
    ask_again,
    claim,
    died,
    finish,
    give_back,
    give_back_unknown,
    give_up,
    has_ended,
    note_source,
    put_off,
)
from .workers import DatabaseTakenError, alive, new_owner, sole_service, sweep

__all__ = [
    "PRIORITIES",
    "ClaimedRequest",
    "DatabaseTakenError",
    "ImageSource",
    "Reason",
    "alive",
    "ask",
    "ask_again",
    "claim",
    "died",
    "finish",
    "give_back",
    "give_back_unknown",
    "give_up",
    "has_ended",
    "new_owner",
    "note_source",
    "put_off",
    "sole_service",
    "sweep",
]
