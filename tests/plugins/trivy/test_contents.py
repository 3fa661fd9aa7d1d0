"""What an image's configuration claims of its layers, and whether they are that."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import zstandard
from attrs import evolve
from hypothesis import HealthCheck, given, settings, strategies as st
from portus_scanner_trivy.contents import LayerContent, UnpackingStoppedError, check_content, read_contents
from portus_scanners import Layer, ScannerError, UnsupportedImageError
from portus_scanners_testing.images import debian_image, digest_of, layer

from .conftest import image_of

BUILT = debian_image({"bash": "5.2-1"})
IMAGE = image_of(BUILT)
A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def config_of(diff_ids: object) -> bytes:
    """Return a configuration that claims these digests."""
    return json.dumps({"os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids}}).encode()


def test_layers_and_archives_are_paired() -> None:
    """In the order of the manifest."""
    two = evolve(IMAGE, layers=(Layer(digest=A), Layer(digest=B)))
    assert (LayerContent(A, B), LayerContent(B, A)) == read_contents(two, config_of([B, A]))
    built = read_contents(IMAGE, BUILT.config)
    assert [one.diff_id for one in BUILT.layers] == [content.diff_id for content in built]


@pytest.mark.parametrize(
    "config",
    [
        b"", b"[]", b"{}", b'{"rootfs": null}', b'{"rootfs": []}', b'{"rootfs": {}}', b"\xff", b"[" * 100_000,
        config_of(None), config_of({}), config_of([]), config_of([A, B]), config_of([5]), config_of(["x"]),
        config_of([A.upper()]), config_of(["sha512:" + "a" * 128]), config_of([f"{A}\n"]),
    ],
)  # fmt: skip
def test_a_configuration_that_does_not_say_what_each_layer_is_fails(config: bytes) -> None:
    """Trivy would look at other layers, or at fewer."""
    with pytest.raises(ScannerError, match="the image's configuration"):
        read_contents(IMAGE, config)


@pytest.mark.parametrize(
    "text",
    [
        '{"rootfs": {"diff_ids": ["%A"]}, "rootfs": {"diff_ids": ["%B"]}}',
        '{"rootfs": {"diff_ids": ["%A"]}, "RootFS": {"diff_ids": ["%B"]}}',
        '{"rootfs": {"diff_ids": ["%A"]}, "rootf\u017f": null}',
        '{"rootfs": {"diff_ids": ["%A"], "Diff_IDs": ["%B"]}}',
        '{"ROOTFS": {"diff_ids": ["%A"], "diff_ids": ["%A"]}}',
    ],
)
def test_a_configuration_that_go_reads_otherwise_fails(text: str) -> None:
    """Go takes the last of several members, whose names it compares without regard to case."""
    with pytest.raises(ScannerError, match=r"it has the member .* 2 times"):
        read_contents(IMAGE, text.replace("%A", A).replace("%B", B).encode())


def test_names_in_other_letters_are_read_as_go_reads_them() -> None:
    """One alone means the same to both; labels are data, in which two names may differ in case alone."""
    config = {"config": {"Labels": {"a": "", "A": ""}}, "RootFS": {"DIFF_IDS": [A]}}
    assert (LayerContent(BUILT.layers[0].digest, A),) == read_contents(IMAGE, json.dumps(config).encode())


def blob_of(archive: bytes, how: str) -> bytes:
    """Compress an archive as registries have it: in two parts where that is allowed."""
    half = len(archive) // 2
    match how:
        case "gzip":
            return gzip.compress(archive)
        case "gzip members":
            return gzip.compress(archive[:half]) + gzip.compress(archive[half:])
        case "zstd":
            return zstandard.compress(archive)
        case "zstd frames":
            skipped = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"toc "
            return zstandard.compress(archive[:half]) + zstandard.compress(archive[half:]) + skipped
        case _:
            return archive


HOW = st.sampled_from(["none", "gzip", "gzip members", "zstd", "zstd frames"])
QUICK = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def check(path: Path, blob: bytes, diff_id: str) -> None:
    """Check what a blob unpacks to."""
    path.write_bytes(blob)
    check_content(path, LayerContent(digest_of(blob), diff_id), Event())


@QUICK
@given(st.binary(max_size=3000).map(lambda data: b"any" + data), HOW)
def test_a_layer_is_what_it_unpacks_to(tmp_path: Path, archive: bytes, how: str) -> None:
    """Whatever it is compressed with, the check lets it pass; of others it raises (the next test)."""
    check(tmp_path / "blob", blob_of(archive, how), digest_of(archive))


@QUICK
@given(st.binary(max_size=300).map(lambda data: b"any" + data), HOW, st.integers(1, 12))
def test_no_other_layer_passes(tmp_path: Path, archive: bytes, how: str, cut: int) -> None:
    """One with another digest, one with something behind it, one that was cut."""
    blob, own = blob_of(archive, how), digest_of(archive)
    others = [(blob, A), (blob + b"x", own)]
    if how != "zstd frames":  # its end is not of the archive
        others.append((blob[:-cut], own))
    for other, claimed in others:
        with pytest.raises(ScannerError):
            check(tmp_path / "blob", other, claimed)


@pytest.mark.parametrize("compression", ["bzip2", "xz"])
def test_what_trivy_cannot_unpack_is_unsupported(tmp_path: Path, compression: Any) -> None:
    """Docker can; Trivy would fail without a word about why."""
    built = layer({"a": b"b"}, compression=compression)
    with pytest.raises(UnsupportedImageError, match=compression):
        check(tmp_path / "blob", built.data, built.diff_id)


def test_it_can_be_stopped(tmp_path: Path) -> None:
    """A thread that nobody waits for ends soon."""
    (tmp_path / "blob").write_bytes(b"x")
    stop = Event()
    stop.set()
    with pytest.raises(UnpackingStoppedError):
        check_content(tmp_path / "blob", LayerContent(A, B), stop)


def test_a_layer_that_is_its_own_archive_is_not_read() -> None:
    """Its digest has been verified: it passes, though the file is not there to be read."""
    check_content(Path("/nowhere"), LayerContent(A, A), Event())
