"""The command ``portus-scan``: container images put to every enabled scanner, one answer printed.

What a format is written against is here as well: `TextReporter`, `FolderReporter` and what they are given.
"""

from portus_images import attach_stub

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
