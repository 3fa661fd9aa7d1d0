"""Archives and folders: opened with care."""

from __future__ import annotations

import gzip
import io
import os
import socket
from pathlib import Path
from threading import Event

import pytest
from portus_images import LocalImageError
from portus_images.local import files as archives
from portus_images.local.file_slice import PIECE, StoppedError, inflate, opened
from portus_images.local.files import ArchiveFiles, FolderFiles
from portus_scanners_testing.images import write_tar

DATA = bytes(range(256)) * 100


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """An archive of two files, the first larger than a piece."""
    path = tmp_path / "plain.tar"
    write_tar(path, {"large": DATA * 50, "small": b"small"})
    return path


def read(path: Path, name: str) -> bytes:
    """Return a file of an archive."""
    archive = ArchiveFiles(path, Event())
    try:
        with archive.open(name) as content:
            return content.read_all(10_000_000)
    finally:
        archive.close()


def compress(path: Path, *parts: bytes, tail: bytes = b"") -> Path:
    """Return the archive compressed with gzip; each part is a member of its own."""
    packed = path.with_suffix(".tar.gz")
    packed.write_bytes(b"".join(gzip.compress(part) for part in parts or [path.read_bytes()]) + tail)
    return packed


def test_an_archive_is_read_as_it_is(plain: Path) -> None:
    """In pieces."""
    assert len(DATA * 50) > PIECE
    assert (DATA * 50, b"small") == (read(plain, "large"), read(plain, "small"))


def test_a_compressed_archive_is_unpacked(plain: Path) -> None:
    """Also one of several members, and one with zeros after it, as tapes have."""
    body = plain.read_bytes()
    for packed in (compress(plain), compress(plain, body[:3000], body[3000:]), compress(plain, tail=bytes(700))):
        assert (DATA * 50, b"small") == (read(packed, "large"), read(packed, "small"))


def test_the_unpacked_archive_has_no_name(plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ends this program, no file stays behind."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    archive = ArchiveFiles(compress(plain), Event())

    assert [] == list(folder.iterdir())
    archive.close()


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is the unpacked size, and what comes after it is not even written."""
    monkeypatch.setattr(archives, "LARGEST_UNPACKED", 3_000_000)
    bomb = tmp_path / "bomb.tar.gz"
    with gzip.open(bomb, "wb") as out:
        for _ in range(200):
            out.write(bytes(1_000_000))

    assert bomb.stat().st_size < 1_000_000
    with pytest.raises(LocalImageError, match="unpacks to more than 3000000 bytes"):
        read(bomb, "x")


def test_half_of_the_free_disk_is_left(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else the machine does."""
    usage = type("Usage", (), {"free": 2_000_000})
    monkeypatch.setattr("shutil.disk_usage", lambda _path: usage)
    with pytest.raises(LocalImageError, match="unpacks to more than 1000000 bytes"):
        read(compress(plain), "large")


@pytest.mark.parametrize("keep", [0.5, 0.99, 1.0])
def test_a_cut_or_damaged_archive_is_refused(plain: Path, keep: float) -> None:
    """The last bytes count too: they are the checksum."""
    packed = compress(plain)
    body = bytearray(packed.read_bytes())
    if keep == 1.0:
        body[-6] ^= 1
    packed.write_bytes(body[: int(len(body) * keep)])
    with pytest.raises(LocalImageError, match=r"cut|damaged"):
        read(packed, "small")


@pytest.mark.parametrize(
    ("head", "said"),
    [(b"\x28\xb5\x2f\xfd", "zstd"), (b"BZh9", "bzip2"), (b"\xfd7zXZ\0", "xz"), (b"hello", "not a tar archive")],
)
def test_what_is_compressed_otherwise_is_named(tmp_path: Path, head: bytes, said: str) -> None:
    """With its path."""
    path = tmp_path / "odd"
    path.write_bytes(head + bytes(2000))
    with pytest.raises(LocalImageError, match=said) as caught:
        read(path, "x")

    assert str(path) in str(caught.value)
    assert ("", "local") == (caught.value.registry, caught.value.step)


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    """A pipe would have to be written first; a folder, a socket, nothing at all."""
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        for name in ("pipe", "socket", "", "missing"):
            with pytest.raises(LocalImageError):
                read(tmp_path / name, "x")


def test_unpacking_can_be_stopped(plain: Path) -> None:
    """By whoever waits no longer."""
    stop = Event()
    stop.set()
    with pytest.raises(StoppedError):
        ArchiveFiles(compress(plain), stop)


def test_a_folder_gives_its_own_files(tmp_path: Path) -> None:
    """Also over a link inside of it."""
    (tmp_path / "root" / "sub").mkdir(parents=True)
    (tmp_path / "root" / "sub" / "file").write_bytes(b"data")
    (tmp_path / "root" / "link").symlink_to("sub/file")
    (tmp_path / "other").symlink_to("root")
    for folder in (FolderFiles(tmp_path / "root"), FolderFiles(tmp_path / "other")):
        for name in ("sub/file", "link"):
            with folder.open(name) as content:
                assert b"data" == content.read_all(100)


def test_a_link_out_of_a_folder_is_not_followed(tmp_path: Path) -> None:
    """Neither to a file nor over a folder, neither absolute nor with dots."""
    (tmp_path / "secret").write_bytes(b"secret")
    root = tmp_path / "root"
    root.mkdir()
    (root / "absolute").symlink_to(tmp_path / "secret")
    (root / "dots").symlink_to("../secret")
    (root / "folder").symlink_to("..")
    (root / "loop").symlink_to("loop")
    for name, said in {"absolute": "out of", "dots": "out of", "folder/secret": "out of", "loop": "loop"}.items():
        with pytest.raises(LocalImageError, match=said), FolderFiles(root).open(name):
            pass


def test_a_folder_is_no_archive(tmp_path: Path) -> None:
    """The message says which form a folder has; that of a folder inside of a layout does not."""
    (tmp_path / "index.json").mkdir()
    with pytest.raises(LocalImageError, match=r"is not a file; for a folder write oci:$"):
        ArchiveFiles(tmp_path, Event())
    with pytest.raises(LocalImageError, match=r"is not a file$"), FolderFiles(tmp_path).open("index.json"):
        pass


def test_a_file_is_no_folder(plain: Path, tmp_path: Path) -> None:
    """The message says which form a file has."""
    with pytest.raises(LocalImageError, match="oci-archive"):
        FolderFiles(plain)
    with pytest.raises(LocalImageError, match="No such file"):
        FolderFiles(tmp_path / "missing")


def test_content_is_bounded(plain: Path) -> None:
    """Before it is read."""
    with opened(plain) as content, pytest.raises(LocalImageError, match="longer than 10 bytes"):
        content.read_all(10)


def test_a_file_that_becomes_shorter_is_noticed(tmp_path: Path) -> None:
    """Half a layer is none."""
    path = tmp_path / "file"
    path.write_bytes(DATA)
    with opened(path) as content:
        path.write_bytes(b"")
        with pytest.raises(LocalImageError, match="shorter"):
            list(content.pieces(Event()))


def test_memory_is_that_of_a_piece(tmp_path: Path) -> None:
    """However little a compressed archive takes."""
    packed = io.BytesIO(gzip.compress(bytes(50_000_000)))
    path = tmp_path / "zeros.gz"
    path.write_bytes(packed.getvalue())
    with opened(path) as content:
        assert max(len(piece) for piece in inflate(content, Event())) <= PIECE
