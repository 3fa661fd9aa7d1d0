"""Texts of SARIF: foreign text must not become a link or a placeholder.

Source: SARIF 2.1.0, 3.11.5 (placeholders: ``{0}``) and 3.11.6 (embedded links: ``[text](target)``).
"""

from __future__ import annotations

import re

Message = dict[str, str]

_PLACEHOLDER = re.compile(r"\{(?=[0-9]+\})")


def text_message(text: str) -> Message:
    """Return a message object of a safe text, in which nothing is a link or a placeholder."""
    return {"text": plain(text)}


def plain(text: str) -> str:
    """Part what would be a link or a placeholder by a blank; braces and brackets otherwise stay as they are."""
    return _PLACEHOLDER.sub("{ ", text.replace("](", "] ("))
