"""Findings of several scanners -> vulnerabilities and a verdict. Pure functions.

``names`` says which names mean one vulnerability, ``packages`` which findings are in the same package; ``ecosystems``
and ``package_urls`` know what distributions, packages and their kinds are called, for all who compare them.
``image_report`` makes one vulnerability of such findings, and the report of an image. ``docs/reference/merging.md`` has
the rules for users.
"""

from portus_images import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
