"""Packages as images have them that no builder of the kit makes: rpm's database, and those of four languages.

Sources: rpm, ``lib/header.c`` (headers without a region, as rpm 3 wrote them), ``lib/backend/sqlite.c``; Go,
``debug/buildinfo``; ELF-64; PyPA's core metadata; Maven's ``pom.properties``.
"""

from __future__ import annotations

import gzip
import io
import sqlite3
import struct
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from portus_scanners_testing.images import LayerBlob, digest_of

_NAME, _VERSION, _RELEASE, _VENDOR, _ARCH, _SOURCE = 1000, 1001, 1002, 1011, 1022, 1044
_STRING = 6
_MODULES_BEGIN = bytes.fromhex("3077af0c9274080241e1c107e6d618e6")
_MODULES_END = bytes.fromhex("f932433186182072008242104116d8f2")
_ADDRESS = 0x400000


def ubi_files(packages: Mapping[tuple[str, str], str], version: str = "8.9") -> dict[str, bytes]:
    """Return the files of a UBI with rpm's packages.

    Args:
        packages: ``VERSION-RELEASE`` by the names of a package and of the one that it was built from.
        version: The release of Red Hat's Linux.
    """
    release = (
        f'NAME="Red Hat Enterprise Linux"\nVERSION="{version}"\nID="rhel"\nID_LIKE="fedora"\nVERSION_ID="{version}"\n'
    )
    redhat = f"Red Hat Enterprise Linux release {version} (Ootpa)\n"
    return {
        "etc/os-release": release.encode(),
        "etc/redhat-release": redhat.encode(),
        "var/lib/rpm/rpmdb.sqlite": _rpm_database(packages),
    }


def _rpm_database(packages: Mapping[tuple[str, str], str]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rpmdb.sqlite")
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
            for (name, source), version in packages.items():
                database.execute("INSERT INTO Packages (blob) VALUES (?)", (_rpm_header(name, source, version),))
        return path.read_bytes()


def _rpm_header(name: str, source: str, version: str) -> bytes:
    number, _, release = version.partition("-")
    values = {
        _NAME: name,
        _VERSION: number,
        _RELEASE: release,
        _VENDOR: "Red Hat, Inc.",
        _ARCH: "x86_64",
        _SOURCE: f"{source}-{version}.src.rpm",
    }
    entries, data = b"", b""
    for tag, value in values.items():
        entries += struct.pack(">iIiI", tag, _STRING, len(data), 1)
        data += value.encode() + b"\0"
    return struct.pack(">ii", len(values), len(data)) + entries + data


def go_binary(modules: Mapping[str, str], go: str = "go1.22.0") -> bytes:
    """Return a program that has nothing but what Go says of the modules that it was built from: versions by path."""
    lines = ["path\tcommand-line-arguments", "mod\texample.org/app\tv1.0.0\t"]
    lines += [f"dep\t{path}\t{version}\th1:{'A' * 43}=" for path, version in modules.items()]
    listed = _MODULES_BEGIN + "".join(f"{line}\n" for line in lines).encode() + _MODULES_END
    info = b"\xff Go buildinf:\x08\x02".ljust(32, b"\0") + _counted(go.encode()) + _counted(listed)
    names = b"\0.go.buildinfo\0.shstrtab\0"
    start, size = 128, len(info)
    after = start + size + len(names)
    identity = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header = struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, _ADDRESS, 64, after, 0, 64, 56, 1, 64, 3, 2)
    segment = struct.pack("<IIQQQQQQ", 1, 6, start, _ADDRESS, _ADDRESS, size, size, 16)
    sections = (
        (0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        (names.index(b".go"), 1, 3, _ADDRESS, start, size, 0, 0, 16, 0),
        (names.index(b".sh"), 3, 0, 0, start + size, len(names), 0, 0, 1, 0),
    )
    table = b"".join(struct.pack("<IIQQQQIIQQ", *one) for one in sections)
    return (identity + header + segment).ljust(start, b"\0") + info + names + table


def program_layer(name: str, data: bytes) -> LayerBlob:
    """Return a layer with one file that may be executed: Trivy looks for Go in no other."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(data), 0o755
        archive.addfile(entry, io.BytesIO(data))
    return LayerBlob(data=gzip.compress(stream.getvalue(), mtime=0), diff_id=digest_of(stream.getvalue()))


def _counted(data: bytes) -> bytes:
    number, count = len(data), b""
    while number >= 128:
        number, low = divmod(number, 128)
        count += bytes([low | 128])
    return count + bytes([number]) + data


def jar(group: str, artifact: str, version: str) -> bytes:
    """Return a Java archive that says what it is."""
    stream = io.BytesIO()
    properties = f"groupId={group}\nartifactId={artifact}\nversion={version}\n"
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", f"Manifest-Version: 1.0\nImplementation-Version: {version}\n")
        archive.writestr(f"META-INF/maven/{group}/{artifact}/pom.properties", properties)
    return stream.getvalue()


def python_files(name: str, version: str) -> dict[str, bytes]:
    """Return the files that say that a Python distribution is installed."""
    folder = f"usr/lib/python3/site-packages/{name}-{version}.dist-info"
    return {f"{folder}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()}


def npm_files(name: str, version: str) -> dict[str, bytes]:
    """Return the file that says that a package of npm is installed."""
    return {f"app/node_modules/{name}/package.json": f'{{"name": "{name}", "version": "{version}"}}'.encode()}
