"""Foreign strings in messages: they are hostile, and are made one line."""

from __future__ import annotations


def text_of(error: BaseException) -> str:
    """Return the ``str`` of an exception that foreign code has raised, and perhaps defined: that may itself fail."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 (foreign code)
        return ""


def words_of(error: BaseException) -> str:
    """Return class and message of a foreign exception in one line."""
    text, kind = text_of(error), type(error).__name__
    return f"{kind}: {one_line(text, 300)}" if text else kind


def one_line(text: str, limit: int = 200) -> str:
    """Return a foreign string for a message: one line, nothing that a terminal acts on, not too long.

    Args:
        text: Any string.
        limit: Characters that are kept; a longer line ends in ``...``.
    """
    text = text[: 8 * limit]  # not a whole megabyte, of which 200 characters are shown
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[:limit]}..."
