"""Findings, runs, reports: what comes out of a scan. All are frozen attrs classes; sequences are tuples.

``findings`` is what a scanner says of one package, ``runs`` what one scanner returns and how that ended;
``vulnerabilities`` is what the findings of all scanners mean together, and which severity is shown; ``reports`` is the
whole answer. ``serialize`` turns them into JSON and back.
"""

from portus_images import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
