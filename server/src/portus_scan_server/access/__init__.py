"""Who may see what, from the first query on.

`viewers.py` has who looks and the condition for every query, `access_settings.py` what the configuration says,
`gatekeeper.py` who a request comes from.
"""

from .access_settings import AccessSettings, ProxySettings, RepositoryRoles, load_access
from .gatekeeper import Gatekeeper, access_middleware, add_headers, public
from .viewers import VIEWER, Role, Viewer, check_pattern, visible

__all__ = [
    "VIEWER",
    "AccessSettings",
    "Gatekeeper",
    "ProxySettings",
    "RepositoryRoles",
    "Role",
    "Viewer",
    "access_middleware",
    "add_headers",
    "check_pattern",
    "load_access",
    "public",
    "visible",
]
