"""What processes that we start see of our environment: what they need to run, and no secret but those of proxies."""

from __future__ import annotations

import os
from pathlib import Path

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")
PROXIES = (*_PROXIES, *(name.lower() for name in _PROXIES))
"""Their URLs may contain passwords."""
INHERITED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", *PROXIES)


def shared_folders() -> tuple[Path, ...]:
    """Return where this user's processes meet, for lock files: the runtime folder, if any, and the cache folder.

    Raises:
        RuntimeError: The user has no home folder.
    """
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return (runtime, cache) if runtime.is_absolute() and runtime.is_dir() else (cache,)


def inherited() -> dict[str, str]:
    """Return the variables of our own environment that a process is given."""
    return {name: os.environ[name] for name in INHERITED if name in os.environ}
