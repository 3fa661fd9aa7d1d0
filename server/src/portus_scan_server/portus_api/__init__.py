"""The API of Portus, for clients that know nothing else: the same addresses and keys, and nothing unknown as "Passed".

`portus_routes.py` answers, `portus_documents.py` has the documents (pure).
"""

from .portus_routes import PORTUS_PREFIX, make_portus_api

__all__ = ["PORTUS_PREFIX", "make_portus_api"]
