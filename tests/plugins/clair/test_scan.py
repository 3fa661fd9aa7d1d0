"""What is asked of Clair and in which order; what each of its answers means."""

from __future__ import annotations

import logging

import pytest
from aiohttp import web
from portus_scanner_clair import ClairScanner, ClairSettings, posting
from portus_scanner_clair.layers import EMPTY_LAYERS, name_layers
from portus_scanners import (
    InvalidReportError,
    ScannerError,
    ScannerUnavailableError,
    Secret,
    UnsupportedImageError,
)
from portus_scanners.backends import session_for
from portus_scanners_testing import Disconnect, LoopbackServer, StandInContext, Status, Truncated
from portus_scanners_testing.images import (
    alpine_layer,
    debian_image,
    debian_layer,
    distroless_image,
    empty_layer,
    filler_layer,
    layer,
    make_image,
    many_layers_image,
    opensuse_image,
    static_binary_image,
)

from .conftest import FaultyContext, House

BASH = {"bash": "5.2-1"}


def teach(house: House) -> None:
    """Let Clair know of one vulnerability of bash and one of musl."""
    house.clair.add_vulnerability("debian:12", "CVE-2099-0001", "High", fixed_in={"bash": "5.2-2"})
    house.clair.add_vulnerability("alpine:v3.19", "CVE-2099-0002", "Low", fixed_in={"musl": "1.2.5-r0"})


def methods(house: House) -> list[str]:
    """Return the methods of the requests that Clair got."""
    return [request.method for request in house.clair.requests]


async def test_layers_are_posted_once_each_parents_first(house: House) -> None:
    """A new image of 30 layers costs a GET, a POST a layer from the base up, a GET, and few questions meanwhile."""
    teach(house)
    image = await house.image(many_layers_image(debian_layer(BASH), 30))
    report = await house.scanner().scan(image)
    chain = name_layers(image, "portus-scanners")
    asked = [(one.method, one.query) for one in house.clair.requests if one.method == "POST" or one.query]
    result = ("GET", "vulnerabilities")
    assert [result, *[("POST", "")] * 30, result] == asked
    assert len(house.clair.requests) - len(asked) <= 5
    assert [(link.name, link.parent) for link in chain] == [(post.name, post.parent) for post in house.clair.posts]
    assert [(number, 30, "layer") for number in range(1, 31)] == house.context.calls_of("progress")
    assert ["CVE-2099-0001"] == [finding.id for finding in report.findings]
    assert image.layers[0].digest == report.findings[0].layer


async def test_a_known_image_costs_one_request(house: House) -> None:
    """Scanned again, an image costs one GET, and a vulnerability entered meanwhile shows."""
    image = await house.image(debian_image(BASH))
    assert () == (await house.scanner().scan(image)).findings
    teach(house)
    house.clair.requests.clear()
    assert 1 == len((await house.scanner().scan(image)).findings)
    assert ["GET"] == methods(house)


async def test_another_salt_analyses_anew(house: House) -> None:
    """With another salt the layers have other names, and are posted again."""
    image = await house.image(debian_image(BASH))
    await house.scanner().scan(image)
    await house.scanner(salt="other").scan(image)
    assert 2 == len(set(house.clair.posted))


async def test_images_that_share_an_upper_layer_keep_their_own_results(house: House) -> None:
    """The layer shared by a Debian and an Alpine image brings each its own base's result, in either order."""
    teach(house)
    shared = filler_layer("shared")
    debian = await house.image(make_image(debian_layer(BASH), shared), "d")
    alpine = await house.image(make_image(alpine_layer({"musl": "1.2.4-r0"}), shared), "a")
    found = [[one.id for one in (await house.scanner().scan(image)).findings] for image in (debian, alpine, debian)]
    assert [["CVE-2099-0001"], ["CVE-2099-0002"], ["CVE-2099-0001"]] == found


async def test_empty_layers_are_left_out(house: House) -> None:
    """[base, empty, packages, empty] is analysed as [base, packages]: nothing is missed, nothing needless is posted."""
    teach(house)
    image = await house.image(make_image(debian_layer({}), empty_layer(), debian_layer(BASH), empty_layer()))
    assert 1 == len((await house.scanner().scan(image)).findings)
    assert 2 == len(house.clair.posts)


