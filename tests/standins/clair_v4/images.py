"""How Clair v4 reads an image: layers that it pulls and compares with their digests, packages, and where they are from.

Not there: rpm's database, Go programs, Java archives, removed files. Source: quay/claircore 1.5.48, and what was seen
on the wire.
"""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from collections.abc import Iterator, Mapping
from typing import Any

import aiohttp
from attrs import field, frozen

OS_RELEASE, DPKG, DPKG_INFO, APK = "etc/os-release", "var/lib/dpkg/status", "var/lib/dpkg/info/", "lib/apk/db/installed"
_METADATA = re.compile(r"(.*)/[^/]+\.dist-info/METADATA")
_STANZA = re.compile(r"^([A-Za-z-]+): ?(.*)$", re.MULTILINE)


class IndexingError(Exception):
    """Why an image could not be read.

    Args:
        status: The HTTP status of Clair's answer.
        message: Clair's words.
    """

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


@frozen
class FoundPackage:
    """A package in one layer."""

    name: str
    version: str
    database: str
    source: tuple[str, str] = ("", "")
    repository: Mapping[str, str] | None = None


@frozen
class LayerContent:
    """What one layer has."""

    distribution: Mapping[str, str] | None = None
    packages: tuple[FoundPackage, ...] = ()
    databases: frozenset[str] = field(factory=frozenset)


async def pull(session: aiohttp.ClientSession, layer: Mapping[str, Any]) -> LayerContent:
    """Pull a layer as its description in a manifest says, and read it."""
    headers = [(name, value) for name, values in (layer.get("headers") or {}).items() for value in values]
    try:
        async with session.get(layer["uri"], headers=headers) as answer:
            data = await answer.read()
            if answer.status != 200:
                start = data[:200].decode(errors="replace")
                _fail(
                    500,
                    f'fetcher: encountered errors: unexpected status code: {answer.status} (body starts: "{start}")',
                )
    except aiohttp.ClientError as error:
        _fail(500, f'fetcher: encountered errors: fetcher: request failed: Get "{layer["uri"]}": {error}')
    found, expected = hashlib.sha256(data).hexdigest(), layer["hash"].partition(":")[2]
    if found != expected:
        _fail(500, f'fetcher: encountered errors: fetcher: validation failed: got "{found}", expected "{expected}"')
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            files = {one.name.removeprefix("./"): _bytes(archive, one) for one in archive if one.isreg()}
    except tarfile.TarError:
        _fail(400, f"fetcher: encountered errors: claircore: layer {layer['hash']}: unable to create fs.FS: tarfs")
    return _content_of(files)


def _fail(status: int, why: str) -> None:
    raise IndexingError(status, f"failed to start scan: failed to fetch layers: {why}")


def _bytes(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(entry)
    return file.read() if file else b""


def _content_of(files: Mapping[str, bytes]) -> LayerContent:
    packages = [*_dpkg(files), *_apk(files), *_python(files)]
    databases = {name for name in (DPKG, APK) if name in files}
    return LayerContent(_distribution_of(files), tuple(packages), frozenset(databases))


def _distribution_of(files: Mapping[str, bytes]) -> Mapping[str, str] | None:
    lines = files.get(OS_RELEASE, b"").decode().splitlines()
    values = {name: value.strip('"') for name, _, value in (line.partition("=") for line in lines)}
    match values.get("ID"):
        case "debian":
            version = values["VERSION"]
            number, _, code = version.rstrip(")").partition(" (")
            name = {"name": "Debian GNU/Linux", "pretty_name": f"Debian GNU/Linux {version}"}
            return {"did": "debian", **name, "version": version, "version_code_name": code, "version_id": number}
        case "alpine":
            version = values["VERSION_ID"].rpartition(".")[0]
            name = {"name": values["NAME"], "pretty_name": values["PRETTY_NAME"]}
            return {"did": "alpine", **name, "version": version, "version_code_name": "", "version_id": ""}
    return None


def _dpkg(files: Mapping[str, bytes]) -> Iterator[FoundPackage]:
    if any(name.startswith(DPKG_INFO) for name in files):
        for text in files.get(DPKG, b"").decode().split("\n\n"):
            values = dict(_STANZA.findall(text))
            if values:
                name, version = values["Package"], values["Version"]
                source, _, own = values.get("Source", name).partition(" ")
                yield FoundPackage(name, version, DPKG, (source, own.strip("()") or version))


def _apk(files: Mapping[str, bytes]) -> Iterator[FoundPackage]:
    for text in files.get(APK, b"").decode().split("\n\n"):
        values = dict(re.findall(r"^([A-Za-z]):(.*)$", text, re.MULTILINE))
        if values:
            yield FoundPackage(values["P"], values["V"], APK, (values.get("o", values["P"]), values["V"]))


def _python(files: Mapping[str, bytes]) -> Iterator[FoundPackage]:
    for path, data in files.items():
        if match := _METADATA.fullmatch(path):
            values = dict(_STANZA.findall(data.decode()))
            repository = {"name": "pypi", "uri": "https://pypi.org/simple", "cpe": ""}
            yield FoundPackage(values["Name"].lower(), values["Version"], f"python:{match[1]}", repository=repository)
