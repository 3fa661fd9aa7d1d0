"""Images that lie in folders and archives: read, verified, and served to backends that pull.

`local_images.py` opens each folder and archive once (`open_store.py`), and serves layers (`server.py`). `layout.py` and
`saved.py` are what may be in one; `files.py`, `tar.py` and `file_slice.py` are its files.
"""

from __future__ import annotations

from .local_images import LocalImages

__all__ = ["LocalImages"]
