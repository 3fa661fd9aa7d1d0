"""Digests of bodies, and of signed manifests without their signatures."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from portus_images.blobs import digest_of, find_digest_fault
from portus_images.manifests.schema1 import strip_signatures
from portus_scanners_testing.images import filler_layer, make_image
from portus_scanners_testing.registry import signed_schema1


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_a_body_is_measured_with_the_algorithm_of_the_digest_to_expect(algorithm: str) -> None:
    """The three algorithms of the specification are supported, and their digests are no fault."""
    expected = f"{algorithm}:{hashlib.new(algorithm, b'body').hexdigest()}"

    assert expected == digest_of(b"body", like=f"{algorithm}:x")
    assert find_digest_fault(expected) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256",
        "sha256:",
        "sha256:abc",
        "sha256:" + "A" * 64,
        "sha256:" + "a" * 63,
        "sha256:" + "a" * 65,
        "sha256:" + "a" * 64 + "\n",
        "sha256:" + "a" * 64 + "/../x",
        "sha256:../../../" + "a" * 55,
        "sha256:%2e%2e" + "a" * 58,
        "md5:" + "a" * 32,
        "SHA256:" + "a" * 64,
        " sha256:" + "a" * 64,
    ],
)
def test_a_text_that_could_change_an_address_is_no_digest(text: str) -> None:
    """Only the exact form passes; what is said of the rest is short."""
    fault = find_digest_fault(text)

    assert fault is not None
    assert len(fault) < 150


def test_the_digest_of_a_signed_manifest_is_that_of_its_payload() -> None:
    """Signatures are cut out where the frame says so, which gives the payload byte for byte."""
    signed, payload = signed_schema1(make_image(filler_layer("a")), "team/app", "1")

    assert payload == strip_signatures(signed)


def test_an_unsigned_manifest_is_its_own_payload() -> None:
    """Without signatures nothing is cut."""
    assert b'{"schemaVersion": 1}' == strip_signatures(b'{"schemaVersion": 1}')


def encode(value: Any) -> str:
    """Return JSON as the frame holds it."""
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "signatures",
    [
        [{}],
        [{"protected": 5}],
        [{"protected": "!"}],
        [{"protected": encode([])}],
        [{"protected": encode({"formatLength": 3})}],
        [{"protected": encode({"formatLength": -1, "formatTail": ""})}],
        [{"protected": encode({"formatLength": 10**9, "formatTail": ""})}],
        [{"protected": encode({"formatLength": True, "formatTail": ""})}],
        [{"protected": encode({"formatLength": "3", "formatTail": ""})}],
        {"a": 1},
        "text",
        7,
    ],
)
def test_a_frame_that_cannot_be_read_is_a_fault(signatures: object) -> None:
    """A signature that does not say what it covers never passes for one that does."""
    with pytest.raises(ValueError, match=r"signatures|formatLength"):
        strip_signatures(json.dumps({"schemaVersion": 1, "signatures": signatures}).encode())
