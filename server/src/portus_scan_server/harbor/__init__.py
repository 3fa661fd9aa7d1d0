"""Harbor's scanner: one for all scanners that are enabled, asked by the API of its pluggable scanners.

`harbor_routes.py` takes scans and answers polls, `harbor_documents.py` has what is said (pure), `harbor_scans.py` the
table; `harbor_desk.py` works them off in the runner's process, whose registry client is that of `harbor_registry.py`.
"""

from .harbor_desk import HarborDesk
from .harbor_registry import HarborRegistry
from .harbor_routes import HARBOR_PREFIX, make_harbor_api
from .harbor_settings import HarborAccess, HarborRegistration, HarborSeat, read_harbor

__all__ = [
    "HARBOR_PREFIX",
    "HarborAccess",
    "HarborDesk",
    "HarborRegistration",
    "HarborRegistry",
    "HarborSeat",
    "make_harbor_api",
    "read_harbor",
]
