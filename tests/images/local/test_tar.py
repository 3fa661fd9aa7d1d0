"""Tar archives are read without being trusted."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from portus_images import LocalImageError
from portus_images.local.file_slice import opened
from portus_images.local.tar import TarFiles

REGULAR = tarfile.REGTYPE


class Member(tarfile.TarInfo):
    """A member with its content."""

    data: bytes = b""


def member(name: str, data: bytes = b"", kind: bytes = REGULAR, link: str = "", **members: object) -> Member:
    """Return a member."""
    info = Member(name)
    info.type, info.linkname, info.size, info.data = kind, link, len(data), data
    for key, value in members.items():
        setattr(info, key, value)
    return info


def pack(*members: Member, form: int = tarfile.PAX_FORMAT) -> bytes:
    """Return an archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for info in members:
            archive.addfile(info, io.BytesIO(info.data))
    return out.getvalue()


def read(archive: bytes, name: str, folder: Path) -> bytes:
    """Return one file of an archive."""
    path = folder / "archive.tar"
    path.write_bytes(archive)
    with opened(path) as whole, TarFiles(whole).open(name) as content:
        return content.read_all(10_000_000)


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("name", ["a", "./a", "a/b.txt", "deep/" * 20 + "x" * 90, "\u00e9", "x" * 200])
def test_a_file_is_found_by_its_name(tmp_path: Path, form: int, name: str) -> None:
    """In every form that Python writes, long names included."""
    archive = pack(member("first", b"1"), member(name, b"two" * 500), member("last"), form=form)

    assert b"two" * 500 == read(archive, name, tmp_path)
    assert b"two" * 500 == read(archive, f"./{name}", tmp_path)


@pytest.mark.parametrize(
    ("kind", "name", "link"),
    [
        (tarfile.SYMTYPE, "a/layer.tar", "../b/layer.tar"),
        (tarfile.SYMTYPE, "layer.tar", "b/layer.tar"),
        (tarfile.LNKTYPE, "a/layer.tar", "b/layer.tar"),
    ],
)
def test_a_link_inside_leads_to_its_file(tmp_path: Path, kind: bytes, name: str, link: str) -> None:
    """As Docker writes a layer that is there twice."""
    archive = pack(member("b/layer.tar", b"data"), member(name, kind=kind, link=link))

    assert b"data" == read(archive, name, tmp_path)


HOSTILE = [
    ("a link to the machine's files", [member("x", kind=tarfile.SYMTYPE, link="/etc/passwd")], "not in the archive"),
    ("a link that climbs", [member("x", kind=tarfile.SYMTYPE, link="../../etc/passwd")], "not in the archive"),
    ("a hard link that climbs", [member("x", kind=tarfile.LNKTYPE, link="../etc/passwd")], "not in the archive"),
    ("a link to itself", [member("x", kind=tarfile.SYMTYPE, link="x")], "link to a link"),
    ("a device", [member("x", kind=tarfile.BLKTYPE, devmajor=8)], "neither a plain file nor a link"),
    ("a pipe", [member("x", kind=tarfile.FIFOTYPE)], "neither a plain file nor a link"),
    ("a file that is there twice", [member("x", b"1"), member("./x", b"2")], "twice"),
    ("a file with a slash before it", [member("x", b"1"), member("/x", b"2")], "twice"),
    (
        "a file behind a link",
        [member("y", kind=tarfile.SYMTYPE, link="."), member("x", b"1"), member("y/z/x", b"2")],
        "behind a link",
    ),
    ("a folder", [member("x", kind=tarfile.DIRTYPE)], "not in the archive"),
    ("a sparse file of pax", [member("x", b"1", pax_headers={"GNU.sparse.size": "99"})], "neither a plain file"),
]


@pytest.mark.parametrize(("members", "said"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE])
def test_what_is_no_plain_file_is_not_read(tmp_path: Path, members: list[Member], said: str) -> None:
    """Nothing outside of the archive is ever opened."""
    with pytest.raises(LocalImageError, match=said):
        read(pack(*members), "x", tmp_path)


