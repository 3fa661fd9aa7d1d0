"""Files that belong to images."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

import pytest
from attrs import evolve
from hypothesis import given, strategies as st
from portus_scanners import Image, InvalidReportError, Reference, ScannerError, UnsupportedImageError
from portus_scanners.backends import PathTemplate, read_file, read_json

DIGEST = "sha256:" + "a" * 64
IMAGE = Image(reference=Reference.parse("registry.example:5000/team/app:1.0"), digest=DIGEST)


def test_each_name_of_an_image_has_its_place() -> None:
    """The registry with its port, the repository as one name, the tag, the digest of the image itself."""
    template = PathTemplate("/r/{registry}/{repository}/{tag}@{digest}.json")
    assert f"/r/registry.example:5000/team%2Fapp/1.0@{DIGEST}.json" == template.fill(IMAGE)


def test_a_name_that_the_image_does_not_have() -> None:
    """An image that was asked for by digest has no tag: unsupported, and the message says which name it is."""
    image = evolve(IMAGE, reference=Reference.parse(f"registry.example/app@{DIGEST}"))
    with pytest.raises(UnsupportedImageError, match="needs a tag"):
        PathTemplate("/{tag}").fill(image)


@pytest.mark.parametrize("text", ["/{name}", "/{}", "/{", "/}", "/{{tag}}", "/{tag.x}"])
def test_other_braces_are_refused(text: str) -> None:
    """When the template is made, not when it is used."""
    with pytest.raises(ValueError, match="no other braces"):
        PathTemplate(text)


@given(st.text(min_size=1).filter(lambda text: text.isprintable()))
def test_a_value_stays_one_name_in_its_folder(digest: str) -> None:
    """Whatever a value is, the path has as many parts as the template; and another value has another path."""
    path = PathTemplate("/folder/{digest}/end").fill(evolve(IMAGE, digest=digest))
    assert path.isascii()
    assert ("/", "folder", "end") == (*PurePosixPath(path).parts[:2], PurePosixPath(path).parts[-1])
    assert (4, True) == (len(PurePosixPath(path).parts), PurePosixPath(path).parts[2] not in {".", ".."})
    assert digest == unquote(PurePosixPath(path).parts[2])


async def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    """One byte more than allowed is an error that names the file."""
    file = tmp_path / "file"
    file.write_bytes(b"12345")
    assert b"12345" == await read_file(str(file), max_size=5)
    with pytest.raises(InvalidReportError, match=r"file is longer than 4 bytes"):
        await read_file(str(file), max_size=4)


async def test_what_can_not_be_read(tmp_path: Path) -> None:
    """No file, a folder, a pipe that nobody writes to, and no path at all are errors that say so."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "under").write_text("a file")
    reasons = {"gone": "there is no file", "": "Is a directory", "pipe": "is not a file", "under/x": "Not a directory"}
    for name, reason in {**reasons, "\0": "it is not a valid path"}.items():
        with pytest.raises(ScannerError, match=reason):
            await read_file(f"{tmp_path}/{name}", max_size=5)


async def test_a_hostile_name_stays_one_line() -> None:
    """The message has no line break of the path's."""
    with pytest.raises(ScannerError, match="no file") as caught:
        await read_file(f"{tempfile.gettempdir()}/a\nb\x1b[31m", max_size=5)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("content", [b'{"a": 1}', b'\xef\xbb\xbf{"a": 1}', '{"a": 1}'.encode("utf-16")])
def test_json_in_the_encodings_that_it_may_have(content: bytes) -> None:
    """UTF-8 with and without a mark, and UTF-16."""
    assert {"a": 1} == read_json(content, "the file")


@pytest.mark.parametrize("content", [b"", b"<html>\n", b"\xff\xff", b"[" * 100_000, b"\xef\xbb\xbf\xff"], ids=range(5))
def test_what_is_no_json_is_invalid(content: bytes) -> None:
    """The message has its beginning in one line."""
    with pytest.raises(InvalidReportError, match="the file is not JSON") as caught:
        read_json(content, "the file")
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content", [b'{"a": [1], "a": []}', b'[{"b": {"a": 1, "b": 2, "a": 1}}]'], ids=["top", "inside"]
)
def test_a_member_that_stands_twice_is_invalid(content: bytes) -> None:
    """Nobody knows which of the two counts, at any depth."""
    with pytest.raises(InvalidReportError, match="the file: an object has two members 'a'"):
        read_json(content, "the file")
