"""Runs all enabled scanners at once on an image: slots, deadlines, retries, isolation.

From the outside to the inside: ``engine`` is what callers open, ``scans`` what they iterate over, for one image and for
many, which ``feed`` brings; ``crew`` has the ready scanners, and finds what runs one elsewhere, which is built of the
same parts; ``image_scan`` is all of them on one image, ``run`` one of them, with its slot (``slots``) and what it tells
(``context``); ``isolation`` watches foreign code, and ``boundary`` takes what it returns.
"""

from portus_images import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
