"""The public names of every distribution in a form to read, to compare and to judge: `scripts/api` writes it.

The text has the syntax of a stub file, one line for each name or member, so that two versions can be compared line by
line, and by griffe's own search for breaking changes. Nothing is imported: griffe reads the sources. What a package
exports is what its stub, ``__init__.pyi``, imports; a name that it hands on from another one is shown as an import.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import griffe
from attrs_classes import AttrsClasses
from described_members import DescribedMembers
from instance_attributes import InstanceAttributes
from promised_tests import PromisedTests

ROOT = Path(__file__).parents[1]
PATH = ROOT / "public-api.txt"
FACES = {
    "portus_images": "images",
    "portus_scanners": "core",
    "portus_scanners.backends": "core",
    "portus_policy": "policy",
    "portus_scan": "cli",
    "portus_scanners_testing": "kit",
}
"""The public packages, each with its distribution's folder; one hands on names of those above it."""
_HEAD = "# The public names. Written by scripts/api; docs/explanation/versions.md says what a change means."
_PROPERTY = "property"
_NOTED = frozenset(
    {"classmethod", "staticmethod", "abstractmethod", "contextmanager", "asynccontextmanager", "fixture"}
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_FACE = re.compile(r"^# (portus_[\w.]+)$", re.MULTILINE)


@cache
def public_names() -> dict[str, dict[str, griffe.Object]]:
    """Return what each face exports, by name; one object for a name that several of them have."""
    loader = griffe.GriffeLoader(
        search_paths=[ROOT / folder / "src" for folder in FACES.values()],
        extensions=griffe.load_extensions(AttrsClasses, InstanceAttributes, DescribedMembers, PromisedTests),
    )
    for package in dict.fromkeys(face.partition(".")[0] for face in FACES):
        loader.load(package)
    loader.resolve_aliases(external=False)
    return {face: _exports(face, loader.modules_collection) for face in FACES}


def _exports(face: str, collection: griffe.ModulesCollection) -> dict[str, griffe.Object]:
    """Return the definitions of the names that a face's stub imports as themselves."""
    stub = (ROOT / FACES[face] / "src" / Path(*face.split(".")) / "__init__.pyi").read_text()
    imports = [node for node in ast.parse(stub).body if isinstance(node, ast.ImportFrom)]
    names = [alias.name for node in imports for alias in node.names if alias.asname == alias.name]
    return {name: _definition(collection[face].members[name]) for name in names}


def _definition(member: griffe.Object | griffe.Alias) -> griffe.Object:
    return member.final_target if isinstance(member, griffe.Alias) else member


def write_text() -> str:
    """Return the content of the file: names in alphabetical order, members in the order of the source."""
    lines = [_HEAD]
    homes: dict[str, str] = {}
    public = {one.path for names in public_names().values() for one in names.values()}
    for face, names in public_names().items():
        lines += ["", f"# {face}"]
        for name in sorted(names):
            home = homes.setdefault(names[name].path, face)
            handed_on = [f"from {home} import {name} as {name}"]
            lines += handed_on if home != face else _lines(names[name], public)
    return "\n".join(lines) + "\n"


def flat(text: str) -> list[str]:
    """Return the lines of such a file with each member's class before it, so that each can be read by itself."""
    lines, owner = [], ""
    for line in filter(None, text.splitlines()):
        if not line.startswith((" ", "#")):
            owner = line.removeprefix("class ").partition("(")[0].rstrip(":. ")
        lines.append(f"{owner}: {line.strip()}" if line.startswith(" ") else line)
    return lines


def breakages(old: str, new: str) -> list[str]:
    """Return what would break for users between two such files, as griffe judges it, one line each."""
    before, after = (_by_face(text) for text in (old, new))
    return [
        _one_line(each.explain(griffe.ExplanationStyle.ONE_LINE))
        for face in before
        for each in griffe.find_breaking_changes(_visit(before[face]), _visit(after.get(face, "")))
    ]


def _by_face(text: str) -> dict[str, str]:
    """Return the part of a file for each face; the part before the first face has an empty name."""
    first, *rest = _FACE.split(text)
    return {"": first, **dict(zip(rest[::2], rest[1::2], strict=True))}


def _visit(text: str) -> griffe.Module:
    return griffe.visit("public_api", Path("public_api.pyi"), text)


def _one_line(explanation: str) -> str:
    """Return griffe's words without colours, and without the line number: there is no such file."""
    return " ".join(_COLOUR.sub("", explanation).partition(" ")[2].split())


def _lines(one: griffe.Object, public: set[str]) -> Iterator[str]:
    if not isinstance(one, griffe.Class):
        yield _line(one)
        return
    members = [f"    {_line(member)}" for name, member in _members(one, public).items() if _is_public(name, member)]
    bases = f"({', '.join(map(str, one.bases))})" if one.bases else ""
    yield f"class {one.name}{bases}:{'' if members else ' ...'}"
    yield from members


def _members(one: griffe.Class, public: set[str]) -> dict[str, griffe.Object | griffe.Alias]:
    """Return the members of a class, including those of bases that are not public themselves."""
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
    has_default = {"class-attribute", "module-attribute"} & one.labels  # __init__ computes the other values
    if one.value is None or not has_default:
        return f"{one.name}{annotation}"
    return f"{one.name}{annotation if one.annotation else ''} = {one.value}"


def _comment(notes: Sequence[str]) -> str:
    return f"  # {', '.join(notes)}" if notes else ""


if __name__ == "__main__":
    PATH.write_text(write_text())
