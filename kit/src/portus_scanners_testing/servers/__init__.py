"""Servers on loopback: their base class, the faults that they can show, scripted and recorded answers."""

from portus_images import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
