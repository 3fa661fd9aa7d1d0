"""A plugin of pytest: what is left behind, or does not end, is waited for no longer than it takes to see that.

An author's tests wait for seconds, since a busy machine may be late; a scanner that is broken on purpose never lets go.
"""

from __future__ import annotations

from functools import partial

from portus_scanners_testing import open_engine
from portus_scanners_testing.contract import event_loop, lab, leaks

GRACE = 1.0

leaks.PATIENCE = 1.5  # the server closes its ends in a thread, which waits for its turn on a busy machine
event_loop.GRACE = GRACE
lab.open_engine = partial(open_engine, grace=GRACE)
