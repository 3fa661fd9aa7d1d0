"""HTTP to registries: one request, sent again where that helps, its redirects followed, its answer read to its end.

`sender.py` does it, with a session for each host; `proxies.py` finds the proxy to a host; `outcomes.py` says what a try
came to, and what follows: an error, another try, a redirect.
"""

from __future__ import annotations

from .proxies import Proxies
from .sender import MayConnect, Transport

__all__ = ["MayConnect", "Proxies", "Transport"]
