"""The images that a user names: parsed, and for what is not a reference what to write instead."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from .exits import CommandFault, CommandFaults
from .terminal import PROGRAM

if TYPE_CHECKING:
    from portus_scanners import ImageReference, ReportDocument, UnresolvedImage

_REGISTRY_STEPS = {"connect", "token", "manifest", "resolve"}
"""The steps at which a registry could not resolve an image."""
_SCHEMES = ("http", "https", "docker", "oci")
_LOCAL_FORMS = ("oci", "oci-archive", "docker-archive")
_REPORTS = {".json", ".jsonl", ".html", ".csv", ".sarif", ".md", ".xml", ".txt"}
"""The ends of the names of files that formats are written to."""
_RIGHT_FORM = "write it as registry.example:5000/team/app:1.0 or docker-archive:FILE"
_DAEMON = "docker-daemon:"
_DIGEST = "sha256:"
_HUB_PAGES = "hub.docker.com"


def parse_references(texts: tuple[str, ...]) -> tuple[ImageReference, ...]:
    """Return the references.

    Raises:
        CommandFault: One line for each that is not valid.
    """
    parsed, faults = [], CommandFaults()
    for text in texts:
        with faults.collect():
            parsed.append(_parse(text))
    faults.check()
    return tuple(parsed)


def _parse(text: str) -> ImageReference:
    from portus_scanners import InvalidReferenceError, parse_reference

    scheme, slashes, rest = text.partition("://")
    if slashes and scheme in {*_SCHEMES, *_LOCAL_FORMS}:
        raise CommandFault(_without_scheme(scheme, rest, "a valid image reference"))
    if text.startswith(_DIGEST):
        raise CommandFault(f"{text!r} is a digest, or the id of an image: write NAME@{_DIGEST}..., or NAME:TAG")
    try:
        return parse_reference(text)
    except InvalidReferenceError as error:
        raise CommandFault(f"{error}; {_advise(text)}") from error


def _without_scheme(scheme: str, rest: str, wanted: str) -> str:
    """Say what to write instead of a URL, without the account that it may hold."""
    if scheme in _LOCAL_FORMS and (scheme != "oci" or rest.startswith("/")):
        right, what = f"{scheme}:{rest}", "the //"
    else:
        host, slash, path = rest.partition("/")
        right, what = f"{host.rpartition('@')[2]}{slash}{path.rstrip('/')}", f"{scheme}://"
        if right.startswith((f"{_HUB_PAGES}/_/", f"{_HUB_PAGES}/r/")):
            return f"{scheme}://... is a page about an image; write {right.removeprefix(_HUB_PAGES)[3:]}"
    return f"{scheme}://... is not {wanted}; leave out {what}: {right}"


def _advise(text: str) -> str:
    if text.startswith(_DAEMON):
        name = text.removeprefix(_DAEMON)
        return f"write it to a file first: docker save {name} -o app.tar; {PROGRAM} image docker-archive:app.tar"
    if text.startswith("registry:") and _is_valid(text.removeprefix("registry:")):
        return f"leave out registry:, and write {text.removeprefix('registry:')}"
    if text.startswith("dir:"):
        return "folders are not scanned, but images in them: oci:DIR"
    if "," in text and all(map(_is_valid, text.split(","))):
        return f"write several with blanks between them: {text.replace(',', ' ')}"
    if text == "-" or text.startswith("@"):
        return f"of a list in a file: {PROGRAM} image $(cat {text[1:] or 'FILE'})"
    if (form := _form_of(Path(text))) and ":" not in text:
        return f"there is a {_kind(form)} of that name here: {form}:{text}"
    if text != text.lower() and _is_valid(text.lower()):
        return f"write it as {text.lower()}"
    return _RIGHT_FORM


def _is_valid(text: str) -> bool:
    from portus_scanners import InvalidReferenceError, parse_reference

    try:
        parse_reference(text)
    except InvalidReferenceError:
        return False
    return True


def unscanned(references: Iterable[ImageReference], step: str, message: str) -> ReportDocument:
    """Return the document of images that no engine was asked for, all for one reason."""
    from portus_scanners import ReportDocument, UnresolvedImage

    errors = tuple(UnresolvedImage(reference=one.text, step=step, message=message) for one in references)
    return ReportDocument(errors=errors, created=datetime.now(UTC).replace(microsecond=0))


def hint_at_file(error: UnresolvedImage) -> str:
    """Return how to write what no registry has and what is a file or a folder here, or meant to be one."""
    text = error.reference
    if error.step not in _REGISTRY_STEPS or ":" in text:  # a path with a colon can't be written
        return ""
    form = _form_of(Path(text))
    if form == "docker-archive" and PurePath(text).suffix == ".txt":
        return f"if it lists images: {PROGRAM} image $(cat {text})"
    if form:
        return f"there is a {_kind(form)} of that name here: {form}:{text}"
    return f"for an output write -o FORMAT={text}" if PurePath(text).suffix in _REPORTS else ""


def _kind(form: str) -> str:
    return "folder" if form == "oci" else "file"


def _form_of(path: Path) -> str | None:
    """Return the scheme of a local image that may be at a path; a folder without an index holds no image."""
    try:
        if path.is_file():
            return "docker-archive"
        return "oci" if (path / "index.json").is_file() else None
    except (OSError, ValueError):
        return None


def check_host(host: str) -> str:
    """Return the host of a registry, as it stands in an image's name.

    Raises:
        CommandFault: It is not one.
    """
    from portus_images import hide_account
    from portus_scanners import InvalidReferenceError, Reference

    scheme, slashes, rest = host.partition("://")
    if slashes and scheme in _SCHEMES:
        raise CommandFault(_without_scheme(scheme, rest, "a registry"))
    try:
        Reference(host, host, "any")
    except InvalidReferenceError as error:
        advice = "write the registry as in an image's name: registry.example:5000 or registry.example:5000/team"
        raise CommandFault(f"{hide_account(host)!r} is not a registry: {advice}") from error
    return host
