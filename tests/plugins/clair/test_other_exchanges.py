"""Recorded exchanges that belong to no scan: were a scan answered with them, none would be a clean result."""

from __future__ import annotations

import json

import pytest
from portus_scanner_clair.layers import name_layers
from portus_scanners import ScannerError
from portus_scanners_testing import Status
from portus_scanners_testing.images import debian_image
from standins.exchanges import exchange, names

from .conftest import House

OTHERS = [name for name in names("clair") if not name.startswith(("get-layer-", "post-layer-"))]


def answer_of(name: str) -> Status:
    """Return a recorded answer."""
    recorded = exchange("clair", name)["response"]
    body = recorded["body"] if isinstance(recorded["body"], str) else json.dumps(recorded["body"])
    return Status(recorded["status"], body.encode(), {"Content-Type": "application/json;charset=utf-8"})


@pytest.mark.parametrize("name", OTHERS)
async def test_as_a_result_it_is_an_error(house: House, name: str) -> None:
    """Given for the result, each is an error; a 404 that Clair means makes it post the layers, and is one then."""
    house.clair.faults.add("/v1/layers/*", answer_of(name), method="GET")
    with pytest.raises(ScannerError):
        await house.scanner().scan(await house.image(debian_image({"bash": "5.2-1"})))


@pytest.mark.parametrize("name", [name for name in OTHERS if name != "post-vulnerability-201"])
async def test_as_an_answer_to_a_post_it_is_an_error(house: House, name: str) -> None:
    """Given for a POST, each is an error, and says at which layer."""
    house.clair.faults.add("/v1/layers", answer_of(name), method="POST")
    with pytest.raises(ScannerError, match="layer 1 of 1"):
        await house.scanner().scan(await house.image(debian_image({"bash": "5.2-1"})))


async def test_a_201_that_stored_nothing_is_an_error(house: House) -> None:
    """A 201 proves nothing: when the result is not there afterwards, twice over, the scan has failed."""
    image = await house.image(debian_image({"bash": "5.2-1"}))
    house.clair.faults.add("/v1/layers", answer_of("post-vulnerability-201"), method="POST")
    with pytest.raises(ScannerError, match="did not know the uppermost, 2 times"):
        await house.scanner().scan(image)
    assert ["GET", "POST", "GET", "POST", "GET"] == [request.method for request in house.clair.requests]


async def test_a_lost_race_on_a_result_is_asked_for_again(house: House) -> None:
    """The database's 500 on a GET is answered by the same GET; no layer is posted for it."""
    image = await house.image(debian_image({"bash": "5.2-1"}))
    await house.scanner().scan(image)
    house.clair.requests.clear()
    body = b'{"Error":{"Message":"database: an error occured when querying the backend"}}'
    name = name_layers(image, "portus-scanners")[-1].name
    house.clair.faults.add(f"/v1/layers/{name}", Status(500, body), times=2)
    assert (await house.scanner().scan(image)).complete
    asked = [(request.method, request.path) for request in house.clair.requests]
    assert [("GET", f"/v1/layers/{name}")] * 3 == asked[:3]
    assert all(path.startswith("/v1/namespaces/") for _, path in asked[3:])


async def test_a_database_that_goes_on_failing_is_unavailable(house: House) -> None:
    """After five tries the GET is given up, for the engine to try the whole scan again."""
    body = b'{"Error":{"Message":"database: an error occured when querying the backend"}}'
    house.clair.faults.add("/v1/layers/*", Status(500, body))
    with pytest.raises(ScannerError, match="querying the backend"):
        await house.scanner().scan(await house.image(debian_image({"bash": "5.2-1"})))
    assert 5 == len(house.clair.requests)
