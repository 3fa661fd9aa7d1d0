"""References, against Docker's own grammar."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st
from portus_scanners import InvalidReferenceError, Reference

from .references import INVALID, SHA256, VALID


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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("user:hunter2@r.example/app:1", "'******@r.example/app:1'"),
        ("https://user:hunter2@r.example/app", "'https://******@r.example/app'"),
        ("hunter2@r.example/app", "'******@r.example/app'"),
        (f"user:hunter2@r.example/app@sha256:{'a' * 64}", f"'******@r.example/app@sha256:{'a' * 64}'"),
        ("user:hun@ter2@r.example/app", "'******@r.example/app'"),
        (f"user:hunter2@r.example/{'a' * 2000}", "'******@r.example/aaa"),
    ],
)
def test_an_account_in_a_reference_is_not_shown(text: str, shown: str) -> None:
    """Neither the message nor the error has it; what to do instead is said."""
    with pytest.raises(InvalidReferenceError) as caught:
        Reference.parse(text)
    assert (True, True) == (shown in str(caught.value), shown.startswith(f"'{caught.value.text[:20]}"))
    assert not any(word in repr((caught.value, vars(caught.value))) for word in ("user", "hun", "ter2"))


def test_a_registry_with_an_account_is_not_shown() -> None:
    """Nor is it as a registry alone."""
    with pytest.raises(InvalidReferenceError) as caught:
        Reference("x", "user:hunter2@r.example", "app", "1")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("text", [f"App:1@sha256:{'a' * 64}", "app:1@sha256:abc", "app@latest"])
def test_what_is_not_an_account_is_shown(text: str) -> None:
    """A tag before a digest, a digest that is wrong, a tag in its place: the user sees what was typed."""
    with pytest.raises(InvalidReferenceError, match=text[:8]):
        Reference.parse(text)
