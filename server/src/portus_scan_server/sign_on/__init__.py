"""People sign in at a provider, by OpenID Connect (code flow with PKCE), and have a session here.

`provider.py` asks the provider and judges its tokens, `signed_in.py` has who is signed in, `sign_on_routes.py` the way
there and back.
"""

from .provider import Provider, SignOnError
from .sign_on_routes import SIGN_ON_PATH, SignOn
from .signed_in import SessionRow, create_session, end_session, end_sessions_of, find_session, list_sessions

__all__ = [
    "SIGN_ON_PATH",
    "Provider",
    "SessionRow",
    "SignOn",
    "SignOnError",
    "create_session",
    "end_session",
    "end_sessions_of",
    "find_session",
    "list_sessions",
]
