"""Who we are for a registry: where credentials are looked for, and what is found.

`store.py` knows the order, and reads the configuration's; `auth_file.py` reads the files of Docker and podman,
`helper.py` asks the programs that keep secrets for them; `model.py` is what is found.
`server_account.py` is about servers that are not registries.
"""

from __future__ import annotations

from .auth_file import docker_config
from .model import Credentials, CredentialSearch
from .server_account import ServerAccount
from .store import CredentialStore, credentials_files, credentials_origin

__all__ = [
    "CredentialSearch",
    "CredentialStore",
    "Credentials",
    "ServerAccount",
    "credentials_files",
    "credentials_origin",
    "docker_config",
]
