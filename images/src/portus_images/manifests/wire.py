"""What registries send: manifests, indexes and image configurations, as attrs classes with the names of the JSON.

Sources: Docker's ``manifest-v2-2.md``; OCI image specification, ``manifest.md``, ``image-index.md``, ``config.md``.
All of it is hostile: digests go into URLs, strings into messages. What does not fit is a `MalformedError`.

JSON is read as Go programs read it, so that what is scanned here is what Docker, containerd and Trivy take. Go matches
the names of members without regard to case, and the last one of a name wins, or is merged with those before it. So a
member is found here in any spelling, and one that is then there twice is not read at all. The keys of a map
(annotations) are data: nothing of this holds for them. Source: Go's ``encoding/json``: ``Unmarshal``; ``fold.go``,
``foldName``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable
from typing import Any, NewType, TypeVar, get_args, get_origin

import cattrs
from attrs import field, fields, frozen, has, resolve_types
from cattrs.gen import make_dict_structure_fn

from ..blobs import find_digest_fault

MOST_ELEMENTS = 1000
"""Layers of a manifest, entries of an index."""
_LARGEST_SIZE = 2**63 - 1
_MEDIA_TYPE = r"[\x20-\x7e]{0,255}"
_URL = r"[\x21-\x7e]{1,4096}"
_PLATFORM_WORD = r"[A-Za-z0-9_.-]{0,64}"
_LONG_S = "\u017f"
"""Folds to ``s`` in Go. The Kelvin sign, the other one of its kind, becomes ``k`` in lower case anyway."""
_MOST_FAULTS = 5
_LONGEST_FAULT = 200

Digest = NewType("Digest", str)
MediaType = NewType("MediaType", str)
Size = NewType("Size", int)
Word = NewType("Word", str)
Urls = NewType("Urls", tuple[str, ...])
Names = NewType("Names", tuple[str, ...])
Annotations = NewType("Annotations", dict[str, str])
DocumentT = TypeVar("DocumentT")

NAME = "name in the JSON"
"""Key in an attribute's metadata, where the two names differ."""


class MalformedError(ValueError):
    """A document that is not what it should be; the message has a ``$.path`` for each fault."""


class TwiceError(MalformedError):
    """A member that is there twice, as Go reads names: programs could take different ones."""


class JsonObject(dict[str, Any]):
    """A JSON object that remembers all of its members: also those of one name.

    Args:
        pairs: Names and values, in the order in which they were there.
    """

    __slots__ = ("pairs",)

    def __init__(self, pairs: Iterable[tuple[str, Any]]) -> None:
        self.pairs = list(pairs)
        super().__init__(self.pairs)


def parse_object(body: bytes) -> JsonObject:
    """Return the JSON object of a body.

    Raises:
        MalformedError: It is not JSON in UTF-8, or not an object.
    """
    document = parse_json(body)
    if not isinstance(document, JsonObject):
        raise MalformedError("it is not a JSON object")
    return document


def parse_json(body: bytes) -> Any:
    """Return the JSON value of a body; objects are `JsonObject`.

    Raises:
        MalformedError: It is not JSON in UTF-8.
    """
    try:
        return _DECODER.decode(body.decode())
    except (ValueError, RecursionError) as error:
        raise MalformedError("it is not JSON") from error


def _reject_constant(word: str) -> Any:
    """Reject what Python's reader takes for a number, and Go's does not."""
    raise ValueError(f"{word} is not JSON")


