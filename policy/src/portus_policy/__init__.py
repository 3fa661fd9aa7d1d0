"""What is decided about reports: which severity is shown, what is suppressed, what the gate asks, what has changed.

    document = apply_policies(document, load_policies("config.yml"))

Pure functions on documents; only what reads files does I/O.
"""

from portus_images import attach_stub

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
