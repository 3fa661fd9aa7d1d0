"""How few requests Clair and the registry get: probes, memory, layers that several images share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import ceil, log2
from typing import cast

import pytest
from portus_images import Registry
from portus_scanner_clair import ClairScanner
from portus_scanner_clair.client import ClairClient
from portus_scanner_clair.layers import ChainLink, make_chain, name_layers
from portus_scanner_clair.search import KnownPart
from portus_scanner_clair.sharing import Shared
from portus_scanners import Image, Layer, Reference, ScannerError
from portus_scanners_testing import Hang, RecordedRequest, StandInRegistry, Status
from portus_scanners_testing.images import BuiltImage, debian_layer, filler_layer, make_image, many_layers_image

from .conftest import FaultyContext, House

SHARED = [debian_layer({"bash": "5.2-1"}), *(filler_layer(f"shared {number}") for number in range(5))]


def built(name: str, own: int = 2) -> BuiltImage:
    """Return an image of six layers that all share and *own* more."""
    return make_image(*SHARED, *(filler_layer(f"{name} {number}") for number in range(own)))


def chain_of(count: int) -> tuple[ChainLink, ...]:
    """Return a chain of layers."""
    return make_chain([Layer(digest=f"sha256:{number}") for number in range(count)], "salt")


def names(image: Image) -> list[str]:
    """Return the names of an image's layers in Clair."""
    return [link.name for link in name_layers(image, "portus-scanners")]


def requests(house: House) -> list[str]:
    """Return what Clair was asked since this was called last: POST, GET of a result, a probe, a question about data."""
    kinds = [_kind(one) for one in house.clair.requests]
    house.clair.requests.clear()
    return kinds


def _kind(request: RecordedRequest) -> str:
    if request.path.startswith("/v1/namespaces/"):
        return "question"
    return "probe" if request.method == "GET" and not request.query else request.method


def leftovers(scanner: ClairScanner) -> int:
    """Return how many things the scanner is doing for several images now."""
    shared = scanner._shared
    return sum(len(one._flights) for one in (shared.posts, shared.probes, shared.checks, shared.questions))


class KnowingClient:
    """Knows the lowest layers of a chain, and counts how often it is asked; meanwhile something else may happen."""

    def __init__(
        self, chain: tuple[ChainLink, ...], known: int, meanwhile: Callable[[], object] = lambda: None
    ) -> None:
        self._known = {link.name for link in chain[:known]}
        self._meanwhile = meanwhile
        self.asked = 0

    async def knows(self, name: str) -> bool:
        self.asked += 1
        self._meanwhile()
        return name in self._known


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 9, 17, 30, 33])
async def test_the_known_part_is_found_with_few_probes(count: int) -> None:
    """Of each length, however much Clair knows and however much of it is remembered: 1 + ceil(log2(layers)) at most.

    Whether Clair knows the layer that comes next is left to its POST.
    """
    chain = chain_of(count)
    for known in range(count):
        for remembered in range(known + 1):
            client, shared = KnowingClient(chain, known), Shared()
            shared.known.add(link.name for link in chain[max(0, remembered - 1) : remembered])
            part = KnownPart(chain, shared, trusting=True)
            await part.search(cast(ClairClient, client))
            assert known in {part.least, part.least + 1}
            assert client.asked <= 1 + ceil(log2(count))
            assert set(range(remembered, part.least)) <= {
                link.number - 1 for link in chain if link.name in shared.known
            }


@pytest.mark.parametrize("known", [0, 1, 7, 28])
async def test_each_layer_posted_meanwhile_narrows_the_search(known: int) -> None:
    """Layers are posted while Clair is asked: nothing below them is asked about, and the bounds stay right."""
    chain, shared = chain_of(30), Shared()
    part = KnownPart(chain, shared, trusting=True)

    def post_next() -> None:
        for link in part.upcoming(1):
            part.reach(link.number)

    client = KnowingClient(chain, known, post_next)
    await part.search(cast(ClairClient, client))
    assert (True, True) == (part.least >= known or known - part.least == 1, client.asked <= 6)


async def test_what_is_remembered_is_asked_from_there_on() -> None:
    """A new image on a known base of 25 layers costs one probe: whether the layer above the next is known."""
    chain = chain_of(30)
    client, shared = KnowingClient(chain, 25), Shared()
    shared.known.add([chain[24].name])
    part = KnownPart(chain, shared, trusting=True)
    await part.search(cast(ClairClient, client))
    assert (25, 1) == (part.least, client.asked)


