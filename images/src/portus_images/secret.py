"""A text that is never shown."""

from __future__ import annotations

from attrs import field, frozen

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
