"""What becomes of a document: where it is read from, what the gate says, and the places where outputs go."""

from portus_images import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