@pytest.mark.parametrize("known", [0, 1, 4, 29])
async def test_the_known_layers_are_skipped(house: House, known: int) -> None:
    """Another process has had the lower layers analysed: those above are posted, and few of those, while it asks."""
    image = await house.image(many_layers_image(debian_layer({"bash": "5.2-1"}), 30))
    await house.scanner().scan(image)
    house.clair.database.delete_layer(names(image)[known])
    requests(house)
    house.clair.posts.clear()
    await house.scanner().scan(image)
    kinds = requests(house)
    assert (names(image)[known:], 2) == ([post.name for post in house.clair.posts if post.fetched], kinds.count("GET"))
    assert kinds.count("POST") - (30 - known) <= 1 + kinds.count("probe") <= 7


async def test_a_base_seen_before_is_remembered(house: House) -> None:
    """The second image on a base costs a GET, its own layers, and a GET; the base is not asked for."""
    scanner = house.scanner()
    await scanner.scan(await house.image(built("a"), "a"))
    requests(house)
    await scanner.scan(await house.image(built("b"), "b"))
    assert ["GET", "POST", "POST", "GET"] == requests(house)


async def test_shared_layers_are_posted_once_for_images_scanned_at_the_same_moment(house: House) -> None:
    """Ten images with six layers in common and two of their own: 6 + 10 x 2 POSTs, and shared probes."""
    images = [await house.image(built(f"image {number}"), f"v{number}") for number in range(10)]
    scanner = house.scanner()
    reports = await asyncio.gather(*(scanner.scan(image) for image in images))
    kinds = requests(house)
    assert (26, 26, 20) == (kinds.count("POST"), len(set(house.clair.posted)), kinds.count("GET"))
    assert kinds.count("probe") <= 3
    assert (10, 0) == (sum(report.complete for report in reports), leftovers(scanner))


async def test_one_image_scanned_twice_at_the_same_moment_is_posted_once(house: House) -> None:
    """The second scan waits for the first one's layers, the top included."""
    image, scanner = await house.image(built("a")), house.scanner()
    await asyncio.gather(scanner.scan(image), scanner.scan(image))
    assert len(image.layers) == len(house.clair.posts)


async def until(happened: Callable[[], bool]) -> None:
    """Let the others go on until something has happened."""
    while not happened():  # noqa: ASYNC110 (there is no event for it)
        await asyncio.sleep(0)


async def until_posting(scanner: ClairScanner) -> None:
    """Wait until a layer is being posted."""
    await until(lambda: scanner._shared.posts._flights)


async def until_asked(house: House, results: int) -> None:
    """Wait until that many results were asked for."""
    await until(lambda: sum(bool(one.query) for one in house.clair.requests) >= results)


async def test_when_the_first_image_is_cancelled_another_one_posts(house: House) -> None:
    """The scan that waits for a layer of the cancelled one posts it itself; nothing is left behind."""
    scanner, hang = house.scanner(), Hang()
    house.clair.faults.add("/v1/layers", hang, method="POST", times=1)
    first = asyncio.create_task(scanner.scan(await house.image(built("a"), "a")))
    await until_posting(scanner)
    second = asyncio.create_task(scanner.scan(await house.image(built("b"), "b")))
    await until_asked(house, 2)
    first.cancel()
    assert (await second).complete
    hang.release.set()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert 0 == leftovers(scanner)


async def test_cancelling_one_that_waits_leaves_the_first_alone(house: House) -> None:
    """An image whose time is up while it waits ends at once; the POST that it waited for goes on."""
    scanner, hang = house.scanner(), Hang()
    house.clair.faults.add("/v1/layers", hang, method="POST", times=1)
    first = asyncio.create_task(scanner.scan(await house.image(built("a"), "a")))
    await until_posting(scanner)
    other = await house.image(built("b"), "b")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await scanner.scan(other)
    hang.release.set()
    assert (True, 8) == ((await first).complete, len(house.clair.posts))
    assert 0 == leftovers(scanner)


async def test_a_failure_of_the_first_image_is_not_that_of_the_others(house: House) -> None:
    """A layer that its registry does not give is posted from another one, for the image that waited, as its own."""
    async with StandInRegistry() as other, Registry() as client, FaultyContext(registry=client) as context:
        good, bad = built("good"), built("bad")
        other.push("mirror/app", "1.0", good)
        mirrored = await client.resolve(Reference.parse(other.reference("mirror/app", "1.0")))
        broken = await house.image(bad)
        house.registry.remove("team/app", broken.layers[0].digest)
        scanner, hang = house.scanner(), Hang()
        scanner.context = context
        house.clair.faults.add("/v1/layers", hang, method="POST", times=1)
        failing = asyncio.create_task(scanner.scan(broken))
        await until_posting(scanner)
        waiting = asyncio.create_task(scanner.scan(mirrored))
        await until_asked(house, 2)
        hang.release.set()
        with pytest.raises(ScannerError, match="layer 1 of 8"):
            await failing
        assert ((await waiting).complete, 0) == (True, leftovers(scanner))


