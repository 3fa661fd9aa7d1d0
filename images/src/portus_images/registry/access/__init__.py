"""How a registry lets us in: its challenges, and what meets them.

`registry_access.py` keeps what is sent with the requests that need one right; `challenge.py` reads what a registry
asks for, and says which token services may be asked; `tokens.py` gets tokens and keeps them.
"""

from __future__ import annotations

from .challenge import CATALOG, Right
from .registry_access import BACKEND_MARGIN, RegistryAccess

__all__ = ["BACKEND_MARGIN", "CATALOG", "RegistryAccess", "Right"]
