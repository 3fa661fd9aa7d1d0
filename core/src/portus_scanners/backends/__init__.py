"""What a plugin talks through to its backend: HTTP, programs, answers, files; and what makes findings of them."""

from portus_images import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
