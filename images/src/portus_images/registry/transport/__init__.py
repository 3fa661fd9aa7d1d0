"""HTTP to registries: one request, sent again where that helps, its redirects followed, its answer read to its end.

`sender.py` does it; `sessions.py` has a session for each host, made of `tls.py` and `proxies.py`; `redirects.py` says
where a redirect may lead, `retries.py` what is sent again and when, `failures.py` what went wrong.
"""

from __future__ import annotations

from .call import Call
from .proxies import Proxies
from .sender import Transport

__all__ = ["Call", "Proxies", "Transport"]