def test_a_name_that_climbs_is_only_a_name(tmp_path: Path) -> None:
    """Nothing is written anywhere."""
    assert b"1" == read(pack(member("../../x", b"1")), "../../x", tmp_path)
    with pytest.raises(LocalImageError):
        read(pack(member("../../x", b"1")), "x", tmp_path)


def header(size: bytes, kind: bytes = REGULAR, name: bytes = b"x") -> bytes:
    """Return a header whose size is written so."""
    block = bytearray(member("x").tobuf(tarfile.USTAR_FORMAT))
    block[: len(name)] = name
    block[124 : 124 + len(size)] = size
    block[156:157] = kind
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block[:512])
    return bytes(block[:512])


@pytest.mark.parametrize(
    ("archive", "said"),
    [
        (b"", "not a tar archive"),
        (bytes(1024), "not a tar archive"),
        (b"no archive at all" * 100, "not a tar archive"),
        (b"PK\x03\x04" + bytes(1000), "not a tar archive"),
        (header(b"77777777777\0"), "ends after the archive"),
        (header(b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff"), "ends after the archive"),
        (header(b"\xff" * 12), "ends after the archive"),
        (header(b"00000000000\0", tarfile.GNUTYPE_SPARSE), "sparse"),
        (header(b"00010000000\0", tarfile.XHDTYPE) + bytes(3_000_000), "extended header of 2097152 bytes"),
        (header(b"00010000000\0", tarfile.GNUTYPE_LONGNAME) + bytes(3_000_000), "extended header of 2097152 bytes"),
        (header(b"00000000012\0", tarfile.XHDTYPE) + b"99 path=x\n".ljust(512, b"\0"), "can't be read"),
        (header(b"00000000012\0", tarfile.XHDTYPE) + b"3 path=xy\n".ljust(512, b"\0"), "can't be read"),
    ],
)
def test_absurd_headers_are_refused(tmp_path: Path, archive: bytes, said: str) -> None:
    """Before anything of their size is read."""
    with pytest.raises(LocalImageError, match=said):
        read(archive, "x", tmp_path)


def test_a_damaged_header_is_refused(tmp_path: Path) -> None:
    """In the middle too."""
    archive = bytearray(pack(member("a", b"1"), member("b", b"2")))
    archive[1024 + 5] ^= 1
    with pytest.raises(LocalImageError, match="damaged"):
        read(bytes(archive), "a", tmp_path)


def test_members_have_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty thousand are read."""
    monkeypatch.setattr("portus_images.local.tar.MOST_MEMBERS", 3)
    with pytest.raises(LocalImageError, match="more than 3 members"):
        read(pack(*(member(str(number)) for number in range(4))), "1", tmp_path)


def test_names_have_an_end(tmp_path: Path) -> None:
    """They are kept in memory, all of them."""
    for info in (member("x" * 1025), member("x", kind=tarfile.SYMTYPE, link="y" * 1025)):
        with pytest.raises(LocalImageError, match="longer than 1024 characters"):
            read(pack(info), "x", tmp_path)


NAMES = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="/\0"), min_size=1, max_size=150)


@given(st.dictionaries(NAMES.filter(lambda name: name not in {".", ".."}), st.binary(max_size=2000), max_size=8))
def test_it_reads_what_python_wrote(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> None:
    """Names and contents of any archive that is not hostile."""
    path = tmp_path_factory.mktemp("tar") / "archive.tar"
    path.write_bytes(pack(*(member(name, data) for name, data in files.items()), member("end")))
    with opened(path) as whole:
        archive = TarFiles(whole)
        for name, data in files.items():
            if name != "end":
                with archive.open(name) as content:
                    assert data == content.read_all(10_000)


@given(st.binary(max_size=3000), st.integers(0, 2000))
def test_no_bytes_break_it(tmp_path_factory: pytest.TempPathFactory, junk: bytes, at: int) -> None:
    """Any change of an archive is read or refused."""
    archive = bytearray(pack(member("a", b"data" * 100), member("x" * 200, b"more")))
    archive[at : at + len(junk)] = junk
    path = tmp_path_factory.mktemp("tar") / "archive.tar"
    path.write_bytes(archive)
    with opened(path) as whole:
        try:
            with TarFiles(whole).open("a") as content:
                assert len(content.read_all(1_000_000)) <= len(archive)
        except LocalImageError:
            pass
