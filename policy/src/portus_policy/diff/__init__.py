"""Two report documents -> what has changed from one to the other. Pure functions.

`document_diff.py` is the answer; `images.py` says which images are the same, `matching.py` which vulnerabilities are
(the gate asks both for what a baseline knows); `witnesses.py` whose silence means something; `comparing.py` puts it
together. ``docs/reference/diff.md`` has the rules for users.
"""

from __future__ import annotations

from .comparing import compare_documents
from .document_diff import DocumentDiff, ImageDiff, NotComparable, SeverityChange

__all__ = ["DocumentDiff", "ImageDiff", "NotComparable", "SeverityChange", "compare_documents"]
