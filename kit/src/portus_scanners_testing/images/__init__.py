"""Images built on the spot, for tests: ``debian_image({"bash": "5.2-1"})``. The same bytes every time.

``layers`` makes the layers, ``distributions`` those that look like Debian, Alpine or openSUSE to a scanner, ``builder``
makes images, indexes and what else lies in a registry of them, ``archives`` writes images to files.
"""

from portus_images import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
