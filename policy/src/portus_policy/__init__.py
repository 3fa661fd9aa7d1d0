"""What is decided about reports: which severity is shown, what is suppressed, what the gate asks, what has changed.

    document = apply_policy(document, load_policy("config.yml"), now=now)

`policy.py` is the whole of it for one document; `suppressions/`, `gate.py` with `gate_policy.py`, and `diff.py` are its
parts. Pure functions on documents; only `load_policy` and `load_suppressions` read files.
"""

from portus_images import attach_stub

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