def read_members(value: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Return the members that have one of these names to Go, each by the name as it is given here.

    Args:
        value: A JSON object; one that was made here may be a plain `dict`.
        names: Names in ASCII, no two of which are one to Go.

    Raises:
        TwiceError: One of them is there twice.
    """
    wanted = {fold(name): name for name in names}
    found: dict[str, Any] = {}
    for written, content in value.pairs if isinstance(value, JsonObject) else value.items():
        name = wanted.get(fold(written))
        if name in found:
            raise TwiceError(f"{name} is there twice, as programs in Go read names: it could be read in two ways")
        if name is not None:
            found[name] = content
    return found


def fold(name: str) -> str:
    """Return what all spellings of a name in ASCII have in common to Go."""
    return name.replace(_LONG_S, "s").lower()


@frozen
class WirePlatform:
    """``platform`` of an index's entry; an image's configuration has the same members."""

    os: Word = Word("")
    architecture: Word = Word("")
    variant: Word = Word("")
    os_version: Word = field(default=Word(""), metadata={NAME: "os.version"})


@frozen
class WireFsLayer:
    """One layer of schema 1."""

    blobSum: Digest


@frozen
class WireHistory:
    """One step of schema 1."""

    v1Compatibility: str = field(default="", repr=False)


@frozen
class WireSchema1:
    """Docker's schema 1, its signatures apart. Source: distribution's ``manifest-v2-1.md``."""

    schemaVersion: int
    fsLayers: tuple[WireFsLayer, ...]
    """Top first."""
    history: tuple[WireHistory, ...]
    architecture: Word = Word("")


@frozen
class Descriptor:
    """One blob or manifest that a manifest names."""

    digest: Digest
    mediaType: MediaType = MediaType("")
    size: Size | None = None
    urls: Urls = Urls(())
    platform: WirePlatform | None = None
    annotations: Annotations = field(factory=lambda: Annotations({}), repr=False)
    artifactType: MediaType = MediaType("")


@frozen
class WireManifest:
    """Docker's schema 2 and OCI's manifest."""

    schemaVersion: int
    config: Descriptor
    layers: tuple[Descriptor, ...]
    artifactType: MediaType = MediaType("")


@frozen
class WireArtifact:
    """A manifest of an artifact in the form that OCI has given up."""

    artifactType: MediaType = MediaType("")


@frozen
class WireIndex:
    """Docker's manifest list and OCI's index."""

    schemaVersion: int
    manifests: tuple[Descriptor, ...]


@frozen
class WireCatalog:
    """One page of the names of all repositories."""

    repositories: Names


@frozen
class WireTags:
    """One page of a repository's tags; null when all have been deleted."""

    tags: Names
    name: str = ""


def structure(document: object, wire_class: type[DocumentT]) -> DocumentT:
    """Return a JSON value as an object of one of the classes above.

    Members are found as Go finds them, unknown ones are ignored; null is absence, or an empty array.

    Raises:
        MalformedError: One ``$.path`` line for each of the first faults.
    """
    try:
        return _CONVERTER.structure(document, wire_class)
    except (cattrs.BaseValidationError, ValueError, TypeError) as error:
        lines = [line[:_LONGEST_FAULT] for line in cattrs.transform_error(error, format_exception=_say)]
        more = [f"and {len(lines) - _MOST_FAULTS} more faults"] if len(lines) > _MOST_FAULTS else []
        raise MalformedError("; ".join([*lines[:_MOST_FAULTS], *more])) from error


def _say(error: BaseException, _type: object) -> str:
    """Return the words for one fault."""
    match error:
        case KeyError():
            return "it is missing"
        case TypeError() | ValueError():
            return str(error)
        case _:
            return f"it can't be read ({type(error).__name__})"


def _expect(kind: type, name: str, judge: Callable[[Any], str | None] | None = None) -> Callable[[object, object], Any]:
    """Return a hook that takes values of exactly one JSON type in which *judge* finds no fault."""

    def check(value: object, _type: object) -> object:
        if type(value) is not kind:
            raise TypeError(f"expected {name}")
        if judge and (fault := judge(value)):
            raise ValueError(fault)
        return value

    return check


def _expect_form(form: str, name: str) -> Callable[[object, object], Any]:
    return _expect(str, "a string", lambda text: None if re.fullmatch(form, text) else f"this is not a valid {name}")


def _judge_size(size: int) -> str | None:
    return None if 0 <= size <= _LARGEST_SIZE else "a size is a number of bytes, 0 or more"


def _expect_annotations(value: object, _kind: object) -> dict[str, str]:
    """Take any names, and null for an empty string; a fault is said once: 100,000 would take seconds."""
    if not isinstance(value, dict):
        raise TypeError("expected an object")
    annotations = {name: "" if one is None else one for name, one in value.items()}
    if not all(type(one) is str for one in annotations.values()):
        raise ValueError("expected strings")
    return annotations


def _expect_urls(value: object, _kind: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(type(one) is str and re.fullmatch(_URL, one) for one in value):
        raise TypeError("expected an array of URLs")
    return tuple(value)


def _expect_names(value: object, _kind: object) -> tuple[str, ...]:
    """Take any strings: whether one is a valid name is for the reader to say, and no reason to lose the others."""
    if not isinstance(value, list) or not all(type(one) is str for one in value):
        raise TypeError("expected an array of strings")
    return tuple(value)


def _is_array(kind: Any) -> bool:
    return get_origin(kind) is tuple


def _is_list(kind: Any) -> bool:
    return _is_array(kind) or kind in {Urls, Names}


def _expect_array(value: object, kind: Any) -> tuple[Any, ...]:
    """Take an array whose length is checked before any element is looked at."""
    if not isinstance(value, list):
        raise TypeError("expected an array")
    if len(value) > MOST_ELEMENTS:
        raise ValueError(f"more than {MOST_ELEMENTS} elements")
    element: Any = get_args(kind)[0]
    return tuple(_CONVERTER.structure(value, list[element]))


def _make_object_hook(wire_class: Any) -> Callable[[object, Any], Any]:
    """Return a hook that takes an object: without its null members, or with an empty array where one is an array."""
    generated = make_dict_structure_fn(wire_class, _CONVERTER)
    known = {attribute.metadata.get(NAME, attribute.name): attribute.name for attribute in fields(wire_class)}
    arrays = {attribute.name for attribute in fields(resolve_types(wire_class)) if _is_list(attribute.type)}

    def read(value: object, kind: Any) -> object:
        if not isinstance(value, dict):
            raise TypeError("expected an object")
        found = {known[name]: one for name, one in read_members(value, known).items()}
        empty: dict[str, Any] = {name: [] for name in arrays & found.keys() if found[name] is None}
        return generated({name: one for name, one in found.items() if one is not None} | empty, kind)

    return read


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=True)
    converter.register_structure_hook(str, _expect(str, "a string"))
    converter.register_structure_hook(int, _expect(int, "an integer"))
    converter.register_structure_hook(Digest, _expect(str, "a string", find_digest_fault))
    converter.register_structure_hook(Size, _expect(int, "an integer", _judge_size))
    converter.register_structure_hook(MediaType, _expect_form(_MEDIA_TYPE, "media type"))
    converter.register_structure_hook(Word, _expect_form(_PLATFORM_WORD, "name of a platform"))
    converter.register_structure_hook(Urls, _expect_urls)
    converter.register_structure_hook(Names, _expect_names)
    converter.register_structure_hook(Annotations, _expect_annotations)
    converter.register_structure_hook_func(_is_array, _expect_array)
    converter.register_structure_hook_factory(has, _make_object_hook)
    return converter


_CONVERTER = _make_converter()
_DECODER = json.JSONDecoder(object_pairs_hook=JsonObject, parse_constant=_reject_constant)
