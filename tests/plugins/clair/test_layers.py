"""The chain of an image: what its links say beside their names."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given, strategies as st
from portus_scanner_clair.layers import EMPTY_LAYERS, make_chain, name_layers
from portus_scanners import Image, Layer, LocalImage, Reference, parse_reference

digests = st.integers(0, 3).map(lambda number: f"sha256:{number:064x}")
chains = st.lists(digests, min_size=1, max_size=6)


def layers(digests: list[str]) -> list[Layer]:
    """Return layers of these digests."""
    return [Layer(digest=digest) for digest in digests]


@given(chains, st.text(max_size=5), st.text(max_size=5))
def test_two_salts_share_no_name(chain: list[str], one: str, other: str) -> None:
    """Different salts give different names for every layer."""
    names = [{link.name for link in make_chain(layers(chain), salt)} for salt in (one, other)]
    assert (one == other) == bool(names[0] & names[1])


@given(chains)
def test_each_parent_is_the_link_below(chain: list[str]) -> None:
    """The base has no parent, every other layer has the one below; they are counted from 1."""
    links = make_chain(layers(chain), "salt")
    assert ["", *(link.name for link in links[:-1])] == [link.parent for link in links]
    assert [(number, len(chain)) for number in range(1, len(chain) + 1)] == [
        (link.number, link.total) for link in links
    ]


@given(chains, st.data())
def test_empty_layers_change_nothing(chain: list[str], data: st.DataObject) -> None:
    """With well-known empty layers anywhere in it, an image has the same chain."""
    mixed = list(chain)
    for digest in sorted(EMPTY_LAYERS):
        mixed.insert(data.draw(st.integers(0, len(mixed))), digest)
    assert make_chain(layers(chain), "salt") == make_chain(layers(mixed), "salt")


@pytest.mark.parametrize("salt", ["", "portus-scanners", "Sälz /%?#\n"])
def test_names_suit_a_url(salt: str) -> None:
    """A name is 64 hex digits, whatever the salt: within Clair's 128 characters, with nothing to escape."""
    (link,) = make_chain(layers(["sha256:aa"]), salt)
    assert (64, True) == (len(link.name), set(link.name) <= set("0123456789abcdef"))


def test_an_image_s_names_have_its_registry_unless_it_is_local() -> None:
    """What a registry has served is named after it; the verified layers of a local image are named without one."""
    image = Image(
        reference=Reference.parse("registry.example:5000/team/app:1"),
        digest="sha256:" + "a" * 64,
        layers=(Layer(digest="sha256:aa"),),
    )
    local = LocalImage(form="oci", path="/a", name="")
    assert make_chain(image.layers, "s", "registry.example:5000") == name_layers(image, "s")
    assert make_chain(image.layers, "s") == name_layers(evolve(image, local=local), "s")
    assert make_chain(image.layers, "s") == name_layers(evolve(image, reference=parse_reference("oci:/a")), "s")
    assert "layer 1 of 1 (sha256:aa)" == str(name_layers(image, "s")[0])
