"""Names of local images."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from portus_scanners import InvalidReferenceError, LocalReference, Reference, parse_reference


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("oci:dir", ("oci", "dir", "")),
        ("oci:dir:tag", ("oci", "dir", "tag")),
        ("oci:/a/b:1.0", ("oci", "/a/b", "1.0")),
        ("oci-archive:a.tar", ("oci-archive", "a.tar", "")),
        ("oci-archive:a.tar:@1", ("oci-archive", "a.tar", "@1")),
        ("docker-archive:a.tar.gz", ("docker-archive", "a.tar.gz", "")),
        ("docker-archive:a.tar:team/app:1.0", ("docker-archive", "a.tar", "team/app:1.0")),
        ("docker-archive:./a b.tar:host:5000/app:1", ("docker-archive", "./a b.tar", "host:5000/app:1")),
    ],
)
def test_form_path_and_name_are_those_of_skopeo(text: str, expected: tuple[str, str, str]) -> None:
    """The path ends at the first colon."""
    found = parse_reference(text)

    assert isinstance(found, LocalReference)
    assert (expected, text, text) == ((found.form, found.path, found.name), found.text, str(found))


@pytest.mark.parametrize("text", ["alpine", "oci", "library/oci:1", "docker.io/library/oci:1", "ocid:1", "oci/app:1"])
def test_all_else_is_a_registrys(text: str) -> None:
    """Docker Hub's repository oci has a longer name too."""
    assert Reference.parse(text) == parse_reference(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("oci:", "path is missing"),
        ("oci::tag", "path is missing"),
        ("docker-archive:", "path is missing"),
        ("oci:dir:", "nothing follows its last colon"),
        ("oci:a\0b", "NUL"),
        ("oci:" + "x" * 5000, "longer than 4096"),
    ],
)
def test_half_a_reference_is_refused(text: str, said: str) -> None:
    """The message says what is missing."""
    with pytest.raises(InvalidReferenceError, match=said) as caught:
        parse_reference(text)

    assert len(str(caught.value)) < 300


def test_another_form_is_none() -> None:
    """Of those that skopeo has, only these are read."""
    with pytest.raises(InvalidReferenceError, match="begins with none of oci, oci-archive, docker-archive"):
        LocalReference.parse("docker-daemon:alpine")


def test_a_path_is_relative_to_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When it is used."""
    monkeypatch.chdir(tmp_path)

    assert tmp_path / "dir" == LocalReference.parse("oci:dir").absolute_path


@given(st.text())
def test_any_text_is_a_reference_or_refused(text: str) -> None:
    """And what was parsed is written as it was."""
    try:
        found = LocalReference.parse(f"oci:{text}")
    except InvalidReferenceError:
        return

    assert f"oci:{text}" == str(found)
