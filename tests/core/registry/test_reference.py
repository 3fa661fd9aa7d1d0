"""References, against Docker's own grammar."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portus_scanners import InvalidReferenceError, Reference

HEX = "0123456789abcdef" * 4
SHA256 = f"sha256:{HEX}"
SHA512 = f"sha512:{HEX}{HEX}"
HUB = "docker.io"

VALID = [
    ("alpine", HUB, "library/alpine", "latest", None),
    ("alpine:3.19", HUB, "library/alpine", "3.19", None),
    ("library/alpine", HUB, "library/alpine", "latest", None),
    ("user/app", HUB, "user/app", "latest", None),
    ("docker.io/alpine", HUB, "library/alpine", "latest", None),
    ("docker.io/library/alpine:1", HUB, "library/alpine", "1", None),
    ("index.docker.io/alpine", HUB, "library/alpine", "latest", None),
    ("registry-1.docker.io/user/app", HUB, "user/app", "latest", None),
    ("Docker.IO/alpine", HUB, "library/alpine", "latest", None),
    ("localhost/app", "localhost", "app", "latest", None),
    ("localhost:5000/app", "localhost:5000", "app", "latest", None),
    ("localhost", HUB, "library/localhost", "latest", None),
    ("localhost:5000", HUB, "library/localhost", "5000", None),
    ("127.0.0.1:5000/app:1", "127.0.0.1:5000", "app", "1", None),
    ("[::1]/app", "[::1]", "app", "latest", None),
    ("[::1]:5000/app:1", "[::1]:5000", "app", "1", None),
    ("[2001:db8::1]:5000/a/b", "[2001:db8::1]:5000", "a/b", "latest", None),
    ("registry.example/app", "registry.example", "app", "latest", None),
    ("registry.example/a/b/c/d:x", "registry.example", "a/b/c/d", "x", None),
    ("registry.example:65535/app", "registry.example:65535", "app", "latest", None),
    ("REGISTRY/app", "REGISTRY", "app", "latest", None),
    ("xn--n3h.com/app", "xn--n3h.com", "app", "latest", None),
    ("a-b.c-d.example/app", "a-b.c-d.example", "app", "latest", None),
    ("app.1/x", "app.1", "x", "latest", None),
    ("a/b.c", HUB, "a/b.c", "latest", None),
    ("a_b/c__d/e-f/g---h/i.j", HUB, "a_b/c__d/e-f/g---h/i.j", "latest", None),
    ("0/1", HUB, "0/1", "latest", None),
    (f"alpine@{SHA256}", HUB, "library/alpine", None, SHA256),
    (f"alpine:1@{SHA256}", HUB, "library/alpine", "1", SHA256),
    (f"localhost:5000/app@{SHA512}", "localhost:5000", "app", None, SHA512),
    (f"r.example/app@sha384:{HEX}{HEX[:32]}", "r.example", "app", None, f"sha384:{HEX}{HEX[:32]}"),
    ("app:_x", HUB, "library/app", "_x", None),
    ("app:A.b-C_d", HUB, "library/app", "A.b-C_d", None),
    ("app:" + "t" * 128, HUB, "library/app", "t" * 128, None),
    ("r.example/" + "a" * 255, "r.example", "a" * 255, "latest", None),
    (HEX[:63], HUB, f"library/{HEX[:63]}", "latest", None),
    (f"r.example/{HEX}", "r.example", HEX, "latest", None),
]

INVALID = [
    "",
    " ",
    " alpine",
    "alpine ",
    "alpine\n",
    "Alpine",
    "user/App",
    "registry.example/Team/app",
    "registry.example/",
    "registry.example//app",
    "registry.example/app/",
    "/app",
    "https://registry.example/app",
    "user:password@registry.example/app",
    "app:",
    "app:-x",
    "app:.x",
    "app:x y",
    "app:é",
    "app:" + "t" * 129,
    "a..b",
    "a___b",
    "a_-b",
    "-a",
    "a-",
    "_a",
    ".a",
    "../a",
    "r.example/../a",
    "r.example/a/..",
    "r.example/a%2fb",
    "r.example/a?b",
    "r.example/a#b",
    "r.example/é",
    "é.example/app",
    "-r.example/app",
    "r-.example/app",
    "r..example/app",
    "r_x.example/app",
    "r.example:/app",
    "r.example:x/app",
    "r.example:65536/app",
    "r.example:123456/app",
    "[::1/app",
    "[::g]/app",
    "[]/app",
    "alpine@",
    "alpine@sha256",
    "alpine@sha256:",
    f"alpine@sha256:{HEX[:63]}",
    f"alpine@sha256:{HEX}0",
    f"alpine@sha256:{HEX.upper()}",
    f"alpine@sha256:{'g' * 64}",
    f"alpine@md5:{HEX[:32]}",
    f"alpine@sha1:{HEX[:40]}",
    f"alpine@{SHA256}@{SHA256}",
    f"alpine@{SHA256}:tag",
    f"@{SHA256}",
    HEX,
    f"{HEX}:tag",
    "r.example/" + "a" * 256,
    "a/" * 5000 + "a",
    "a" * 1_000_000,
]


@pytest.mark.parametrize(("text", "registry", "repository", "tag", "digest"), VALID)
def test_a_reference_is_split_as_docker_splits_it(
    text: str, registry: str, repository: str, tag: str | None, digest: str | None
) -> None:
    """Registry, repository, tag and digest are those that Docker sees, defaults written out."""
    found = Reference.parse(text)

    assert (registry, repository, tag, digest) == (found.registry, found.repository, found.tag, found.digest)


@pytest.mark.parametrize("text", INVALID, ids=lambda text: repr(text[:40]))
def test_what_docker_refuses_is_refused_in_a_short_message(text: str) -> None:
    """No other text is taken, and the message does not repeat a text of any length."""
    with pytest.raises(InvalidReferenceError) as caught:
        Reference.parse(text)

    assert len(str(caught.value)) < 2500


@pytest.mark.parametrize("text", [case[0] for case in VALID])
def test_a_reference_written_out_is_the_same_reference(text: str) -> None:
    """``str`` gives a text that parses to an equal reference."""
    reference = Reference.parse(text)

    assert reference == Reference.parse(str(reference))


_WORD = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=8)
_DIGEST = st.text("0123456789abcdef", min_size=64, max_size=64).map("sha256:{}".format)
_TAG = st.from_regex(r"\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}\Z")
_HOST = st.one_of(
    st.just(""),
    st.sampled_from(["localhost/", "localhost:5000/", "docker.io/", "[::1]:5000/", "A/"]),
    st.tuples(_WORD, _WORD).map("{0[0]}.{0[1]}/".format),
)


@given(_HOST, st.lists(_WORD, min_size=1, max_size=4), st.none() | _TAG, st.none() | _DIGEST)
def test_every_wellformed_reference_survives_the_round_trip(
    host: str, parts: list[str], tag: str | None, digest: str | None
) -> None:
    """Whatever is put together by the grammar is parsed, and parses again to the same from its own text."""
    text = host + "/".join(parts) + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    reference = Reference.parse(text)

    assert reference == Reference.parse(str(reference))
    assert (tag or (None if digest else "latest"), digest) == (reference.tag, reference.digest)


@given(st.text(max_size=60))
def test_any_text_is_a_reference_or_an_invalid_one(text: str) -> None:
    """No text makes the parser raise anything but its own error."""
    try:
        reference = Reference.parse(text)
    except InvalidReferenceError:
        return

    assert reference == Reference.parse(str(reference))


def test_docker_hub_answers_elsewhere() -> None:
    """Docker Hub's API is not at its name; other registries' is."""
    assert "registry-1.docker.io" == Reference.parse("alpine").api_host
    assert "r.example:5000" == Reference.parse("r.example:5000/app").api_host


@pytest.mark.parametrize(
    ("text", "name"),
    [("alpine", "alpine"), ("user/app:1", "user/app"), ("r.example/library/app", "r.example/library/app")],
)
def test_the_name_is_the_one_that_dockers_daemon_shows(text: str, name: str) -> None:
    """Names of Docker Hub are short, others are whole."""
    assert name == Reference.parse(text).name


def test_a_digest_is_asked_for_before_a_tag() -> None:
    """With tag and digest the digest decides what is fetched."""
    assert SHA256 == Reference.parse(f"alpine:1@{SHA256}").manifest
    assert "1" == Reference.parse("alpine:1").manifest


@pytest.mark.parametrize(
    ("registry", "repository", "tag", "digest"),
    [
        ("user@r.example", "app", "1", None),
        ("r.example/x", "app", "1", None),
        ("r.example?x", "app", "1", None),
        ("r.example\r\nX: 1", "app", "1", None),
        ("", "app", "1", None),
        ("r.example", "../app", "1", None),
        ("r.example", "", "1", None),
        ("r.example", "app", "../1", None),
        ("r.example", "app", "", None),
        ("r.example", "app", None, "sha256:../x"),
        ("r.example", "app", None, ""),
    ],
)
def test_a_reference_put_together_by_hand_is_checked_as_well(
    registry: str, repository: str, tag: str | None, digest: str | None
) -> None:
    """All of it goes into addresses, wherever it comes from."""
    with pytest.raises(InvalidReferenceError):
        Reference("by hand", registry, repository, tag, digest)
