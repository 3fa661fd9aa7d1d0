"""The names of this folder, by the module that defines each."""

from .backend import (
    ProgramBackend as ProgramBackend,
    ProgramWorkspace as ProgramWorkspace,
)
from .command import (
    inherited as inherited,
    shared_folders as shared_folders,
)
from .folders import (
    lasting_folder as lasting_folder,
)
from .output import (
    ProgramAnswer as ProgramAnswer,
)
from .remains import (
    kill_programs as kill_programs,
)

__all__: list[str]
