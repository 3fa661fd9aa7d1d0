"""Where a vulnerability is: an image has no files in a repository, but viewers need a relative address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from portus_scanners import Image, Reference, Vulnerability

from ..foreign import name
from ..sentences import package_words
from .messages import text_message

Location = dict[str, Any]

_FIRST_LINE = {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1}
"""GitHub wants a region; there is none."""
_MOST_PATHS = 100


def image_address(image: Image) -> str:
    """Return a relative address that stays the same from tag to tag: ``registry.example/team/app``."""
    reference = image.reference
    if isinstance(reference, Reference):
        return relative_address(f"{reference.registry}/{reference.repository}")
    return relative_address(f"{reference.form}/{reference.path}")


def relative_address(text: str) -> str:
    """Return a text as a relative address: percent-encoded, without empty segments, ``.`` and ``..``."""
    parts = [part for part in name(text).split("/") if part not in {"", ".", ".."}]
    return "/".join(quote(part, safe="-._~") for part in parts) or "image"


def image_location(address: str, text: str) -> Location:
    """Return the place of what is about a whole image."""
    return {
        "physicalLocation": {"artifactLocation": {"uri": address}, "region": dict(_FIRST_LINE)},
        "message": text_message(text),
    }


def package_locations(image: Image, found: Vulnerability) -> list[Location]:
    """Return the image, with the packages as its logical parts."""
    place = image_location(image_address(image), f"{name(image.reference.text)}: {package_words(found.package)}")
    parts = {part["fullyQualifiedName"]: part for part in _parts(image, found)}
    return [{**place, "logicalLocations": list(parts.values())}]


def _parts(image: Image, found: Vulnerability) -> Iterator[dict[str, str]]:
    whole = f"{name(image.reference.text)}@{name(image.digest)}"
    for package in found.packages or (found.package,):
        of = f" ({name(package.namespace)})" if package.namespace else ""
        yield {
            "name": name(package.name) or "package",
            "fullyQualifiedName": f"{whole}: {package_words(package)}{of}",
            "kind": "package",
        }


def file_locations(image: Image, found: Vulnerability) -> list[Location]:
    """Return the files in the image that the package is known from, the first `_MOST_PATHS`."""
    base = image_address(image)
    return [
        {"id": number, **image_location(f"{base}/{relative_address(path)}", f"known from {name(path)}")}
        for number, path in enumerate(sorted(found.paths)[:_MOST_PATHS])
    ]
