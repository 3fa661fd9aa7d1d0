"""Servers on loopback: their base, the faults that they can be told to show, scripts, recorded answers."""

from portus_images import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
