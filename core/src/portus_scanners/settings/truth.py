"""Truth values of the configuration, and what is said of a value of the wrong kind. Imports next to nothing."""

from __future__ import annotations

_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    dict: "a mapping",
    list: "a list",
}


def truth(value: object) -> bool:
    """Return a truth value given as such or as a word.

    Raises:
        ValueError: It is neither.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _WORDS:
        return _WORDS[value.strip().lower()]
    raise mismatch(bool, value)


def mismatch(wanted: type, value: object) -> ValueError:
    """Return the error for a value of another kind than the wanted one; the value is not shown."""
    got = "nothing" if value is None else _KINDS.get(type(value), type(value).__name__)
    return ValueError(f"expected {_KINDS[wanted]}, got {got}")
