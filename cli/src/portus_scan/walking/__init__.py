"""Many images of a registry in one run: which they are, in what order, what is remembered of them.

`catalog.py` says which repositories and tags are wanted, and finds them; `records.py` keeps what is finished and what
has changed; `display.py` shows how far it is, `summary.py` what came of it; `walk.py` runs it.
"""

from .catalog import Selection, read_repositories
from .display import make_walk_display
from .records import ResultsFile, SinceFile
from .summary import Tally, summary_lines
from .walk import Walk, WalkOrder

__all__ = [
    "ResultsFile",
    "Selection",
    "SinceFile",
    "Tally",
    "Walk",
    "WalkOrder",
    "make_walk_display",
    "read_repositories",
    "summary_lines",
]
