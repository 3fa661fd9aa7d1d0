"""The public names, by the module that defines each."""

from portus_images import (
    SingleFlight as SingleFlight,
    one_line as one_line,
    own_platform as own_platform,
)

from ..models import (
    finding_maker as finding_maker,
)
from ..scanner_settings import (
    session_for as session_for,
)
from .answer import (
    structure_answer as structure_answer,
)
from .files import (
    PathTemplate as PathTemplate,
    read_file as read_file,
    read_json as read_json,
)
from .finding_parts import (
    read_time as read_time,
    unique_findings as unique_findings,
    web_links as web_links,
)
from .http import (
    HttpAnswer as HttpAnswer,
    HttpBackend as HttpBackend,
)
from .image_layout import ImageLayout as ImageLayout
from .program import (
    ProgramAnswer as ProgramAnswer,
    ProgramBackend as ProgramBackend,
    ProgramWorkspace as ProgramWorkspace,
    inherited as inherited,
    kill_programs as kill_programs,
    lasting_folder as lasting_folder,
    shared_folders as shared_folders,
)

__all__: list[str]
