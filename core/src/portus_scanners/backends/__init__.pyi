"""The public names, by the module that defines each."""

from portus_images import (
    one_line as one_line,
)

from ..structuring import (
    structure_answer as structure_answer,
)
from .files import (
    PathTemplate as PathTemplate,
)
from .files import (
    read_file as read_file,
)
from .files import (
    read_json as read_json,
)
from .finding_parts import (
    read_time as read_time,
)
from .finding_parts import (
    unique_findings as unique_findings,
)
from .finding_parts import (
    web_links as web_links,
)
from .http import (
    HttpAnswer as HttpAnswer,
)
from .http import (
    HttpBackend as HttpBackend,
)
from .http import (
    session_for as session_for,
)
from .program import (
    ProgramAnswer as ProgramAnswer,
)
from .program import (
    ProgramBackend as ProgramBackend,
)
from .program import (
    ProgramWorkspace as ProgramWorkspace,
)
from .program import (
    kill_programs as kill_programs,
)

__all__: list[str]
