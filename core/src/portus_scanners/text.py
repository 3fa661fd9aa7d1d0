"""Foreign text in messages: everything from an image, a registry or a backend is hostile."""

from __future__ import annotations

__all__ = ["one_line"]


def one_line(text: str, limit: int = 200) -> str:
    """Return a foreign text for a message: one line, nothing that a terminal acts on, not too long.

    Args:
        text: Any text.
        limit: Characters that are kept; a longer text ends in ``...``.
    """
    text = text[: 8 * limit]  # nobody wants to clean a megabyte of which 200 characters are shown
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= limit else f"{line[:limit]}..."
