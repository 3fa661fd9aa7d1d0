"""Running a backend that is a program: no shell, a process group of its own, limits on everything, nothing left behind.

`backend.py` is what a plugin uses; `workspace.py` the private folder; `run.py` one run from start to end; `process.py`
the group of processes; `output.py` and `masking.py` what it wrote; `environment.py` and `command.py` what it is given;
`remains.py` what a process that leaves in a hurry has to clear away.
"""

from __future__ import annotations

from .answer import ProgramAnswer
from .backend import ProgramBackend
from .remains import kill_programs
from .workspace import ProgramWorkspace

__all__ = ["ProgramAnswer", "ProgramBackend", "ProgramWorkspace", "kill_programs"]
