"""How a registry is reached, and how it lets us in: its challenges, and what meets them.

`registry_access.py` keeps what is sent with the requests that need one right; `challenge.py` reads what a registry
asks for, and says which token services may be asked; `tokens.py` gets tokens and keeps them; `registry_host.py` knows
where the registry is.
"""

from __future__ import annotations

from .challenge import CATALOG, Right
from .registry_access import BACKEND_MARGIN, RegistryAccess
from .registry_host import RegistryHost

__all__ = ["BACKEND_MARGIN", "CATALOG", "RegistryAccess", "RegistryHost", "Right"]