@pytest.mark.parametrize("deleted", [0, 3, 5])
async def test_a_remembered_base_that_was_deleted_is_posted_again(house: House, deleted: int) -> None:
    """Clair refuses the layer above what it has forgotten: the chain is posted again, and the result is right."""
    house.clair.add_vulnerability("debian:12", "CVE-2099-0001", "High", fixed_in={"bash": "5.2-2"})
    scanner = house.scanner()
    first, second = await house.image(built("a"), "a"), await house.image(built("b"), "b")
    await scanner.scan(first)
    house.clair.database.delete_layer(names(first)[deleted])
    assert ["CVE-2099-0001"] == [one.id for one in (await scanner.scan(second)).findings]
    assert set(names(second)) <= set(house.clair.database.layers)


async def test_an_image_that_was_deleted_is_posted_again(house: House) -> None:
    """A remembered image that Clair says it does not know is no longer remembered."""
    scanner, image = house.scanner(), await house.image(built("a"))
    await scanner.scan(image)
    house.clair.database.delete_layer(names(image)[0])
    house.clair.posts.clear()
    assert (True, names(image)) == ((await scanner.scan(image)).complete, house.clair.posted)


async def test_a_probe_that_lies_costs_no_finding(house: House) -> None:
    """If another server answers 200 for every layer, Clair's refusal of the next one counts: all are posted."""
    house.clair.add_vulnerability("debian:12", "CVE-2099-0001", "High", fixed_in={"bash": "5.2-2"})
    image = await house.image(built("a"))
    for name in names(image)[:-1]:
        house.clair.faults.add(f"/v1/layers/{name}", Status(200, b"<html>"), method="GET")
    assert 1 == len((await house.scanner().scan(image)).findings)
    assert names(image) == house.clair.posted[-len(image.layers) :]


async def test_a_probe_that_lost_a_race_is_repeated(house: House) -> None:
    """Clair's database can refuse a GET as well: asked again, it knows."""
    image = await house.image(built("a"))
    body = b'{"Error":{"Message":"database: an error occured when querying the backend"}}'
    for name in names(image)[:-1]:
        house.clair.faults.add(f"/v1/layers/{name}", Status(500, body), method="GET", times=1)
    assert (await house.scanner().scan(image)).complete


def heads(house: House) -> list[str]:
    """Return the blobs that the registry was asked for with HEAD."""
    asked = [one.path.rpartition("/")[2] for one in house.registry.requests if one.method == "HEAD"]
    return [one for one in asked if one.startswith("sha256:")]


async def test_a_blob_is_checked_once_however_many_chains_it_is_in(house: House) -> None:
    """A layer on two bases is two layers to Clair and one blob to the registry."""
    top = filler_layer("top")
    one = await house.image(make_image(debian_layer({"bash": "1"}), top), "one")
    two = await house.image(make_image(debian_layer({"bash": "2"}), top), "two")
    scanner = house.scanner()
    await scanner.scan(one)
    await scanner.scan(two)
    assert [one.layers[0].digest, one.layers[1].digest, two.layers[0].digest] == heads(house)


async def test_layers_that_clair_is_known_to_have_are_not_checked(house: House) -> None:
    """Only what Clair may have to fetch is asked for at the registry."""
    scanner = house.scanner()
    await scanner.scan(await house.image(built("a"), "a"))
    house.registry.requests.clear()
    second = await house.image(built("b"), "b")
    await scanner.scan(second)
    assert [layer.digest for layer in second.layers[-2:]] == heads(house)


async def test_a_blob_that_clair_could_not_get_is_checked_again(house: House) -> None:
    """After a refusal that may be the blob's fault, its size is looked at anew."""
    image, scanner = await house.image(built("a")), house.scanner()
    digest = image.layers[0].digest
    house.registry.faults.add(f"*/blobs/{digest}", Status(403), method="GET", times=2)
    with pytest.raises(ScannerError, match="could not find layer"):
        await scanner.scan(image)
    before = heads(house).count(digest)
    await scanner.scan(image)
    assert before + 1 == heads(house).count(digest)
