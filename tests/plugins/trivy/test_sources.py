"""How an image is given to Trivy: an address with credentials, or a folder."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from attrs import evolve
from portus_images import Registry, RegistrySettings
from portus_scanner_trivy.access import open_registry
from portus_scanner_trivy.layout import open_layout
from portus_scanner_trivy.refusals import NotPulledError
from portus_scanners import (
    BlobAccess,
    Image,
    Layer,
    LocalImage,
    Reference,
    RegistryAuthError,
    RegistryError,
    RegistryUnavailableError,
    ScannerError,
    ScannerUnavailableError,
    Secret,
    UnsupportedImageError,
)
from portus_scanners.backends import ProgramBackend, ProgramWorkspace
from portus_scanners_testing import EmptyBody, RecordingContext, StandInContext, StandInRegistry, Status
from portus_scanners_testing.images import debian_image, digest_of, write_oci_layout

BUILT = debian_image({"bash": "5.2-1"})
IMAGE = Image(
    reference=Reference.parse("registry.example/team/app:1"),
    digest=BUILT.digest,
    config_digest=digest_of(BUILT.config),
    layers=tuple(Layer(digest=one.digest, media_type=one.media_type) for one in BUILT.layers),
)
WHERE = {"registry": "registry.example", "step": "blob"}


class GivenContext(StandInContext):
    """Gives what a test says."""

    def __init__(self, access: BlobAccess | RegistryError) -> None:
        super().__init__()
        self.access = access

    async def blob(self, image: Image, layer: Layer, *, renew: bool = False, from_here: bool = False) -> BlobAccess:
        if isinstance(self.access, RegistryError):
            raise self.access
        return self.access

    async def copy_blob(self, image: Image, layer: Layer, path: Path) -> None:
        await self.blob(image, layer)

    async def fetch(self, image: Image, digest: str, *, max_size: int) -> bytes:
        return BUILT.config


@pytest.fixture
async def workspace(scratch: Path) -> AsyncIterator[ProgramWorkspace]:
    """An empty one, on the same file system as the test's folder."""
    async with ProgramBackend(StandInContext(), "true").open_workspace() as workspace:
        yield workspace


@asynccontextmanager
async def knowing(registry: StandInRegistry, **more: str) -> AsyncIterator[RecordingContext]:
    """Open a context that knows a registry."""
    settings = {registry.host: RegistrySettings(username=registry.username, password=Secret(registry.password), **more)}
    async with Registry(settings) as client, RecordingContext(registry=client) as context:
        yield context


def push_to(registry: StandInRegistry) -> Image:
    """Push the image and return it."""
    registry.push("team/app", "1", BUILT)
    return evolve(IMAGE, reference=Reference.parse(f"{registry.host}/team/app:1"))


def chain(error: BaseException | None) -> list[BaseException]:
    """Return an error and all that led to it."""
    return [error, *chain(error.__cause__), *chain(error.__context__)] if error else []


def given(url: str, headers: Mapping[str, str] = {}) -> GivenContext:
    """Return a context that gives an address."""
    return GivenContext(BlobAccess(url=url, headers=headers))


@pytest.mark.parametrize(
    ("url", "arguments"),
    [
        ("https://r.example:5000/v2/team/app/blobs/sha256:a", ()),
        ("http://r.example:5000/v2/team/app/blobs/sha256:a", ("--insecure",)),
    ],
    ids=["https", "http"],
)
async def test_the_address_is_the_one_that_backends_use(
    workspace: ProgramWorkspace, url: str, arguments: tuple[str, ...]
) -> None:
    """With the image's digest; plain HTTP is said to Trivy."""
    source = await open_registry(given(url), workspace, IMAGE, renew=False)
    assert ("--image-src", "remote", *arguments, f"r.example:5000/team/app@{BUILT.digest}") == source.arguments
    assert {"auths": {}} == json.loads(workspace.read("docker/config.json"))


@pytest.mark.parametrize(
    ("headers", "entry", "has_token"),
    [
        ({"Authorization": "Basic dXNlcjpwYXNz"}, {"auth": "dXNlcjpwYXNz"}, False),
        ({"Authorization": "Bearer a.b.c"}, {"registrytoken": "a.b.c"}, True),
    ],
    ids=["basic", "bearer"],
)
async def test_what_was_sent_is_what_trivy_gets(
    workspace: ProgramWorkspace, headers: dict[str, str], entry: dict[str, str], has_token: bool
) -> None:
    """For that host alone."""
    source = await open_registry(given("https://r.example/v2/a/blobs/x", headers), workspace, IMAGE, renew=False)
    assert ({"auths": {"r.example": entry}}, has_token) == (
        json.loads(workspace.read("docker/config.json")),
        source.has_token,
    )


