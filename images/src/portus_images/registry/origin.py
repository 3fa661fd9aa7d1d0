"""Where the credentials for a registry come from, without the credentials: for whoever has to explain it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ..errors import RegistryAuthError
from ..settings import RegistrySettings
from .credentials import CredentialStore, find_locations
from .hosts import HostSettings


async def credentials_origin(
    registry: str, registries: Mapping[str, RegistrySettings], *, environ: Mapping[str, str] | None = None
) -> str | None:
    """Return where the credentials for a registry come from, as a user would name it; None where there are none.

    Args:
        registry: Its host, with its port where it has one.
        registries: Those of the configuration.
        environ: Environment variables; the process's own when left out.

    Raises:
        RegistryAuthError: There are some, and they can't be read or can't be sent; or a helper, or a file, that could
            have some can't be asked.
    """
    store = CredentialStore(HostSettings(registries), os.environ if environ is None else environ)
    found = await store.find(registry)
    if found.credentials is None and found.fault:
        raise RegistryAuthError(f"{registry}, token: {found.fault}", registry=registry, step="token")
    return found.credentials.origin if found.credentials else None


def credentials_files(environ: Mapping[str, str] | None = None) -> tuple[Path, ...]:
    """Return the files in which credentials are looked up, in this order; they need not exist.

    Args:
        environ: Environment variables; the process's own when left out.
    """
    return tuple(one.path for one in find_locations(os.environ if environ is None else environ))
