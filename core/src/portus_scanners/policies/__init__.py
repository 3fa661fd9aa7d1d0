"""What is made of reports after the scan: which severity is shown, what is suppressed, what the gate asks.

`policies.py` is what a configuration says of it, `reading.py` reads that, `applying.py` applies it to a document: that
is pure.
"""

from __future__ import annotations

from .applying import apply_policies
from .policies import Policies
from .reading import load_policies

__all__ = ["Policies", "apply_policies", "load_policies"]
