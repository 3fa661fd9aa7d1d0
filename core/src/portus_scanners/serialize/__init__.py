"""Reports as JSON and back, exactly; the JSON Schema of both.

Members are named as in ``models``; enums are their values, times are in ISO 8601 form, a reference and a platform are
strings as the user writes them. Members that a later version adds are ignored.
"""

from portus_images import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
