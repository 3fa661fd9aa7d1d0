"""The man page, made of the help texts: roff as man(7) has it."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import cleandoc

import click

_VERBATIM = "\b"


def manual(root: click.Context, version: str) -> Iterator[str]:
    """Yield the lines of the page for a command and all its sub-commands.

    Args:
        root: The context of the command.
        version: The program's version, for the foot of the page.
    """
    name = root.info_name or ""
    yield f'.TH {name.upper()} 1 "" "{name} {version}" "User commands"'
    yield from (".SH NAME", rf"{_plain(name)} \- {_plain(_first_line(root.command))}", ".SH SYNOPSIS")
    yield rf"\fB{_plain(name)}\fR [\fIoptions\fR] \fIsub\-command\fR ..."
    yield from (".SH DESCRIPTION", *_text(root.command.help or ""))
    yield from _options(root)
    for context in _sub_contexts(root):
        path = context.command_path
        usage = " ".join(context.command.collect_usage_pieces(context))
        yield from (f'.SH "{_plain(path).upper()}"', rf"\fB{_plain(path)}\fR {_plain(usage)}", ".PP")
        yield from _text(context.command.help or "")
        yield from _options(context)


def _sub_contexts(context: click.Context) -> Iterator[click.Context]:
    if not isinstance(context.command, click.Group):
        return
    for name in context.command.list_commands(context):
        if (found := context.command.get_command(context, name)) is not None and not found.hidden:
            inner = click.Context(found, parent=context, info_name=name)
            yield inner
            yield from _sub_contexts(inner)


def _first_line(command: click.Command) -> str:
    return cleandoc(command.help or "").partition("\n")[0].rstrip(".")


def _text(help_text: str) -> Iterator[str]:
    """Yield the paragraphs of a help text; those with click's mark keep their lines."""
    for paragraph in cleandoc(help_text).split("\n\n"):
        lines = paragraph.split("\n")
        if lines[0].strip() == _VERBATIM:
            yield from (".PP", ".nf", *map(_plain, lines[1:]), ".fi")
        else:
            yield from (".PP", *map(_plain, lines))


def _options(context: click.Context) -> Iterator[str]:
    records = [param.get_help_record(context) for param in context.command.get_params(context)]
    shown = [record for record in records if record]
    if shown:
        yield from (".PP", "Options:")
    for names, text in shown:
        yield from (".TP", rf"\fB{_plain(names)}\fR", _plain(text) or r"\&")


def _plain(line: str) -> str:
    r"""Return a line that roff takes as text: a ``.`` or ``'`` at its beginning and ``\`` are not its own."""
    line = line.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{line}" if line.startswith((".", "'")) else line
