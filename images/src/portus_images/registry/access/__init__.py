"""How a registry lets us in: what it asks for, where tokens are issued, what is sent.

`challenge.py` reads what it asks for, `realm.py` judges where it sends us for tokens, `tokens.py` gets them and keeps
them until they end (`token_answer.py`: what a realm answers), `access.py` brings all that together.
"""

from __future__ import annotations

from .access import BACKEND_MARGIN, OWN_MARGIN, Access
from .right import CATALOG, Right

__all__ = ["BACKEND_MARGIN", "CATALOG", "OWN_MARGIN", "Access", "Right"]
