"""Plugins: entry points of the group ``portus.scanners``, or of another group of ours, in installed distributions.

``discovery`` reads metadata and imports nothing; ``plugin`` has what is known of one plugin, and imports its code.
"""

from portus_images import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
