"""Local images in an engine: verified, served while they are scanned, and to nobody else."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import socket
import tracemalloc
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from attrs import evolve
from portus_images import LocalImageError, ServeAddress
from portus_images.local import server as serving
from portus_images.local.file_slice import FileSlice, StoppedError
from portus_images.local.local_images import LocalImages
from portus_scanners import (
    BlobHead,
    Engine,
    Image,
    ImageNotFoundError,
    ImageReport,
    Layer,
    LocalImage,
    LocalReference,
    Platform,
    RegistryUnavailableError,
    ReportDocument,
    Scanner,
    ScannerReport,
    ScannerSettings,
    Settings,
    SettingsError,
    UnsupportedImageError,
    dump_document,
    load_document,
)
from portus_scanners.engine import engine as module
from portus_scanners_testing.images import (
    digest_of,
    filler_layer,
    make_image,
    make_index,
    write_docker_archive,
    write_oci_archive,
    write_oci_layout,
    write_tar,
)

LARGE = filler_layer("large", size=3_000_000)
IMAGE = make_image(filler_layer("base"), LARGE, form="oci")
ARM = make_image(filler_layer("arm"), form="oci", architecture="arm64")
FORMS = ("oci", "oci-archive", "docker-archive")


class Puller(Scanner[ScannerSettings], contract=1):
    """Gets every layer over HTTP, as Clair does; `look` may do more."""

    pulled: list[tuple[int, bytes]]
    urls: list[str]
    images: list[Image]
    look: Callable[[Puller, Image], Awaitable[None]] | None

    async def scan(self, image: Image) -> ScannerReport:
        self.images.append(image)
        for layer in image.layers:
            access = await self.context.blob(image, layer)
            self.urls.append(access.url)
            async with self.context.http.get(access.url, headers=access.headers) as answer:
                self.pulled.append((answer.status, await answer.read()))
        if self.look is not None:
            await type(self).look(self, image)  # type: ignore[misc]
        return ScannerReport()


@pytest.fixture
def puller() -> type[Puller]:
    """A scanner class with a memory of its own."""
    return type("OwnPuller", (Puller,), {"pulled": [], "urls": [], "images": [], "look": None}, contract=1)


def write(folder: Path, form: str) -> str:
    """Write the image and return its reference."""
    path = folder / "image"
    if form == "docker-archive":
        write_docker_archive(path, {"team/app:1": IMAGE})
    else:
        (write_oci_layout if form == "oci" else write_oci_archive)(path, IMAGE, tag="1")
    return f"{form}:{path}"


def contents(form: str) -> list[bytes]:
    """Return what a backend is to get of each layer."""
    return [layer.archive if form == "docker-archive" else layer.data for layer in IMAGE.layers]


async def status_of(url: str) -> int:
    """Ask for an address."""
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return answer.status


@pytest.mark.parametrize("form", FORMS)
async def test_a_backend_pulls_the_layers_of_a_local_image(
    make_engine: Any, puller: type[Puller], tmp_path: Path, form: str
) -> None:
    """Every byte of them; the report has the text as it was given, and where the image lies."""
    text = write(tmp_path, form)
    async with make_engine(puller=puller) as engine:
        report: ImageReport = await engine.scan(text)

    assert [(200, data) for data in contents(form)] == puller.pulled
    assert "clean" == report.verdict.value
    assert text == report.image.reference.text
    assert LocalImage(form=form, path=str(tmp_path / "image")) == report.image.local
    assert Platform("linux", "amd64") == report.image.platform


async def test_a_report_of_a_local_image_is_read_back_exactly(
    make_engine: Any, puller: type[Puller], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reference, path and name; the path is absolute though the reference was not."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "oci")
    async with make_engine(puller=puller) as engine:
        document = ReportDocument(reports=(await engine.scan("oci:image:1"),))
    image = json.loads(dump_document(document))["reports"][0]["image"]

    assert document == load_document(dump_document(document))
    assert ("oci:image:1", {"form": "oci", "path": str(tmp_path / "image"), "name": "1"}) == (
        image["reference"],
        image["local"],
    )


async def test_an_address_is_good_for_the_scan_and_its_image_only(
    make_engine: Any, puller: type[Puller], tmp_path: Path
) -> None:
    """It can't be guessed, what is beside the layers is not served, and afterwards there is nothing."""
    text, seen = write(tmp_path, "oci"), []

    async def look(_scanner: Puller, image: Image) -> None:
        base, _, digest = puller.urls[0].rpartition("/")
        others = [f"{base}/{image.digest}", f"{base}/../../../etc/passwd", f"{base}/", f"{base}x/{digest}", base[:-1]]
        seen.extend([await status_of(url) for url in [*others, base.rpartition("/")[0]]])

    puller.look = look  # type: ignore[assignment]
    async with make_engine(puller=puller) as engine:
        await engine.scan(text)
        after = await status_of(puller.urls[0])
        await engine.scan(text)

    assert ([404] * 6, 404) == (seen[:6], after)
    secrets = {url.split("/")[3] for url in puller.urls}
    assert (2, {32}) == (len(secrets), {len(secret) for secret in secrets})
    with pytest.raises(aiohttp.ClientConnectorError):
        await status_of(puller.urls[0])


