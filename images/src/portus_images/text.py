"""Strings in messages: foreign ones, which are hostile, are made one line; secrets are masked."""

from __future__ import annotations

from attrs import field, frozen


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
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= limit else f"{line[:limit]}..."


MASK = "******"


@frozen(repr=False, str=False)
class Secret:
    """A password, token or header value. ``repr``, ``str`` and ``format`` give a mask.

    Args:
        value: The string to keep.
    """

    _value: str = field(default="")

    def reveal(self) -> str:
        """Return the string itself: only where it goes onto the wire."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK
