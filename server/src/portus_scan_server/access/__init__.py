"""Who may see what, from the first query on.

`viewers.py` has who looks and the condition for every query, `access_settings.py` what the configuration says,
`gatekeeper.py` who a request comes from, `tokens.py` what programs come with.
"""

from .access_settings import AccessSettings, ProxySettings, RepositoryRoles, SignOnSettings, read_access
from .gatekeeper import Gatekeeper, SessionPerson, access_middleware, add_headers, public
from .tokens import Scope, TokenError, TokenRow, create_token, find_token, hash_secret, list_tokens, revoke_token
from .viewers import VIEWER, Role, Viewer, check_pattern, visible

__all__ = [
    "VIEWER",
    "AccessSettings",
    "Gatekeeper",
    "ProxySettings",
    "RepositoryRoles",
    "Role",
    "Scope",
    "SessionPerson",
    "SignOnSettings",
    "TokenError",
    "TokenRow",
    "Viewer",
    "access_middleware",
    "add_headers",
    "check_pattern",
    "create_token",
    "find_token",
    "hash_secret",
    "list_tokens",
    "public",
    "read_access",
    "revoke_token",
    "visible",
]