async def test_blobs_can_only_be_read(make_engine: Any, puller: type[Puller], tmp_path: Path) -> None:
    """HEAD says the size; all other methods are refused."""
    text, seen = write(tmp_path, "oci"), []

    async def look(scanner: Puller, image: Image) -> None:
        for method in ("HEAD", "PUT", "DELETE", "POST"):
            async with scanner.context.http.request(method, puller.urls[1]) as answer:
                seen.append((answer.status, answer.headers.get("Content-Length")))
        seen.append(await scanner.context.head_blob(image, image.layers[1]))

    puller.look = look  # type: ignore[assignment]
    async with make_engine(puller=puller) as engine:
        await engine.scan(text)

    size = len(IMAGE.layers[1].data)
    assert [(200, str(size)), (405, "0"), (405, "0"), (405, "0")] == seen[:4]
    assert BlobHead(status=200, size=size) == seen[4]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("fault", ["changed", "cut", "missing"])
async def test_a_layer_that_is_not_what_it_should_be_is_never_served(
    make_engine: Any, puller: type[Puller], tmp_path: Path, form: str, fault: str
) -> None:
    """The scan does not begin: no scanner may call it clean."""
    text = write(tmp_path, form)
    if form == "oci":
        path, start = tmp_path / "image" / "blobs" / "sha256" / LARGE.digest[7:], 0
    else:
        path, start = tmp_path / "image", (tmp_path / "image").read_bytes().index(contents(form)[1])
    data = bytearray(path.read_bytes())
    data[start + 1_000_000] ^= 1
    if fault == "missing" and form == "oci":
        path.unlink()
    else:
        path.write_bytes(data if fault == "changed" else data[: start + 1_000_000])
    async with make_engine(puller=puller) as engine:
        with pytest.raises(LocalImageError) as caught:
            await engine.scan(text)

    assert [] == puller.images
    assert caught.value.step == "local"
    assert str(tmp_path / "image") in str(caught.value)


async def test_a_layer_that_is_changed_after_it_was_verified_is_not_served(
    make_engine: Any, puller: type[Puller], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The backend gets a 500, and the log says why."""
    text, seen = write(tmp_path, "oci"), []

    async def look(scanner: Puller, image: Image) -> None:
        blob = tmp_path / "image" / "blobs" / "sha256" / LARGE.digest[7:]
        os.utime(blob, ns=(1, 1))
        seen.append(await status_of(puller.urls[1]))

    puller.look = look  # type: ignore[assignment]
    with caplog.at_level(logging.WARNING):
        async with make_engine(puller=puller) as engine:
            await engine.scan(text)

    assert [500] == seen
    assert "was changed while it was scanned" in caplog.text


async def test_another_image_of_the_archive_cannot_put_its_own_content_under_a_verified_digest(tmp_path: Path) -> None:
    """Two images of one archive name two files for the same layer, and one of the files is not what it should be."""
    good, config = b"good", json.dumps({"rootfs": {"diff_ids": [digest_of(b"good")]}}).encode()
    entries = [{"Config": "c", "RepoTags": [f"app:{name}"], "Layers": [name]} for name in ("good", "evil")]
    files = {"c": config, "good": good, "evil": b"evil", "manifest.json": json.dumps(entries).encode()}
    write_tar(tmp_path / "app.tar", files)
    references = [LocalReference.parse(f"docker-archive:{tmp_path}/app.tar:app:{name}") for name in ("good", "evil")]
    local = LocalImages(ServeAddress("127.0.0.1"))
    async with AsyncExitStack() as closing, aiohttp.ClientSession() as http:
        closing.push_async_callback(local.aclose)
        image = await local.open(references[0], None, closing)
        await local.open(references[1], None, closing)
        access = await local.blob(image, image.layers[0])
        async with http.get(access.url) as answer:
            assert (200, good) == (answer.status, await answer.read())


@pytest.mark.parametrize("wanted", ["linux/amd64", "linux/arm64"])
async def test_a_platform_is_chosen_in_a_local_index(
    make_engine: Any, puller: type[Puller], tmp_path: Path, wanted: str
) -> None:
    """As in a registry's."""
    write_oci_archive(tmp_path / "a.tar", make_index(IMAGE, ARM))
    async with make_engine(puller=puller) as engine:
        report = await engine.scan(f"oci-archive:{tmp_path}/a.tar", platform=Platform.parse(wanted))
        with pytest.raises(ImageNotFoundError, match="there are: linux/amd64, linux/arm64"):
            await engine.scan(f"oci-archive:{tmp_path}/a.tar", platform=Platform("linux", "s390x"))

    assert wanted == str(report.image.platform)


async def test_all_platforms_of_a_local_index_are_images(
    make_engine: Any, puller: type[Puller], tmp_path: Path
) -> None:
    """One whose blobs are not there says so; each of the others can be scanned at the same time."""
    write_oci_layout(tmp_path / "dir", make_index(IMAGE, ARM, make_image(LARGE, form="oci", variant="v2")))
    missing = make_index(IMAGE, ARM, make_image(LARGE, form="oci", variant="v2")).manifests[2]
    (tmp_path / "dir" / "blobs" / "sha256" / missing.digest[7:]).unlink()
    async with make_engine(puller=puller) as engine:
        images = await engine.resolve_all(f"oci:{tmp_path}/dir")
        reports = await asyncio.gather(*(engine.scan(image) for image in images))

    assert ["linux/amd64", "linux/arm64", "linux/amd64/v2"] == [str(image.platform) for image in images]
    assert ["clean", "clean", "unknown"] == [report.verdict.value for report in reports]
    assert "can't be had" in (images[2].unsupported or "")
    assert {layer.data for layer in (*IMAGE.layers, *ARM.layers)} == {data for _, data in puller.pulled}


async def test_a_resolved_image_is_scanned_where_it_lay(
    make_engine: Any, puller: type[Puller], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the working directory is another by then."""
    write(tmp_path, "docker-archive")
    monkeypatch.chdir(tmp_path)
    async with make_engine(puller=puller) as engine:
        image = await engine.resolve("docker-archive:image:team/app:1")
        monkeypatch.chdir("/")
        report = await engine.scan(image)

    assert ("clean", image) == (report.verdict.value, report.image)


async def test_a_resolved_image_that_is_gone_is_an_error(
    make_engine: Any, puller: type[Puller], tmp_path: Path
) -> None:
    """Another image of the same name is not scanned in its place."""
    write(tmp_path, "docker-archive")
    async with make_engine(puller=puller) as engine:
        image = await engine.resolve(f"docker-archive:{tmp_path}/image")
        write_docker_archive(tmp_path / "image", {"team/app:1": ARM})
        with pytest.raises(LocalImageError, match="not in it"):
            await engine.scan(image)
        (tmp_path / "image").unlink()
        with pytest.raises(LocalImageError, match="No such file"):
            await engine.scan(image)


async def test_a_foreign_layer_is_not_here(make_engine: Any, puller: type[Puller], tmp_path: Path) -> None:
    """It may be missing in the layout; a backend that wants it is told so."""
    manifest = json.loads(IMAGE.manifest)
    manifest["layers"][0]["urls"] = ["https://elsewhere.example/layer"]
    write_oci_layout(tmp_path, make_image(*IMAGE.layers, form="oci"))
    body = json.dumps(manifest).encode()
    (tmp_path / "blobs" / "sha256" / digest_of(body)[7:]).write_bytes(body)
    (tmp_path / "blobs" / "sha256" / IMAGE.layers[0].digest[7:]).unlink()
    entry = {"mediaType": IMAGE.media_type, "digest": digest_of(body), "size": len(body)}
    (tmp_path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    async with make_engine(puller=puller) as engine:
        report = await engine.scan(f"oci:{tmp_path}")

    assert ["unsupported"] == [run.outcome.value for run in report.results]
    assert "foreign" in (report.results[0].error or "")


async def test_blobs_beside_an_image_can_be_fetched(make_engine: Any, puller: type[Puller], tmp_path: Path) -> None:
    """The configuration, say; nothing refers to a local image."""
    text, seen = write(tmp_path, "docker-archive"), []

    async def look(scanner: Puller, image: Image) -> None:
        assert image.config_digest is not None
        seen.append(await scanner.context.fetch(image, image.config_digest, max_size=10_000))
        seen.append(await scanner.context.referrers(image))
        for digest, size in ((image.config_digest, 3), ("sha256:" + "0" * 64, 100), ("x", 100)):
            with pytest.raises(LocalImageError):
                await scanner.context.fetch(image, digest, max_size=size)

    puller.look = look  # type: ignore[assignment]
    async with make_engine(puller=puller) as engine:
        report = await engine.scan(text)

    assert ([IMAGE.config, ()], "clean") == (seen, report.verdict.value)


@pytest.mark.parametrize("form", FORMS)
async def test_layers_can_be_copied(make_engine: Any, puller: type[Puller], tmp_path: Path, form: str) -> None:
    """From a folder or an archive, to a file of the scanner's; not a foreign one."""

    async def look(scanner: Puller, image: Image) -> None:
        for number, layer in enumerate(image.layers):
            await scanner.context.copy_blob(image, layer, tmp_path / f"copy{number}")
        with pytest.raises(LocalImageError, match="can't be written"):
            await scanner.context.copy_blob(image, image.layers[0], tmp_path / "copy0")
        with pytest.raises(UnsupportedImageError):
            await scanner.context.copy_blob(image, evolve(image.layers[0], urls=("https://a.example",)), tmp_path / "x")

    puller.look = look  # type: ignore[assignment]
    async with make_engine(puller=puller) as engine:
        report = await engine.scan(write(tmp_path, form))

    assert "clean" == report.verdict.value
    copied = [(tmp_path / f"copy{number}").read_bytes() for number in range(len(report.image.layers))]
    assert [body for _, body in puller.pulled] == copied


async def test_after_the_scan_a_layer_has_no_address(make_engine: Any, puller: type[Puller], tmp_path: Path) -> None:
    """A scanner that goes on in secret gets an error, and no port is opened for it."""
    scanners = []

    async def look(scanner: Puller, image: Image) -> None:
        scanners.append(scanner)

    puller.look = look  # type: ignore[assignment]
    async with make_engine(puller=puller) as engine:
        report = await engine.scan(write(tmp_path, "oci"))
        context, layer = scanners[0].context, report.image.layers[0]
        with pytest.raises(LocalImageError, match="only while its image is scanned"):
            await context.blob(report.image, layer)
        with pytest.raises(LocalImageError, match="only while its image is scanned"):
            await context.copy_blob(report.image, layer, tmp_path / "copy")
        assert 0 == (await context.head_blob(report.image, layer)).status
        with pytest.raises(UnsupportedImageError):
            await context.blob(report.image, Layer(digest=layer.digest, urls=("https://elsewhere.example",)))


async def test_the_end_of_a_scan_breaks_off_what_is_under_way(
    make_engine: Any, puller: type[Puller], tmp_path: Path
) -> None:
    """A backend that reads slowly keeps no file open, and never takes half a layer for all of it."""
    reading = []

    async def look(_scanner: Puller, _image: Image) -> None:
        host, port = puller.urls[1].split("/")[2].split(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
        path = puller.urls[1].partition(port)[2]
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        reading.append((reader, writer))

    puller.look = look  # type: ignore[assignment]
    async with make_engine(puller=puller) as engine:
        await engine.scan(write(tmp_path, "oci"))
        reader, writer = reading[0]
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(len(LARGE.data))
        writer.close()


async def test_a_scan_that_is_cancelled_leaves_nothing_open(
    make_engine: Any, puller: type[Puller], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of the verification too: the thread has ended when the scan has."""
    text, loop = write(tmp_path, "docker-archive"), asyncio.get_running_loop()
    begun, ended = asyncio.Event(), []

    def pieces(content: FileSlice, stop: Any) -> Any:
        loop.call_soon_threadsafe(begun.set)
        stop.wait()
        ended.append(os.fstat(content.file).st_size)
        yield b""

    monkeypatch.setattr(FileSlice, "pieces", pieces)
    monkeypatch.setattr(FileSlice, "read_all", lambda content, limit: content.read(0, limit))
    files = open_files()
    async with make_engine(puller=puller) as engine:
        scanning = asyncio.ensure_future(_wait_for(engine.scan(text)))
        await begun.wait()
        scanning.cancel()
        with pytest.raises(asyncio.CancelledError):
            await scanning

        assert (1, files) == (len(ended), open_files())


def open_files() -> int:
    """Return how many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def _wait_for(scan: Any) -> Any:
    return await scan


async def test_the_time_for_the_whole_scan_counts_for_the_verification(
    make_engine: Any, puller: type[Puller], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An archive on a slow disk does not hold a scan for ever."""

    def pieces(_content: FileSlice, stop: Any) -> Any:
        stop.wait()
        raise StoppedError
        yield b""

    text = write(tmp_path, "oci")
    monkeypatch.setattr(FileSlice, "pieces", pieces)
    monkeypatch.setattr(FileSlice, "read_all", lambda content, limit: content.read(0, limit))
    async with make_engine(puller=puller) as engine:
        with pytest.raises(RegistryUnavailableError, match="not resolved within"):
            await engine.scan(text, timeout=0.05)


async def test_a_scanner_of_files_opens_no_port(
    make_engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trivy needs the path alone."""
    paths = []

    class Reader(Scanner[ScannerSettings], contract=1):
        async def scan(self, image: Image) -> ScannerReport:
            assert image.local is not None
            paths.append(image.local.path)
            return ScannerReport()

    monkeypatch.setattr(serving.BlobServer, "_listen", None)
    async with make_engine(reader=Reader) as engine:
        report = await engine.scan(write(tmp_path, "docker-archive"))

    assert ("clean", [str(tmp_path / "image")]) == (report.verdict.value, paths)


@pytest.mark.parametrize(
    ("address", "expected"),
    [("127.0.0.1", "http://127.0.0.1:"), ("localhost", "http://localhost:"), ("127.0.0.2:0", "http://127.0.0.2:")],
)
async def test_the_address_is_the_callers(
    monkeypatch: pytest.MonkeyPatch, make_engine: Any, puller: type[Puller], tmp_path: Path, address: str, expected: str
) -> None:
    """A host that the backend reaches; the port is any where none is given."""
    monkeypatch.setattr(module, "ServeAddress", type("Given", (), {"parse": lambda _text: ServeAddress.parse(address)}))
    async with make_engine(puller=puller) as engine:
        await engine.scan(write(tmp_path, "oci"))

    assert [True, True] == [url.startswith(expected) for url in puller.urls]


async def test_a_port_that_is_taken_is_an_error_of_the_scanner(
    monkeypatch: pytest.MonkeyPatch, make_engine: Any, puller: type[Puller], tmp_path: Path
) -> None:
    """It says where, and what to do; other scanners go on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = ServeAddress("127.0.0.1", taken.getsockname()[1])
        monkeypatch.setattr(module, "ServeAddress", type("Given", (), {"parse": lambda _text: address}))
        async with make_engine(puller=puller) as engine:
            report = await engine.scan(write(tmp_path, "oci"))

    assert ["failed"] == [run.outcome.value for run in report.results]
    assert f"can't be served at 127.0.0.1:{address.port}" in (report.results[0].error or "")


@pytest.mark.parametrize("address", ["", "0.0.0.0:1", "[::]:80", "host:99999", "host:", "a b", "http://host", "[::1"])
def test_an_address_that_no_backend_can_use_is_refused(address: str) -> None:
    """Before anything is scanned."""
    with pytest.raises(SettingsError, match="serve address"):
        Engine(Settings(), serve_address=address)


async def test_memory_does_not_grow_with_the_layer(make_engine: Any, puller: type[Puller], tmp_path: Path) -> None:
    """A layer of 200 MB, mostly a hole in the file, is verified and served in pieces of one."""
    size = 200 * 1024 * 1024
    image = make_image(filler_layer("x"), form="oci")
    write_oci_layout(tmp_path, image)
    zeros, hashed = bytes(1024 * 1024), hashlib.sha256()
    for _ in range(200):
        hashed.update(zeros)
    blob = tmp_path / "blobs" / "sha256" / hashed.hexdigest()
    with blob.open("wb") as out:
        out.truncate(size)
    manifest = json.loads(image.manifest)
    manifest["layers"] = [{**manifest["layers"][0], "digest": f"sha256:{hashed.hexdigest()}", "size": size}]
    body = json.dumps(manifest).encode()
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    (tmp_path / "blobs" / "sha256" / digest[7:]).write_bytes(body)
    entry = {"mediaType": image.media_type, "digest": digest, "size": len(body)}
    (tmp_path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    received = []

    class Counter(Scanner[ScannerSettings], contract=1):
        async def scan(self, image: Image) -> ScannerReport:
            access = await self.context.blob(image, image.layers[0])
            async with self.context.http.get(access.url) as answer:
                received.append(sum([len(chunk) async for chunk in answer.content.iter_chunked(65536)]))
            return ScannerReport()

    async with make_engine(counter=Counter) as engine:
        tracemalloc.start()
        await engine.scan(f"oci:{tmp_path}")
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert ([size], True) == (received, most < 20 * 1024 * 1024)
