"""The formats of this distribution, each an entry point of the group ``portus.reporters``, and what they share.

What the rest of the command takes from here are words about reports, the same as in the formats.
"""

from portus_images import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
