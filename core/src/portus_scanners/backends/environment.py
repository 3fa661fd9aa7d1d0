"""What processes that we start see of our environment: what they need to run, and no secret but those of proxies."""

from __future__ import annotations

import os

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")
PROXIES = (*_PROXIES, *(name.lower() for name in _PROXIES))
"""Their URLs may contain passwords."""
INHERITED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", *PROXIES)


def inherited() -> dict[str, str]:
    """Return the variables of our own environment that a process is given."""
    return {name: os.environ[name] for name in INHERITED if name in os.environ}
