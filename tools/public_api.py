"""The public names of the core in a form to read, to compare and to judge: `scripts/api` writes it.

The text has the syntax of a stub file, one line for each name or member, so that two of them can be compared as texts
and by griffe's own search for breaking changes. Nothing is imported: griffe reads the sources.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import griffe
from attrs_classes import AttrsClasses
from instance_attributes import InstanceAttributes

ROOT = Path(__file__).parents[1]
PATH = ROOT / "core" / "public-api.txt"
_HEAD = "# The public names of the core. Written by scripts/api; docs/explanation/versions.md says what a change means."
_PROPERTY = "property"
_NOTED = frozenset(
    {"classmethod", "staticmethod", "abstractmethod", "contextmanager", "asynccontextmanager", "fixture"}
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@cache
def public_names() -> dict[str, dict[str, griffe.Object]]:
    """Return what each public package of the core exports in ``__all__``, by name."""
    core = griffe.load(
        "portus_scanners",
        search_paths=[ROOT / "core" / "src"],
        resolve_aliases=True,
        extensions=griffe.load_extensions(AttrsClasses, InstanceAttributes),
    )
    packages = {"portus_scanners": core, "portus_scanners_testing": core.members.get("testing")}
    return {name: _exports(package) for name, package in packages.items() if isinstance(package, griffe.Module)}


def write_text() -> str:
    """Return the public names as a text, in the order of the alphabet; members in the order of the source."""
    lines = [_HEAD]
    public = {one.path for names in public_names().values() for one in names.values()}
    for package, names in public_names().items():
        lines += ["", f"# {package}"]
        for name in sorted(names):
            lines += _lines(names[name], public)
    return "\n".join(lines) + "\n"


def flat(text: str) -> list[str]:
    """Return the lines of such a text with each member's class before it, so that each stands for itself."""
    lines, owner = [], ""
    for line in filter(None, text.splitlines()):
        if not line.startswith((" ", "#")):
            owner = line.removeprefix("class ").partition("(")[0].rstrip(":. ")
        lines.append(f"{owner}: {line.strip()}" if line.startswith(" ") else line)
    return lines


def breakages(old: str, new: str) -> list[str]:
    """Return what would break for users between two such texts, as griffe judges it, one line each."""
    before, after = (griffe.visit("public_api", Path("public_api.pyi"), text) for text in (old, new))
    return [
        _one_line(each.explain(griffe.ExplanationStyle.ONE_LINE))
        for each in griffe.find_breaking_changes(before, after)
    ]


def _one_line(explanation: str) -> str:
    """Return griffe's words without their colours and the place in a file that is none."""
    return " ".join(_COLOUR.sub("", explanation).partition(" ")[2].split())


def _exports(package: griffe.Module) -> dict[str, griffe.Object]:
    found = {}
    for name in map(str, package.exports or ()):
        member = package.members[name]
        found[name] = member.final_target if isinstance(member, griffe.Alias) else member
    return found


def _lines(one: griffe.Object, public: set[str]) -> Iterator[str]:
    if not isinstance(one, griffe.Class):
        yield _line(one)
        return
    members = [f"    {_line(member)}" for name, member in _members(one, public).items() if _is_public(name, member)]
    bases = f"({', '.join(map(str, one.bases))})" if one.bases else ""
    yield f"class {one.name}{bases}:{'' if members else ' ...'}"
    yield from members


def _members(one: griffe.Class, public: set[str]) -> dict[str, griffe.Object | griffe.Alias]:
    """Return the members of a class, those of bases among them that are not public themselves."""
    hidden = [base for base in reversed(one.mro()) if base.path not in public]
    return {name: member for each in (*hidden, one) for name, member in each.members.items()}


def _is_public(name: str, member: griffe.Object | griffe.Alias) -> bool:
    return not name.startswith("_") or (name.startswith("__") and isinstance(member, griffe.Function))


def _line(one: griffe.Object | griffe.Alias) -> str:
    if isinstance(one, griffe.Function):
        decorators = {str(each.value).rpartition(".")[2] for each in one.decorators}
        notes = sorted(_NOTED & (one.labels | decorators))
        return f"{'async ' if 'async' in one.labels else ''}def {one.signature()}: ...{_comment(notes)}"
    if not isinstance(one, griffe.Attribute):
        msg = f"{one.path} is public, and neither a class, a function nor an attribute"
        raise TypeError(msg)
    annotation = f": {one.annotation or 'Any'}"
    if _PROPERTY in one.labels:
        return f"{one.name}{annotation}{_comment([_PROPERTY])}"
    if (
        one.value is None or not {"class-attribute", "module-attribute"} & one.labels
    ):  # what __init__ computes is no default
        return f"{one.name}{annotation}"
    return f"{one.name}{annotation if one.annotation else ''} = {one.value}"


def _comment(notes: Sequence[str]) -> str:
    return f"  # {', '.join(notes)}" if notes else ""


if __name__ == "__main__":
    PATH.write_text(write_text())
