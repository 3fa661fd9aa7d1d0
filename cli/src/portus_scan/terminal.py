"""Foreign text made harmless for a terminal, and lines for the user.

Whatever comes from an image, a registry or a backend is hostile: escape sequences that repaint the screen, newlines
that forge a line, bidirectional controls that turn a text around.
"""

from __future__ import annotations

import click

PROGRAM = "portus-scan"
_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


def safe(text: str, limit: int | None = None) -> str:
    r"""Return the text with every character that is not printable written as an escape: ``\x1b``, ``\u202e``, ``\n``.

    Controls, newlines, bidirectional and zero-width formatting, lone surrogates, unassigned characters and blanks other
    than the space count as not printable.

    Args:
        text: Any text.
        limit: Characters at most; what is longer ends in an ellipsis.
    """
    if limit is not None:
        text = text[: limit + 1]  # one more than wanted tells that there is more
    if not text.isprintable():
        text = "".join(map(_visible, text))
    if limit is not None and len(text) > limit:
        return text[: limit - 1] + _ELLIPSIS
    return text


def _visible(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")


def say(line: str) -> None:
    """Write one line to stderr, made safe, with the program's name before it."""
    try:
        click.echo(f"{PROGRAM}: {safe(line)}", err=True)
    except OSError:
        return  # nobody reads stderr any more; the exit code still says it