@pytest.mark.parametrize(
    ("access", "image", "kind"),
    [
        (RegistryUnavailableError("down", **WHERE), IMAGE, ScannerUnavailableError),
        (RegistryAuthError("no", **WHERE), IMAGE, ScannerError),
        (BlobAccess(url="https://r.example/path/v2/a/blobs/x"), IMAGE, ScannerError),
        (BlobAccess(url="https://r.example/v2/a/blobs/x"), evolve(IMAGE, layers=()), UnsupportedImageError),
        (
            BlobAccess(url="https://r.example/v2/a/blobs/x"),
            evolve(IMAGE, layers=(Layer(digest="sha256:a", urls=("https://b.example",)),)),
            UnsupportedImageError,
        ),
    ],
    ids=["unavailable", "refused", "path", "no layers", "foreign layers"],
)
async def test_no_access(
    workspace: ProgramWorkspace, access: BlobAccess | RegistryError, image: Image, kind: type[ScannerError]
) -> None:
    """Each reason has its kind of error."""
    with pytest.raises(ScannerError) as caught:
        await open_registry(GivenContext(access), workspace, image, renew=False)
    assert kind is type(caught.value)


async def test_trivy_is_sent_to_the_address_that_resolves_here(
    workspace: ProgramWorkspace, registry: StandInRegistry
) -> None:
    """Not to the one that backends elsewhere use: Trivy runs on this machine."""
    image = push_to(registry)
    async with knowing(registry, backend_url="http://registry.internal:5000") as context:
        source = await open_registry(context, workspace, image, renew=False)
    assert f"{registry.host}/team/app@{BUILT.digest}" == source.arguments[-1]


async def test_a_registry_whose_tls_trivy_does_not_know_is_not_left_to_it(workspace: ProgramWorkspace) -> None:
    """The engine pulls then."""
    access = BlobAccess(url="https://r.example/v2/a/blobs/x", own_tls=True)
    with pytest.raises(NotPulledError, match="TLS settings of its own"):
        await open_registry(GivenContext(access), workspace, IMAGE, renew=False)


FAULTS = [
    (EmptyBody(), ScannerError, "the content is not what its digest says"),
    (Status(404), ScannerError, "HTTP 404"),
    (Status(403), ScannerError, "HTTP 403.*check the account's rights"),
]


@pytest.mark.parametrize(("fault", "kind", "said"), FAULTS, ids=["empty", "gone", "refused"])
async def test_a_layer_that_does_not_arrive(
    workspace: ProgramWorkspace, registry: StandInRegistry, fault: Status, kind: type[ScannerError], said: str
) -> None:
    """What was not verified is not scanned; the error names the registry, and nothing of aiohttp is in it."""
    image = push_to(registry)
    registry.faults.add(f"/v2/team/app/blobs/{BUILT.layers[0].digest}", fault, method="GET")
    async with knowing(registry) as context:
        with pytest.raises(ScannerError, match=f"{registry.host}.*{said}") as caught:
            await open_layout(context, workspace, image)
    assert kind is type(caught.value)
    assert [] == [one for one in chain(caught.value) if type(one).__module__.startswith("aiohttp")]
    assert [] == list((workspace.folder / "image/blobs/sha256").glob(BUILT.layers[0].digest[7:]))


async def test_a_layout_whose_registry_is_down(workspace: ProgramWorkspace) -> None:
    """It may be up again later."""
    context = GivenContext(RegistryUnavailableError("down", **WHERE))
    with pytest.raises(ScannerUnavailableError, match="down"):
        await open_layout(context, workspace, IMAGE)


@pytest.mark.parametrize(
    "image",
    [
        evolve(IMAGE, config_digest=None),
        evolve(IMAGE, layers=()),
        evolve(IMAGE, layers=(Layer(digest="sha256:a", urls=("https://b.example",)),)),
    ],
    ids=["no configuration", "no layers", "foreign layer"],
)
async def test_no_layout_can_be_made(workspace: ProgramWorkspace, image: Image) -> None:
    """An image that lacks what no registry has."""
    with pytest.raises(UnsupportedImageError):
        await open_layout(given("http://127.0.0.1:9/"), workspace, image)


@pytest.mark.parametrize("linked", [False, True])
async def test_layers_of_a_folder_are_not_copied(workspace: ProgramWorkspace, tmp_path: Path, linked: bool) -> None:
    """They are the same files, also behind links inside the folder, where both are on one file system."""
    write_oci_layout(tmp_path / "layout", BUILT)
    place = Path("blobs", *BUILT.layers[0].digest.split(":"))
    if linked:
        (tmp_path / "layout" / place).rename(tmp_path / "layout" / "stored")
        (tmp_path / "layout" / place).symlink_to("../../stored")
    image = evolve(IMAGE, local=LocalImage(form="oci", path=str(tmp_path / "layout")))
    source = await open_layout(given("http://127.0.0.1:9/"), workspace, image)
    assert not (workspace.folder / "image" / place).is_symlink()
    assert (tmp_path / "layout" / place).samefile(workspace.folder / "image" / place)
    assert ("--input", "image") == source.arguments
