"""The table of work: ask, claim, end, give back; what becomes of it when its owner's process has died.

`table.py` has every statement about a request, `claimed.py` what a request is to who runs it.
"""

from .claimed import PRIORITIES, ClaimedRequest, ImageSource, Reason, new_owner
from .table import (
    ask,
    ask_again,
    claim,
    died,
    finish,
    fits,
    give_back,
    give_back_unknown,
    give_up,
    has_ended,
    note_source,
    put_off,
)

__all__ = [
    "PRIORITIES",
    "ClaimedRequest",
    "ImageSource",
    "Reason",
    "ask",
    "ask_again",
    "claim",
    "died",
    "finish",
    "fits",
    "give_back",
    "give_back_unknown",
    "give_up",
    "has_ended",
    "new_owner",
    "note_source",
    "put_off",
]
