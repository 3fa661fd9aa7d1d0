"""The names for the rest of this package, by the module that defines each."""

from .client import (
    Registry as Registry,
    TagLookup as TagLookup,
)
from .credentials import (
    ServerAccount as ServerAccount,
    credentials_files as credentials_files,
    credentials_origin as credentials_origin,
    docker_config as docker_config,
)

__all__: list[str]
