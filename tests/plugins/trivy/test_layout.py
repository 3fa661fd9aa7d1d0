"""How an image is given to Trivy: as a folder, with the layers that are asked for, each of them verified."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from attrs import evolve
from portus_scanner_trivy.layout import open_layout
from portus_scanners import (
    Image,
    LocalImage,
    RegistryAuthError,
    RegistryError,
    RegistryUnavailableError,
    ScannerError,
    ScannerUnavailableError,
    UnsupportedImageError,
)
from portus_scanners.backends import ProgramBackend, ProgramWorkspace
from portus_scanners_testing import StandInContext
from portus_scanners_testing.images import (
    BuiltImage,
    debian_layer,
    digest_of,
    filler_layer,
    make_image,
    write_oci_layout,
)

from .conftest import HoldingContext, image_of

BUILT = make_image(debian_layer({"bash": "5.2-1"}), filler_layer("top"))
OTHER = make_image(debian_layer({"dash": "1"}), filler_layer("other"))
IMAGE = image_of(BUILT)
FOREIGN = evolve(IMAGE.layers[0], urls=("https://b.example",))
WHERE = {"registry": "registry.example", "step": "blob"}


@pytest.fixture
async def workspace(scratch: Path) -> AsyncIterator[ProgramWorkspace]:
    """An empty one, on the same file system as the test's folder."""
    async with ProgramBackend(StandInContext(), "true").open_workspace() as workspace:
        yield workspace


def blobs_in(workspace: ProgramWorkspace) -> set[str]:
    """Return the digests of the layers that are there."""
    files = workspace.folder.glob("image-*/blobs/sha256/*")
    return {f"sha256:{file.name}" for file in files} & {layer.digest for layer in IMAGE.layers}


async def test_layers_come_when_they_are_placed(workspace: ProgramWorkspace) -> None:
    """Once each; the configuration, the manifest and the index are there from the beginning."""
    context = HoldingContext(BUILT)
    layout = await open_layout(context, workspace, IMAGE)
    folder = workspace.folder / layout.arguments[1]
    assert ("--input", set()) == (layout.arguments[0], blobs_in(workspace))
    (entry,) = json.loads((folder / "index.json").read_text())["manifests"]
    manifest = json.loads((folder / "blobs" / entry["digest"].replace(":", "/")).read_text())
    assert [layer.digest for layer in IMAGE.layers] == [layer["digest"] for layer in manifest["layers"]]
    assert digest_of(BUILT.config) == manifest["config"]["digest"]
    base, top = layout.contents
    await layout.place([base], verified=False)
    assert {base.blob} == blobs_in(workspace)
    await layout.place([base, top, top], verified=True)
    assert (2, 2) == (len(blobs_in(workspace)), len(context.copied))
    assert [(1, 2, "layer"), (2, 2, "layer")] == context.calls_of("progress")


async def test_a_layer_that_is_not_what_is_claimed_fails(workspace: ProgramWorkspace) -> None:
    """The configuration of another image claims that image's layers."""
    context = HoldingContext(BUILT, OTHER)
    layout = await open_layout(context, workspace, evolve(IMAGE, config_digest=digest_of(OTHER.config)))
    with pytest.raises(ScannerError, match=r"is not what the image's configuration says.*Docker would not pull"):
        await layout.place(layout.contents, verified=False)


async def test_one_of_many_claims_is_wrong(workspace: ProgramWorkspace) -> None:
    """The others do not hide it, whichever it is; and what was under way has ended."""
    fillers = [filler_layer(str(number)) for number in range(6)]
    built = make_image(*fillers)
    for place in range(len(fillers)):
        config = built.config.replace(fillers[place].diff_id.encode(), fillers[place - 1].diff_id.encode())
        context = HoldingContext(evolve_config(built, config))
        digest = digest_of(config)
        image = evolve(image_of(built), config_digest=digest, digest=digest)
        layout = await open_layout(context, workspace, image)
        with pytest.raises(ScannerError, match=fillers[place].digest):
            await layout.place(layout.contents, verified=False)


def evolve_config(built: BuiltImage, config: bytes) -> BuiltImage:
    """Return the image with another configuration."""
    return BuiltImage(
        manifest=built.manifest,
        media_type=built.media_type,
        config=config,
        layers=built.layers,
        platform=built.platform,
    )


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (RegistryUnavailableError("down", **WHERE), ScannerUnavailableError),
        (RegistryAuthError("down", **WHERE), ScannerError),
        (RegistryError("down", **WHERE), ScannerError),
    ],
)
async def test_a_registry_that_does_not_give_it(
    workspace: ProgramWorkspace, fault: RegistryError, kind: type[ScannerError]
) -> None:
    """One that is down may be up again later, for the configuration and for the layers."""
    context = HoldingContext(BUILT)
    layout = await open_layout(context, workspace, IMAGE)
    context.fault = fault
    for attempt in (open_layout(context, workspace, IMAGE), layout.place(layout.contents, verified=False)):
        with pytest.raises(ScannerError, match="down") as caught:
            await attempt
        assert kind is type(caught.value)


@pytest.mark.parametrize(
    "image", [evolve(IMAGE, config_digest=None), evolve(IMAGE, layers=())], ids=["no configuration", "no layers"]
)
async def test_no_layout_can_be_made(workspace: ProgramWorkspace, image: Image) -> None:
    """Schema 1, say."""
    with pytest.raises(UnsupportedImageError):
        await open_layout(HoldingContext(BUILT), workspace, image)


async def test_a_foreign_layer_is_not_there(workspace: ProgramWorkspace) -> None:
    """No registry has it, and nobody asks its address."""
    context = HoldingContext(BUILT)
    layout = await open_layout(context, workspace, evolve(IMAGE, layers=(FOREIGN, IMAGE.layers[1])))
    with pytest.raises(UnsupportedImageError, match="a foreign one"):
        await layout.place(layout.contents, verified=False)


@pytest.mark.parametrize("linked", [False, True])
async def test_layers_of_a_folder_are_not_copied(workspace: ProgramWorkspace, tmp_path: Path, linked: bool) -> None:
    """They are the same files, also behind links inside the folder, where both are on one file system."""
    write_oci_layout(tmp_path / "layout", BUILT)
    place = Path("blobs", *BUILT.layers[0].digest.split(":"))
    if linked:
        (tmp_path / "layout" / place).rename(tmp_path / "layout" / "stored")
        (tmp_path / "layout" / place).symlink_to("../../stored")
    image = evolve(IMAGE, local=LocalImage(form="oci", path=str(tmp_path / "layout")))
    context = HoldingContext(BUILT)
    layout = await open_layout(context, workspace, image)
    await layout.place(layout.contents, verified=False)
    given = workspace.folder / layout.arguments[1] / place
    assert (False, True) == (given.is_symlink(), (tmp_path / "layout" / place).samefile(given))
    assert [] == context.copied
