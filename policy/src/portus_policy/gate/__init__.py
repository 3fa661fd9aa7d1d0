"""A report document and a policy -> passed or not, and by what. Pure functions.

`policy.py` is what a user can ask for, `rules.py` says it in words; `counting.py` knows which vulnerabilities count,
`fail_on.py` compares them with the limits; `scanners.py` looks at the runs, `ages.py` at the age of their data;
`checking.py` puts it together. ``docs/reference/gate.md`` has the rules for users.

Nothing here lets a document that knows less look better: another finding, a higher severity, a run that did not end
``ok`` can only add violations, unless the policy allows just that.
"""

from __future__ import annotations

from .checking import check_gate
from .policy import CountedSeverity, GatePolicy, Treatment

__all__ = ["CountedSeverity", "GatePolicy", "Treatment", "check_gate"]
