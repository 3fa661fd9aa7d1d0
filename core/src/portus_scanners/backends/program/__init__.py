"""Running a backend that is a program: no shell, a process group of its own, limits on everything, nothing left behind.

``backend`` is what a plugin uses, and one run, with the private folder (``folders``); ``process`` is a run's processes,
``command`` what it is given, ``output`` what it wrote, ``remains`` what a hurried exit has to clear away.
"""

from portus_images import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
