"""The next page of a list is found in every spelling of its link, or the list is an error: it never ends early."""

from __future__ import annotations

import pytest
from aiohttp import web
from hypothesis import given, strategies as st
from multidict import CIMultiDict
from portus_images import InvalidManifestError
from portus_images.registry.links import Link, LinkError, parse_links
from portus_scanners_testing import ScriptedServer

from .conftest import Connect

SPELLINGS = [
    'rel="next"',
    "rel=next",
    'REL="next"',
    'rel = "next"',
    'rel="prev next"',
    'title="a, b; rel=x"; rel="next"',
    "rel='next'",
    'rel="Next"',
    'rel="ne\\xt"',
    'rel="prev"; rel="next"',
    'hreflang; rel="next";',
]


async def names_of(connect: Connect, *links: str) -> list[str]:
    """Return the names of a list whose first page has the name ``a`` and these links, its second page ``b``."""
    async with ScriptedServer() as server:

        async def first(_request: web.BaseRequest) -> web.StreamResponse:
            headers = CIMultiDict([("Link", link.replace("HOST", server.host)) for link in links])
            return web.Response(body=b'{"repositories": ["a"]}', headers=headers)

        server.script("/v2/_catalog", first, {"repositories": ["b"]})
        return [name async for name in connect().repositories(server.host)]


@pytest.mark.parametrize(
    "links",
    [
        *[(f"</v2/_catalog?last=a>; {spelling}",) for spelling in SPELLINGS],
        ('<https://docs.example/>; rel="help"', '</v2/_catalog?last=a>; rel="next"'),
        ('<https://docs.example/>; rel="help", </v2/_catalog?last=a>; rel="next"',),
        ('<http://HOST/v2/_catalog?last=v1..2>; rel="next"',),
        ('<https://HOST/v2/_catalog?last=a>; rel="next"',),
        ('<?last=a>; rel="next"', '<?last=a>; rel="next"'),
    ],
)
async def test_the_next_page_is_found(connect: Connect, links: tuple[str, ...]) -> None:
    """Whatever the spelling, the header line, or the scheme that a proxy has made of it."""
    assert ["a", "b"] == await names_of(connect, *links)


@pytest.mark.parametrize("link", ['<https://docs.example/>; rel="help"', "", ",", '</v2/>; rel="first prev"'])
async def test_a_link_of_another_relation_is_passed_over(connect: Connect, link: str) -> None:
    """The list ends there."""
    assert ["a"] == await names_of(connect, link)


@pytest.mark.parametrize(
    "link",
    [
        "</v2/_catalog?last=a>",
        '</v2/_catalog?last=a>; rev="next"',
        "</v2/_catalog?last=a>; rel",
        '</v2/_catalog?last=a>; rel=""',
        '/v2/_catalog?last=a; rel="next"',
        '</v2/_catalog?last=a; rel="next"',
        '</v2/_catalog?last=a>; rel="next',
        '</v2/_catalog?last=a> rel="next"',
        '<http://elsewhere.example/v2/_catalog?last=a>; rel="next"',
        '</v2/_catalog/%2e%2e/x>; rel="next"',
        '<>; rel="next"',
        '</v2/_catalog?last=a>; rel="next", </v2/_catalog?last=b>; rel="next"',
    ],
)
async def test_what_can_not_be_read_is_an_error(connect: Connect, link: str) -> None:
    """Nobody knows whether there is more."""
    with pytest.raises(InvalidManifestError, match="page"):
        await names_of(connect, link)


@given(st.text(max_size=60).map(lambda text: f"<{text}"))
def test_any_header_is_read_or_refused(header: str) -> None:
    """Nothing else is raised; what is read has a relation."""
    try:
        links = parse_links([header])
    except LinkError:
        return
    assert all(isinstance(link, Link) and link.relations for link in links)
