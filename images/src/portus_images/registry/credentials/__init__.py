"""Who we are for a registry: where credentials are looked for, and what is found.

`store.py` knows the order; `configured.py` reads the configuration's, `auth_file.py` the files of Docker and podman
(`locations.py` says where they are), `helper.py` asks the programs that keep secrets for them.
"""

from __future__ import annotations

from .locations import find_locations
from .model import Credentials, Search
from .store import CredentialStore

__all__ = ["CredentialStore", "Credentials", "Search", "find_locations"]
