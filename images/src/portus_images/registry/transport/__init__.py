"""HTTP to registries: one request, sent again where that helps, its redirects followed, its answer read to its end.

`sender.py` does it; `host_sessions.py` has a session for each host, with its TLS and its proxy (`proxies.py`);
`outcomes.py` says what a try came to, and what follows: an error, another try, a redirect.
"""

from __future__ import annotations

from .proxies import Proxies
from .sender import Transport

__all__ = ["Proxies", "Transport"]
