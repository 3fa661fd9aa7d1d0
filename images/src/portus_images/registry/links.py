"""The header ``Link``: the address of a list's next page.

A list that ends too early looks like one of a smaller registry. So a link whose relation can't be read is an error and
not the end of the list; one of another relation is passed over.

Source: RFC 8288, section 3. Names of parameters and relations are in any case; a relation in single quotes, and more
than one ``rel``, are seen as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from attrs import frozen
from yarl import URL

from ..errors import InvalidManifestError
from .exchange import RegistryAnswer, RegistryCall
from .hosts import resolve_location

_TARGET = r"[\s,]*<([^>]*)>"
_PARAMETER = (
    r"""\s*;\s*(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|'([^',;"]*)'|([^\s,;"]+))?)?)?"""
)
_END = r"\s*(?:,|$)"
_ESCAPED = r"\\(.)"
_NEXT = "next"


class LinkError(ValueError):
    """A header that can't be read; the message says what is wrong."""


@frozen
class Link:
    """One link of an answer."""

    target: str
    """An address, which may be relative."""
    relations: frozenset[str]
    """In lower case."""


def parse_links(values: Iterable[str]) -> tuple[Link, ...]:
    """Return the links of all ``Link`` headers of an answer, in their order.

    Raises:
        LinkError: One can't be read, or has no relation.
    """
    return tuple(link for value in values for link in _parse_header(value))


def find_next_page(call: RegistryCall, answer: RegistryAnswer, inside: str) -> URL | None:
    """Return the address of the next page; None where there is none.

    Only path and query of the link count: behind a proxy that ends TLS, a registry writes ``http``.

    Args:
        call: The call for the present page.
        answer: The present page.
        inside: What the path of each page begins with: a link to elsewhere is not followed.

    Raises:
        InvalidManifestError: It leads elsewhere, can't be read, or there are two of them.
    """
    try:
        links = parse_links(answer.headers.getall("Link", ()))
    except LinkError as error:
        raise call.make_error(InvalidManifestError, f"whether there is another page is not clear: {error}") from error
    pages = {_locate(call, link.target, inside) for link in links if _NEXT in link.relations}
    if len(pages) > 1:
        raise call.make_error(InvalidManifestError, "it names two different next pages")
    return pages.pop() if pages else None


def _locate(call: RegistryCall, target: str, inside: str) -> URL:
    url = resolve_location(call.url, target) if target else None
    path = url.raw_path if url and _same_place(call.url, url) else ""
    if url is None or not path.startswith(inside) or ".." in unquote(path).split("/"):
        raise call.make_error(InvalidManifestError, "its next page is not one of this list")
    return call.url.join(URL(url.raw_path_qs, encoded=True))


def _same_place(one: URL, other: URL) -> bool:
    """Tell whether two addresses are of one host and port, whatever the scheme; the usual port of each is one."""
    return one.host == other.host and (one.port == other.port or (one.is_default_port() and other.is_default_port()))


def _parse_header(value: str) -> Iterator[Link]:
    position = 0
    while value[position:].strip(" \t,"):
        target = re.compile(_TARGET).match(value, position)
        if target is None:
            raise LinkError("a link has no address in <>")
        relations, position = _parse_relations(value, target.end())
        if not relations:
            raise LinkError("a link says nothing of its relation (rel)")
        yield Link(target[1].strip(), relations)


def _parse_relations(value: str, position: int) -> tuple[frozenset[str], int]:
    """Return the relations of the link whose parameters begin here, and where the next link begins."""
    relations: set[str] = set()
    while parameter := re.compile(_PARAMETER).match(value, position):
        name, quoted, single, bare = parameter.groups()
        if name and name.lower() == "rel":
            written = re.sub(_ESCAPED, r"\1", quoted) if quoted is not None else single or bare or ""
            relations.update(written.lower().split())
        position = parameter.end()
    end = re.compile(_END).match(value, position)
    if end is None:
        raise LinkError("a link's parameters are not written as they should be")
    return frozenset(relations), end.end()
