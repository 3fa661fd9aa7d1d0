"""Names of layers: one for each chain."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st
from portus_scanner_clair.layers import EMPTY_LAYERS, make_chain
from portus_scanners import Layer

digests = st.integers(0, 3).map(lambda number: f"sha256:{number:064x}")
chains = st.lists(digests, min_size=1, max_size=6)


def names(digests: list[str], salt: str = "salt") -> list[str]:
    return [link.name for link in make_chain([Layer(digest=digest) for digest in digests], salt)]


def test_names_are_those_of_the_reference() -> None:
    """The base's name is the hash of salt and digest, each further one that of the name below and the digest."""
    first = sha256(b"portus-scanners sha256:aa").hexdigest()
    second = sha256(f"{first} sha256:bb".encode()).hexdigest()
    assert [first, second] == names(["sha256:aa", "sha256:bb"], "portus-scanners")


@given(chains, chains)
def test_names_are_the_same_as_long_as_the_chains_are(one: list[str], other: list[str]) -> None:
    """Two images share the names of their common base and not one more."""
    shared = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    assert names(one)[:shared] == names(other)[:shared]
    assert not set(names(one)[shared:]) & set(names(other)[shared:])


@given(chains)
def test_names_in_one_image_differ(chain: list[str]) -> None:
    """A layer that stands in an image twice has two names."""
    assert len(chain) == len(set(names(chain)))


@given(chains, st.text(max_size=5), st.text(max_size=5))
def test_a_new_salt_gives_new_names(chain: list[str], one: str, other: str) -> None:
    """Two salts share no name, whatever is in them."""
    assert (one == other) == bool(set(names(chain, one)) & set(names(chain, other)))


@given(chains, st.data())
def test_empty_layers_change_nothing(chain: list[str], data: st.DataObject) -> None:
    """Well-known empty layers anywhere in the chain are left out: same names, same parents."""
    mixed = list(chain)
    for digest in sorted(EMPTY_LAYERS):
        mixed.insert(data.draw(st.integers(0, len(mixed))), digest)
    assert names(chain) == names(mixed)


@given(chains)
def test_each_parent_is_the_link_before(chain: list[str]) -> None:
    """The base has no parent, every other layer has the one below; they are counted from 1."""
    links = make_chain([Layer(digest=digest) for digest in chain], "salt")
    assert ["", *(link.name for link in links[:-1])] == [link.parent for link in links]
    assert list(range(1, len(chain) + 1)) == [link.number for link in links]


def test_only_empty_layers_give_no_chain() -> None:
    """Of an image of empty layers nothing is left."""
    assert () == make_chain([Layer(digest=digest) for digest in EMPTY_LAYERS], "salt")


def test_names_suit_a_url() -> None:
    """A name is 64 hex digits: within Clair's 128 characters, with nothing to escape."""
    (name,) = names(["sha256:aa"], "Sälz/ %")
    assert (64, True) == (len(name), set(name) <= set("0123456789abcdef"))