@pytest.mark.parametrize("count", [0, 2])
async def test_nothing_but_empty_layers_is_unsupported(house: House, count: int) -> None:
    """An image without a layer that has something in it is unsupported, and Clair is not asked."""
    image = await house.image(make_image(*[empty_layer()] * count))
    with pytest.raises(UnsupportedImageError, match="no layer"):
        await house.scanner().scan(image)
    assert [] == house.clair.requests


@pytest.mark.parametrize(
    ("built", "text"),
    [
        (opensuse_image(), "OS and/or package manager are not supported"),
        (distroless_image(BASH), "could read none of its packages"),
        (static_binary_image(), "recognised nothing"),
        (make_image(debian_layer({}, version=None), debian_layer(BASH, version=None)), "not supported"),
        (make_image(layer({"a": b"b"}, compression="zstd")), "zstd"),
    ],
    ids=["opensuse", "distroless", "binary", "sid", "zstd"],
)
async def test_what_clair_cannot_read_is_unsupported(house: House, built: object, text: str) -> None:
    """A distribution, package database or archive that Clair can't read is unsupported with the reason, not clean."""
    image = await house.image(built)  # type: ignore[arg-type]
    with pytest.raises(UnsupportedImageError, match=text):
        await house.scanner().scan(image)


@pytest.mark.parametrize("house", ["token"], indirect=True)
async def test_credentials_are_asked_for_before_every_post(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those asked for long before are asked for again: of tokens that live 30 s, none is used twice."""
    monkeypatch.setattr(posting, "_ACCESS_LASTS", 0.0)
    teach(house)
    house.registry.tokens.issuer.lifetime = 30
    image = await house.image(many_layers_image(debian_layer(BASH), 5))
    assert 1 == len((await house.scanner().scan(image)).findings)
    assert {(one.digest, False) for one in image.layers} == set(house.context.calls_of("blob"))
    assert 5 == len({post.headers["Authorization"] for post in house.clair.posts})


async def test_a_blob_that_could_not_be_fetched_is_tried_once_more(house: House) -> None:
    """On `could not find layer` new credentials are got and the POST is repeated, once."""
    image = await house.image(debian_image(BASH))
    digest = image.layers[0].digest
    house.registry.faults.add(f"*/blobs/{digest}", Status(401), method="GET", times=1)
    await house.scanner().scan(image)
    assert [(digest, False), (digest, True)] == house.context.calls_of("blob")


async def test_a_blob_that_is_not_there_names_layer_and_registry_status(house: House) -> None:
    """The scan stops at the first layer that can't be fetched, and says which, and what the registry told us."""
    image = await house.image(many_layers_image(debian_layer(BASH), 5))
    digest = image.layers[2].digest
    house.registry.remove("team/app", digest)
    with pytest.raises(ScannerError, match=f"layer 3 of 5 \\({digest}\\)") as raised:
        await house.scanner().scan(image)
    assert ("could not find layer" in str(raised.value), "HTTP 404" in str(raised.value)) == (True, True)
    assert house.registry.host in str(raised.value)
    assert 4 == len(house.clair.posts)


async def test_a_lost_race_is_posted_again(house: House) -> None:
    """The 500 of a race on new packages is answered by the same POST again."""
    teach(house)
    image = await house.image(debian_image(BASH))
    house.clair.races = 2
    assert 1 == len((await house.scanner().scan(image)).findings)
    assert 3 == len(house.clair.posts)


async def test_a_race_that_is_never_won_is_unavailable(house: House) -> None:
    """A database that goes on failing is a ScannerUnavailableError after a few tries."""
    image = await house.image(debian_image(BASH))
    house.clair.races = 99
    with pytest.raises(ScannerUnavailableError, match="layer 1 of 1"):
        await house.scanner().scan(image)
    assert 5 == len(house.clair.posts)


async def test_a_cut_download_is_posted_again(house: House) -> None:
    """A blob that arrives cut once is fetched again; broke off twice, the image is unsupported, not clean."""
    teach(house)
    image = await house.image(debian_image(BASH))
    path = f"*/blobs/{image.layers[0].digest}"
    house.registry.faults.add(path, Truncated(keep=40), method="GET", times=1)
    assert 1 == len((await house.scanner().scan(image)).findings)
    house.registry.faults.add(path, Truncated(keep=40), method="GET")
    with pytest.raises(UnsupportedImageError, match="broke off twice"):
        await house.scanner(salt="again").scan(image)


async def test_a_layer_deleted_in_between_is_posted_again(house: House) -> None:
    """When Clair forgot the chain after the first pass, it is posted once more from the base."""
    teach(house)
    image = await house.image(many_layers_image(debian_layer(BASH), 3))
    name = name_layers(image, "portus-scanners")[-1].name
    body = b'{"Error":{"Message":"the resource cannot be found"}}'
    house.clair.faults.add(f"/v1/layers/{name}", Status(404, body), method="GET", times=2)
    assert 1 == len((await house.scanner().scan(image)).findings)
    assert 6 == len(house.clair.posts)


async def test_a_parent_that_went_missing_is_posted_again(house: House) -> None:
    """On `parent layer is unknown` the chain is posted again from its base; twice, the scan has failed."""
    image = await house.image(many_layers_image(debian_layer(BASH), 3))
    body = b'{"Error":{"Message":"worker: parent layer is unknown, it must be processed first"}}'
    house.clair.faults.add("/v1/layers", Status(400, body), method="POST", times=1)
    await house.scanner().scan(image)
    house.clair.faults.add("/v1/layers", Status(400, body), method="POST")
    with pytest.raises(ScannerError, match="layer 1 of 3"):
        await house.scanner(salt="again").scan(image)


async def test_a_blob_of_another_size_is_not_posted(house: House) -> None:
    """A registry that gives a blob another size than the manifest would make Clair see an empty layer: refused."""
    image = await house.image(debian_image(BASH))
    house.registry.faults.add("*/blobs/*", Status(200, headers={"Content-Length": "0"}), method="HEAD")
    with pytest.raises(ScannerError, match=r"layer 1 of 1 .* has 0 bytes, the manifest says"):
        await house.scanner().scan(image)
    assert [] == house.clair.posts
    await house.scanner(check_blobs=False).scan(image)


@pytest.mark.parametrize("status", [401, 404, 405, 500])
async def test_a_registry_that_refuses_head_does_not_stop_the_scan(house: House, status: int) -> None:
    """Only a size that differs stops a POST; a HEAD that is refused does not."""
    image = await house.image(debian_image(BASH))
    house.registry.faults.add("*/blobs/*", Status(status), method="HEAD")
    assert (await house.scanner().scan(image)).complete


@pytest.mark.parametrize(
    ("fault", "kind", "text"),
    [
        (Disconnect(), ScannerUnavailableError, "closed the connection"),
        (Status(503, b'{"Error":{"Message":"Clair failed to respond within the configured timeout window."}}'),
         ScannerUnavailableError, "Clair goes on"),
        (Status(500, b'{"Error":{"Message":"dial tcp 127.0.0.1:5432: connect: connection refused"}}'),
         ScannerUnavailableError, "can't reach its database"),
        (Status(404, b"404 page not found\n", {"Content-Type": "text/plain"}), ScannerError, "base URL"),
        (Status(301, b"", {"Location": "/layers"}), ScannerError, "base URL"),
        (Status(429), ScannerUnavailableError, "429"),
        (Status(403, b"<html>\x1b[31mno</html>"), ScannerError, "403"),
        (Status(401), ScannerError, "HTTP 401; Clair itself wants no log-in: give the account for the proxy"),
        (Status(200, b"<html>"), InvalidReportError, "not JSON"),
        (Status(200, b"null"), InvalidReportError, "not of the known form"),
        (Status(200, b"{}"), InvalidReportError, r"\$.Layer: missing"),
        (Status(200, b'{"Layer": {"Name": "other"}}'), InvalidReportError, "another layer"),
        (Status(200, b'{"Layer": {"Name": 5}}'), InvalidReportError, r"\$.Layer.Name: expected"),
        (Status(204), ScannerError, "204"),
    ],
)  # fmt: skip
async def test_every_other_answer_is_an_error(
    house: House, fault: Status | Disconnect, kind: type[ScannerError], text: str
) -> None:
    """An answer that is not the layer's result is an error of the right kind, in one printable line."""
    image = await house.image(debian_image(BASH))
    house.clair.faults.add("/v1/layers/*", fault, method="GET")
    with pytest.raises(kind, match=text) as raised:
        await house.scanner().scan(image)
    assert (kind, True) == (type(raised.value), str(raised.value).isprintable())


@pytest.mark.parametrize("house", ["basic", "token"], indirect=True)
async def test_no_credential_is_logged_or_shown(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the log at its finest nor an error that quotes the request holds what Clair was given."""
    caplog.set_level(logging.DEBUG)
    image = await house.image(debian_image(BASH))
    await house.scanner().scan(image)
    header = house.clair.posts[0].headers["Authorization"]
    house.clair.faults.add("/v1/layers", Status(400, f"proxy: bad request: {header}".encode()), method="POST")
    with pytest.raises(ScannerError) as raised:
        await house.scanner(salt="again").scan(image)
    secret = header.partition(" ")[2]
    assert not any(secret in text for text in (caplog.text, str(raised.value), repr(raised.value)))


async def test_an_image_that_finds_nothing_says_what_that_means(house: House) -> None:
    """A report without findings notes that Clair does not tell the age of its data; one with findings does not."""
    image = await house.image(debian_image(BASH))
    before = (await house.scanner().scan(image)).notes
    teach(house)
    assert (1, 0) == (len(before), len((await house.scanner().scan(image)).notes))


async def test_health_is_the_apis(house: House) -> None:
    """Healthy is a Clair whose API answers; the message tells of both ports."""
    assert (await house.scanner().check_health()).healthy
    deaf = await house.scanner(health_port=1).check_health()
    assert (True, "scans do not need it" in deaf.message) == (deaf.healthy, True)
    house.clair.database_down = True
    down = await house.scanner().check_health()
    assert (False, "can't reach its database" in down.message) == (down.healthy, True)


async def test_a_scan_does_not_depend_on_the_health_port(house: House) -> None:
    """An image is scanned though nothing answers on the health port."""
    assert (await house.scanner(health_port=1).scan(await house.image(debian_image(BASH)))).complete


async def test_every_request_to_the_api_has_the_account_and_the_health_port_gets_none(house: House) -> None:
    """A proxy in front of Clair may want a token: it is sent with each request, but not to the other port."""
    settings = ClairSettings(server=house.clair.url, health_port=house.clair.health_port, token=Secret("canary"))
    async with session_for(settings) as http, FaultyContext(registry=house.client, http=http) as context:
        scanner = ClairScanner(settings, context)
        assert (await scanner.scan(await house.image(debian_image(BASH)))).complete
        assert (await scanner.check_health()).healthy
    sent = {request.headers.get("Authorization") for request in house.clair.requests}
    assert ({"Bearer canary"}, {None}) == (
        sent,
        {request.headers.get("Authorization") for request in house.clair.health_requests},
    )


async def test_a_large_answer_is_read(house: House) -> None:
    """An answer over 1 MiB (read in a thread) gives all its findings."""

    class Large(LoopbackServer):
        async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
            name = request.raw_path.removeprefix("/v1/layers/").partition("?")[0]
            found = [{"Name": f"CVE-2099-{n}", "Severity": "High", "Description": "x" * 100} for n in range(10_000)]
            feature = {"Name": "a", "Version": "1", "NamespaceName": "debian:12", "Vulnerabilities": found}
            return web.json_response({"Layer": {"Name": name, "Features": [feature]}})

    async with Large() as server, StandInContext() as context:
        scanner = ClairScanner(ClairSettings(server=server.url), context)
        assert 10_000 == len((await scanner.scan(await house.image(debian_image(BASH)))).findings)


def test_both_empty_layers_are_known() -> None:
    """The two digests of empty layers are those of the wire reference."""
    assert {"a3ed95ca", "4f4fb700"} == {digest[7:15] for digest in EMPTY_LAYERS}
