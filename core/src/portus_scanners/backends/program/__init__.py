"""Running a backend that is a program: no shell, a process group of its own, limits on everything, nothing left behind.

``backend`` is what a plugin uses, with the private folder (``folders``) that a program runs in; ``program_run`` is one
run from start to end, ``process`` the group of processes, ``output`` what it wrote; ``command`` is what the program is
given; ``remains`` what a process that leaves in a hurry has to clear away.
"""

from portus_images import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
