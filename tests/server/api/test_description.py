"""``openapi.yaml`` and the server, held together: what the one allows the other answers as it says, and the reverse."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, settings
from portus_scan_server.access import AccessSettings
from portus_scan_server.api import make_api
from portus_scan_server.requests import Reason, ask
from portus_scan_server.store import Store, sqlite_url, upgrade
from portus_scan_server.summaries import Rules
from properties import at_most
from schemathesis.specs.openapi.checks import positive_data_acceptance

from ..views.world import HOST, RULES, digest, failed, found, ok, scanned, tagged
from .answering import answering

DESCRIPTION = yaml.safe_load(files("portus_scan_server.api").joinpath("openapi.yaml").read_text("utf-8"))
KNOWN = {
    "registry": HOST,
    "repository": "team/app",
    "tag": "1.0",
    "digest": digest(1),
    "id": {"getRequest": 1, "": "CVE-1"},
}
"""Values that name something: each operation is tried with these as well as with whatever else."""
schema = schemathesis.pytest.from_fixture("described")
"""Read when the test runs: examples are made of it, which would take seconds of each process that collects tests."""


@pytest.fixture(scope="module")
def described() -> schemathesis.schemas.BaseSchema:
    """The description."""
    return schemathesis.openapi.from_dict(DESCRIPTION)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a service that knows something, in a thread of its own; access is open."""
    address = sqlite_url(tmp_path_factory.mktemp("service") / "portus-scan.db")
    upgrade(address)
    told: list[str] = []
    began = threading.Event()
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve() -> None:
        async with Store.open(address) as store:
            image_id = await tagged(store, 1, "team/app:1.0", "team/app:1.1")
            await tagged(store, 2, "team/tool:1.0")
            await scanned(store, 1, [ok("clair", *found("CVE-1", "CVE-2")), failed("trivy")])
            async with store.writing() as db:
                await ask(db, image_id, Reason.PUSH)
            async with answering(store, address, RULES, access=AccessSettings(open=True)) as api:
                told.append(api.url)
                began.set()
                await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert began.wait(30)
        yield told[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()


@pytest.mark.timeout(300)
@schema.parametrize()
@settings(
    max_examples=at_most(12),
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_server_answers_as_it_is_described(case: schemathesis.Case, service: str) -> None:
    """Whatever is asked, right or wrong: the status, the type and the document are those that the description has."""
    case.call_and_validate(
        base_url=f"{service}/api/v1",
        headers={"Sec-Fetch-Site": "same-origin"},
        excluded_checks=[positive_data_acceptance],  # no schema can say which cursor a list had, or which name is one
    )


@pytest.mark.parametrize("path", sorted(DESCRIPTION["paths"]))
def test_what_there_is_is_as_it_is_described(
    path: str, service: str, described: schemathesis.schemas.BaseSchema
) -> None:
    """An answer with content, which values made at random hardly ever get, is what the description has."""
    if "get" not in DESCRIPTION["paths"][path]:
        return
    operation = described[path]["GET"]
    name = DESCRIPTION["paths"][path]["get"]["operationId"]
    values = {one: KNOWN[one] for one in KNOWN if f"{{{one}}}" in path}
    if isinstance(known := values.get("id"), dict):
        values["id"] = known.get(name, known[""])
    case = operation.Case(path_parameters=values)
    answer = case.call(base_url=f"{service}/api/v1")
    assert 200 == answer.status_code
    case.validate_response(answer)


def test_each_route_is_described() -> None:
    """The server has the paths and methods of the description, and no other."""
    made = make_api(None, None, Rules(enabled=()))  # type: ignore[arg-type]
    routes: set[tuple[str, Any]] = set()
    for resource in made.router.resources():
        path = resource.canonical
        routes |= {(path, route.method.lower()) for route in resource if route.method != "HEAD"}
    described = {
        (path, method) for path, item in DESCRIPTION["paths"].items() for method in item if method != "parameters"
    }
    assert described == routes
