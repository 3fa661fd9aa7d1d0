"""Running a backend that is a program: no shell, a process group of its own, limits on everything, nothing left behind.

``backend`` is what a plugin uses, with the private folder (``folders``); ``program_run`` is one run, ``process`` its
processes, ``command`` what it is given, ``output`` what it wrote, ``remains`` what a hurried exit has to clear away.
"""

from portus_images import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
