"""Foreign text in messages: everything from an image, a registry or a backend is hostile."""

from __future__ import annotations

from attrs import field, frozen

__all__ = ["one_line"]


def text_of(error: BaseException) -> str:
    """Return the text of an exception that foreign code has raised, and perhaps made: its ``str`` may itself fail."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 (foreign code)
        return ""


def words_of(error: BaseException) -> str:
    """Return kind and text of a foreign exception in one line."""
    text, kind = text_of(error), type(error).__name__
    return f"{kind}: {one_line(text, 300)}" if text else kind


def one_line(text: str, limit: int = 200) -> str:
    """Return a foreign text for a message: one line, nothing that a terminal acts on, not too long.

    Args:
        text: Any text.
        limit: Characters that are kept; a longer text ends in ``...``.
    """
    text = text[: 8 * limit]  # nobody wants to clean a megabyte of which 200 characters are shown
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= limit else f"{line[:limit]}..."


MASK = "******"


@frozen(repr=False, str=False)
class Secret:
    """A password, token or header value. ``repr``, ``str`` and ``format`` give a mask.

    Args:
        value: The text to keep.
    """

    _value: str = field(default="")

    def reveal(self) -> str:
        """Return the text itself: only where it goes onto the wire."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK
