"""A layer becomes a file: pulled as everything else is, verified, bounded."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from portus_images import NotInRegistryError, RegistrySettings
from portus_scanners import Image, ImageNotFoundError, Layer, RegistryAuthError, RegistryError, RegistryUnavailableError
from portus_scanners_testing import EmptyBody, Reply, ScriptedServer, Status, Truncated
from portus_scanners_testing.images import digest_of
from portus_scanners_testing.registry import StandInRegistry

from .conftest import BUILT, Certificate, Connect, reference_on, tell

DATA = BUILT.layers[0].data
LAYER = Layer(digest=BUILT.layers[0].digest, size=len(DATA))
BLOBS = "/v2/team/app/blobs/*"


def stock(server: StandInRegistry) -> Image:
    """Push the image and return it."""
    server.push("team/app", "1", BUILT)
    return Image(reference=reference_on(server), digest=BUILT.digest, layers=(LAYER,))


def chain(error: BaseException | None) -> list[BaseException]:
    """Return an error and all that led to it."""
    return [error, *chain(error.__cause__), *chain(error.__context__)] if error else []


@pytest.mark.parametrize("auth", ["open", "basic", "token"])
@pytest.mark.parametrize("layer", [LAYER, evolve(LAYER, size=None)], ids=["size", "no size"])
async def test_a_layer_is_copied(connect: Connect, tmp_path: Path, auth: Any, layer: Layer) -> None:
    """With the credentials that the registry wants, whether its size is known or not."""
    async with StandInRegistry(auth=auth) as server:
        await connect(tell(server)).copy_blob(stock(server), layer, tmp_path / "layer")
    assert DATA == (tmp_path / "layer").read_bytes()


async def test_a_layer_that_is_called_encoded_is_copied_as_it_is_stored(connect: Connect, tmp_path: Path) -> None:
    """Storages say so of files that were uploaded with ``gzip``; the digest is that of the file."""
    stored = gzip.compress(DATA)
    layer = Layer(digest=digest_of(stored), size=len(stored))
    async with ScriptedServer() as server:
        server.script(f"/v2/team/app/blobs/{layer.digest}", Reply(body=stored, headers={"Content-Encoding": "gzip"}))
        image = Image(reference=reference_on(server), digest=BUILT.digest, layers=(layer,))
        await connect().copy_blob(image, layer, tmp_path / "layer")
    assert stored == (tmp_path / "layer").read_bytes()


async def test_the_registrys_own_tls_is_used(connect: Connect, tmp_path: Path, certificate: Certificate) -> None:
    """Its authority is known to the configuration only."""
    async with StandInRegistry(tls=certificate.server) as server:
        client = connect({server.host: RegistrySettings(ca_file=str(certificate.ca_file))})
        await client.copy_blob(stock(server), LAYER, tmp_path / "layer")
    assert DATA == (tmp_path / "layer").read_bytes()


@pytest.mark.parametrize(
    "fault", [Status(503), Status(429), Truncated(announced=True)], ids=["unavailable", "too many", "cut"]
)
async def test_it_is_tried_again(connect: Connect, tmp_path: Path, fault: Any) -> None:
    """From the beginning."""
    async with StandInRegistry() as server:
        image = stock(server)
        server.faults.add(BLOBS, fault, times=1)
        await connect().copy_blob(image, LAYER, tmp_path / "layer")
    assert DATA == (tmp_path / "layer").read_bytes()


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        (EmptyBody(), RegistryError, f"the content has 0 bytes, not {len(DATA)}"),
        (Status(200, b"x" * len(DATA)), RegistryError, "not what its digest says"),
        (Status(200, DATA + b"x"), RegistryError, f"longer than {len(DATA)} bytes"),
        (
            Status(200, gzip.compress(bytes(10_000_000)), {"Content-Encoding": "gzip"}),
            RegistryError,
            f"longer than {len(DATA)} bytes",
        ),
        (Truncated(announced=True), RegistryUnavailableError, "broke off"),
        (Status(404), ImageNotFoundError, "HTTP 404"),
        (Status(403), RegistryAuthError, "HTTP 403"),
        (Status(503), RegistryUnavailableError, "HTTP 503"),
        (Status(304, b""), RegistryError, "HTTP 304"),
    ],
    ids=["empty", "other", "long", "inflated", "cut", "gone", "refused", "down", "not modified"],
)
async def test_what_is_no_such_layer_leaves_no_file(
    connect: Connect, tmp_path: Path, fault: Any, kind: type[RegistryError], said: str
) -> None:
    """The error names the registry, and holds nothing that was sent."""
    async with StandInRegistry(auth="basic") as server:
        image = stock(server)
        client = connect(tell(server))
        access = await client.blob(image, LAYER)
        server.faults.add(BLOBS, fault)
        with pytest.raises(RegistryError, match=said) as caught:
            await client.copy_blob(image, LAYER, tmp_path / "layer")

        assert server.host in str(caught.value)
    assert kind is type(caught.value)
    assert [] == list(tmp_path.iterdir())
    assert [] == [one for one in chain(caught.value) if access.headers["Authorization"] in repr(vars(one))]
    assert [] == [one for one in chain(caught.value) if type(one).__module__.startswith("aiohttp")]


async def test_nothing_beyond_its_size_is_written(
    connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short layer can't fill the disk."""
    kept: list[int] = []
    unlink = Path.unlink

    def note(path: Path, missing_ok: bool = False) -> None:
        kept.append(path.stat().st_size)
        unlink(path, missing_ok)

    async with StandInRegistry() as server:
        image = stock(server)
        server.faults.add(BLOBS, Status(200, bytes(20_000_000)))
        monkeypatch.setattr(Path, "unlink", note)
        with pytest.raises(RegistryError, match="longer"):
            await connect().copy_blob(image, LAYER, tmp_path / "layer")
    assert [True] == [size <= len(DATA) for size in kept]


async def test_redirects_are_followed_without_credentials(connect: Connect, tmp_path: Path) -> None:
    """Storage elsewhere must not see them; a signed address is in no error."""
    async with ScriptedServer() as storage, StandInRegistry(auth="basic") as server:
        image = stock(server)
        client = connect(tell(server))
        await client.blob(image, LAYER)
        storage.script("/x", DATA, b"x")
        server.faults.add(BLOBS, Status(307, headers={"Location": f"{storage.url}/x?signature=s3cr3t"}))
        await client.copy_blob(image, LAYER, tmp_path / "layer")
        with pytest.raises(RegistryError) as caught:
            await client.copy_blob(image, LAYER, tmp_path / "other")

        assert [None, None] == storage.asked("/x")
    assert DATA == (tmp_path / "layer").read_bytes()
    assert [] == [one for one in chain(caught.value) if "s3cr3t" in f"{one!r} {vars(one)}"]


@pytest.mark.parametrize("name", ["there", "missing/layer"])
async def test_a_file_that_cant_be_made(connect: Connect, tmp_path: Path, name: str) -> None:
    """The error says so; what was there stays."""
    (tmp_path / "there").write_text("mine")
    async with StandInRegistry() as server:
        with pytest.raises(RegistryError, match=r"can't be written to a file .*TMPDIR") as caught:
            await connect().copy_blob(stock(server), LAYER, tmp_path / name)
    assert isinstance(caught.value.__cause__, OSError)
    assert "mine" == (tmp_path / "there").read_text()


async def test_a_disk_that_is_full_is_said_to_be(
    connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no fault of the registry's, which is not asked again."""
    async with StandInRegistry() as server:
        image = stock(server)
        monkeypatch.setattr(Path, "open", lambda _path, _mode: open("/dev/full", "wb"))  # noqa: PTH123, SIM115
        with pytest.raises(RegistryError, match=r"No space left on device.*TMPDIR") as caught:
            await connect().copy_blob(image, LAYER, tmp_path / "layer")
        assert 1 == len([request for request in server.requests if "/blobs/" in request.path])
    assert RegistryError is type(caught.value)


async def test_a_foreign_layer_is_not_copied(connect: Connect, tmp_path: Path) -> None:
    """A manifest must not send us wherever its author likes."""
    async with StandInRegistry() as server:
        with pytest.raises(NotInRegistryError):
            await connect().copy_blob(
                stock(server), evolve(LAYER, urls=("http://elsewhere.example",)), tmp_path / "layer"
            )
        assert [] == server.requests
