"""Foreign strings in messages: they are hostile, and are made one line. So are foreign exceptions, in all they do."""

from __future__ import annotations

import logging
import re
import traceback

MASK = "******"
_DIGEST = r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,}|sha[0-9]{3}:[^@/]*"
_LONGEST_MESSAGE = 2_000
"""Characters of an error, whoever made it."""
_LONGEST_TRACE = 20_000
_read_name = type.__dict__["__name__"].__get__
"""Returns the name of a class; a metaclass may have a ``__name__`` of its own."""


def class_name(value: object) -> str:
    """Return the name of the class of any object; no foreign code runs."""
    return str.__str__(_read_name(type(value)))


def text_of(error: BaseException) -> str:
    """Return the ``str`` of an exception that foreign code has raised, and perhaps defined: that may do anything."""
    try:
        return str.__str__(str(error))  # a plain string: __str__ may return one of a class of its own
    except BaseException:  # noqa: BLE001 (foreign code)
        return ""


def words_of(error: BaseException) -> str:
    """Return class and message of a foreign exception in one line."""
    text, kind = text_of(error), class_name(error)
    return f"{kind}: {one_line(text, 300)}" if text else kind


class ForeignCrash(Exception):  # noqa: N818 (a record in the log, never raised)
    """The traceback of a foreign exception as a string: a handler of the log runs none of its code."""


def log_crash(logger: logging.Logger, what: str, error: BaseException) -> None:
    """Log a foreign exception with its traceback, as an error. Raises nothing, whatever the exception does."""
    try:
        trace = "".join(traceback.format_exception(error))[:_LONGEST_TRACE]
        logger.error("%s", what, exc_info=(ForeignCrash, ForeignCrash(trace), None))
    except BaseException:  # noqa: BLE001 (foreign code; a handler of the log may be that as well)
        return


def hide_account(text: str) -> str:
    """Return what somebody has typed for a reference or a URL, ``user:password`` before its host masked."""
    before, at, after = text.rpartition("@")
    if re.fullmatch(_DIGEST, after):
        return f"{hide_account(before)}@{after}"
    scheme, slashes, account = before.rpartition("://")
    return f"{scheme}{slashes}{MASK}{at}{after}" if ":" in account or (account and "/" in after) else text


def message_line(text: str) -> str:
    """Return what an error says as one line of 2,000 characters at most, whoever made it."""
    return one_line(text, _LONGEST_MESSAGE - len("..."))


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
