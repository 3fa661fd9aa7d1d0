"""Which images a pattern means."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st
from policy.suppressions.documents import DIGEST, INDEX_DIGEST, image, local_image
from portus_policy.suppressions.image_patterns import ImagePattern

TABLE = [
    ("registry.example/team/*", "registry.example/team/app:1.0", True),
    ("registry.example/team/*", "registry.example/team/sub/app:1.0", False),
    ("registry.example/team/**", "registry.example/team/sub/app:1.0", True),
    ("registry.example/**/app", "registry.example/app", True),
    ("registry.example/**/app", "registry.example/a/b/app", True),
    ("**/app", "registry.example/team/app", True),
    ("**/app", "registry.example/team/app2", False),
    ("registry.example/team/app", "registry.example/team/app:1.0", True),
    ("registry.example/team/app:1.0", "registry.example/team/app:1.0", True),
    ("registry.example/team/app:1.*", "registry.example/team/app:1.0", True),
    ("registry.example/team/app:1.*", "registry.example/team/app:2.0", False),
    ("registry.example/team/app:A", "registry.example/team/app:a", False),
    ("registry.example/team/app:*", f"registry.example/team/app@{INDEX_DIGEST}", False),
    ("registry.example/team/app", f"registry.example/team/app@{INDEX_DIGEST}", True),
    (f"registry.example/team/app@{INDEX_DIGEST}", f"registry.example/team/app@{INDEX_DIGEST}", True),
    (f"registry.example/team/app@{DIGEST}", "registry.example/team/app:1.0", True),
    (f"registry.example/team/app@{DIGEST.upper().replace('SHA', 'sha')}", "registry.example/team/app:1.0", True),
    (f"registry.example/team/app@{INDEX_DIGEST}", "registry.example/team/app:1.0", False),
    (f"registry.example/team/app:2@{DIGEST}", "registry.example/team/app:1.0", False),
    ("Registry.Example/team/app", "registry.example/team/app", True),
    ("registry.example/team/app", "REGISTRY.example/team/app", True),
    ("registry.example/Team/app", "registry.example/team/app", False),
    ("registry.example:5000/app", "registry.example:5000/app:1", True),
    ("registry.example/app", "registry.example:5000/app:1", False),
    ("*/app", "registry.example/app", True),
    ("[::1]:5000/app", "[::1]:5000/app", True),
    ("alpine", "alpine:3.19", True),
    ("alpine:3.*", "docker.io/library/alpine:3.19", True),
    ("library/alpine", "alpine", True),
    ("docker.io/library/alpine", "alpine", True),
    ("index.docker.io/library/alpine", "alpine", True),
    ("team/app", "team/app:1", True),
    ("team/app", "registry.example/team/app:1", False),
    ("alpine:latest", "alpine", True),
    ("docker.io/alpine", "alpine", True),
    ("docker.io/alpine:3.*", "docker.io/library/alpine:3.19", True),
    ("index.docker.io/alpine", "docker.io/alpine", True),
    ("registry-1.docker.io/alpine", "alpine", True),
    ("Docker.io/alpine", "alpine", True),
    ("docker.io/team/app", "team/app:1", True),
    ("docker.io/app", "team/app:1", False),
    ("docker.io/alpine", "registry.example/alpine", False),
    ("alpine", "registry.example/library/alpine", False),
    ("oci:app", "registry.example/oci", False),
]


@pytest.mark.parametrize(("pattern", "reference", "expected"), TABLE)
def test_patterns(pattern: str, reference: str, expected: bool) -> None:
    """A pattern means the images whose name, tag and digest fit."""
    assert expected == ImagePattern.parse(pattern).fits(image(reference))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("docker-archive:out/app.tar", True),
        ("docker-archive:out/*.tar", True),
        ("docker-archive:*.tar", False),
        ("docker-archive:**/app.tar:team/app:1.0", True),
        ("docker-archive:out/app.tar:team/app:1.0", True),
        ("docker-archive:out/app.tar:team/app:2.0", False),
        ("docker-archive:/builds/out/app.tar", True),
        ("oci-archive:out/app.tar", False),
        ("team/app", False),
        ("**/app:1.0", False),
    ],
)
def test_local_images(pattern: str, expected: bool) -> None:
    """A local image is meant by its form and path, as written or absolute, with its name or without."""
    local = local_image("docker-archive:out/app.tar:team/app:1.0", "/builds/out/app.tar")
    assert expected == ImagePattern.parse(pattern).fits(local)


@pytest.mark.parametrize("text", ["*", "**", "a//b", "/a", "a:", "a@", "@sha256:1", "registry.example/"])
def test_strings_that_are_not_patterns(text: str) -> None:
    """A pattern of every image, or of none, is rejected."""
    with pytest.raises(ValueError, match="image: "):
        ImagePattern.parse(text)


def test_many_wildcards_take_no_time() -> None:
    """A pattern made to be slow is compared in steps that do not multiply."""
    pattern = ImagePattern.parse("/".join(["**"] * 40 + ["*a*a*a*a*a*a*b"]))
    assert not pattern.fits(image("registry.example/" + "/".join(["a" * 9] * 20)))


@given(st.text(max_size=60))
def test_any_string_is_a_pattern_or_rejected(text: str) -> None:
    """A string raises ValueError and nothing else, or can be compared without an error."""
    try:
        pattern = ImagePattern.parse(text)
    except ValueError:
        return
    assert pattern.fits(image()) in {True, False}
