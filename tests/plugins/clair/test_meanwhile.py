"""What is done while a layer is being posted: Clair is asked what it knows, the next blobs are prepared."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from portus_images import Registry
from portus_scanner_clair.layers import name_layers
from portus_scanners import Image, Reference, ScannerError
from portus_scanners_testing import Hang, StandInRegistry, Status
from portus_scanners_testing.images import debian_layer, filler_layer, make_image, many_layers_image

from .conftest import FaultyContext, House

TEN = many_layers_image(debian_layer({"bash": "5.2-1"}), 10)


async def until(happened: Callable[[], bool]) -> None:
    """Let the others go on until something has happened."""
    while not happened():  # noqa: ASYNC110 (nobody sets an event)
        await asyncio.sleep(0)


def checked(house: House) -> list[str]:
    """Return the blobs that the registry was asked for with HEAD."""
    asked = [one.path.rpartition("/")[2] for one in house.registry.requests if one.method == "HEAD"]
    return [one for one in asked if one.startswith("sha256:")]


def names(image: Image) -> list[str]:
    """Return the names of an image's layers in Clair."""
    return [link.name for link in name_layers(image, "portus-scanners")]


async def test_blobs_are_checked_and_clair_is_asked_while_a_layer_is_posted(house: House) -> None:
    """The base's POST takes long: by its end Clair was asked, and the next blob checked and its address known."""
    image, hang = await house.image(TEN), Hang()
    house.clair.faults.add("/v1/layers", hang, method="POST", times=1)
    scan = asyncio.create_task(house.scanner().scan(image))
    await until(lambda: len(house.context.calls_of("blob")) == 2 and len(house.clair.requests) == 3)
    assert [layer.digest for layer in image.layers[:2]] == checked(house)
    assert [names(image)[-1], names(image)[1]] == [
        one.path.rpartition("/")[2] for one in house.clair.requests if one.method == "GET"
    ]
    hang.release.set()
    assert (await scan).complete
    assert sorted(layer.digest for layer in image.layers) == sorted(checked(house))


async def test_two_checks_begin_with_each_layer(house: House, tmp_path: Path) -> None:
    """While the second layer is posted, four of ten blobs have been asked for: more would delay Clair's answer."""
    image, first, second = await house.image(TEN), Hang(), Hang()
    house.clair.faults.add("/v1/layers", first, method="POST", times=1)
    scan = asyncio.create_task(house.scanner().scan(image))
    await until(lambda: len(checked(house)) == 2 and len(house.clair.requests) == 3)
    house.clair.faults.add("/v1/layers", second, method="POST", times=1)
    first.release.set()
    await until(lambda: len(checked(house)) >= 4)
    await house.client.copy_blob(image, image.layers[0], tmp_path / "layer")  # what was begun is under way
    assert sorted(layer.digest for layer in image.layers[:4]) == sorted(checked(house))
    second.release.set()
    assert (await scan).complete


async def test_a_layer_is_not_posted_before_its_own_blob_was_checked(house: House) -> None:
    """However early blobs are checked: a layer whose blob has another size is the first that Clair does not get."""
    image = await house.image(TEN)
    house.registry.faults.add(
        f"*/blobs/{image.layers[3].digest}", Status(200, headers={"Content-Length": "0"}), method="HEAD"
    )
    with pytest.raises(ScannerError, match=r"layer 4 of 10 .* has 0 bytes"):
        await house.scanner().scan(image)
    assert names(image)[:3] == house.clair.posted


@pytest.mark.parametrize("known", [1, 2, 5, 9])
async def test_what_clair_knows_need_not_be_in_the_registry(house: House, known: int) -> None:
    """The registry has lost the base, which Clair knows: the layers above are posted, and the result is right."""
    house.clair.add_vulnerability("debian:12", "CVE-2099-0001", fixed_in={"bash": "5.2-2"})
    image = await house.image(TEN)
    await house.scanner().scan(image)
    house.clair.database.delete_layer(names(image)[known])
    house.registry.faults.add(f"*/blobs/{image.layers[0].digest}", Status(200, headers={"Content-Length": "0"}))
    assert ["CVE-2099-0001"] == [one.id for one in (await house.scanner().scan(image)).findings]


async def test_a_failure_is_that_of_the_layer_and_leaves_nothing_behind(house: House) -> None:
    """A layer that can't be fetched ends the scan while questions and checks are under way; all of them end with it."""
    image = await house.image(TEN)
    house.registry.remove("team/app", image.layers[0].digest)
    scanner = house.scanner()
    with pytest.raises(ScannerError, match="layer 1 of 10"):
        await scanner.scan(image)
    shared = scanner._shared
    assert [{}, {}, {}] == [one._flights for one in (shared.probes, shared.checks, shared.posts)]


@pytest.mark.parametrize("fault", [Status(500), Status(403), Hang()])
async def test_a_question_about_layers_without_an_answer_costs_nothing(house: House, fault: Status | Hang) -> None:
    """Whatever becomes of the questions, each layer is posted, and the report is complete."""
    image = await house.image(TEN)
    for name in names(image)[1:-1]:
        house.clair.faults.add(f"/v1/layers/{name}", fault, method="GET")
    assert (await house.scanner().scan(image)).complete
    assert names(image) == house.clair.posted


async def test_one_registry_does_not_speak_for_another(house: House) -> None:
    """A registry serves junk under the digest of another one's layer: the other one's image stays vulnerable."""
    house.clair.add_vulnerability("debian:12", "CVE-2099-0001", fixed_in={"bash": "5.2-2"})
    async with StandInRegistry() as hostile, Registry() as client, FaultyContext(registry=client) as context:
        base = debian_layer({"bash": "5.2-1"})
        built = make_image(base, filler_layer())
        hostile.push("team/app", "1.0", built)
        junk = debian_layer({"bash": "99"}).data
        hostile.faults.add(f"*/blobs/{base.digest}", Status(200, junk), method="GET")
        hostile.faults.add(
            f"*/blobs/{base.digest}", Status(200, headers={"Content-Length": str(base.size)}), method="HEAD"
        )
        scanner = house.scanner()
        ours = await house.image(built)
        scanner.context = context
        theirs = await client.resolve(Reference.parse(hostile.reference("team/app", "1.0")))
        assert () == (await scanner.scan(theirs)).findings
        scanner.context = house.context
        assert ["CVE-2099-0001"] == [one.id for one in (await scanner.scan(ours)).findings]
