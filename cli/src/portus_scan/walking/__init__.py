"""Many images of a registry in one run: which they are, in what order, what is remembered of them.

`catalog.py` says which repositories and tags are wanted, and finds them; `since.py` which of them have changed;
`records.py` keeps what is finished, `counted.py` is what is read of it; `display.py` shows how far it is, `summary.py`
what came of it; `walk.py` runs it.
"""

from .catalog import Selection, read_repositories
from .display import make_walk_display
from .records import ResultsFile
from .since import SinceFile
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
