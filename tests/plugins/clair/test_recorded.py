"""Every recorded exchange of the real Clair passes through the plugin, over a real socket."""

from __future__ import annotations

import json
from typing import Any

import pytest
from portus_scanner_clair import ClairScanner, ClairSettings
from portus_scanner_clair.layers import name_layers
from portus_scanners import Image, Layer, Reference, ScannerError, ScannerReport
from portus_scanners_testing import Exchange, RecordedRequest, ReplayServer, StandInContext, with_json
from standins.exchanges import names, recorded

IMAGE = Image(
    reference=Reference.parse("registry.example/team/app:1"),
    digest="sha256:" + "a" * 64,
    layers=(Layer(digest="sha256:" + "b" * 64),),
)
CHAIN = name_layers(IMAGE, "portus-scanners")
UNKNOWN = "get-layer-unknown-404"


def under_the_name_asked_for(recorded: Exchange, _request: RecordedRequest) -> Exchange:
    """Give a recorded layer the name that this plugin gives it."""

    def renamed(body: Any) -> Any:
        layer = body.get("Layer") if isinstance(body, dict) else None
        return {"Layer": {**layer, "Name": CHAIN[-1].name}} if isinstance(layer, dict) else body

    return with_json(recorded, renamed) if recorded.body.startswith(b"{") else recorded


def replay(get: str, post: str = "post-layer-base-201") -> ReplayServer:
    """Make a server that answers GET and POST of layers with recorded answers, and has data for every distribution."""
    data = Exchange(
        name="data",
        method="GET",
        target="/v1/namespaces",
        status=200,
        body=b'{"Vulnerabilities":[{"Name":"CVE-2099-0001","Severity":"Low"}]}',
    )
    layers = [recorded("clair", get), recorded("clair", post)]

    def matches(exchange: Exchange, request: RecordedRequest) -> bool:
        is_question = request.path.startswith("/v1/namespaces/")
        return exchange is data if is_question else exchange is not data and exchange.method == request.method

    return ReplayServer([data, *layers], matches=matches, adapt=under_the_name_asked_for)


async def scan(get: str, post: str = "post-layer-base-201") -> ScannerReport:
    """Scan an image of one layer; what is recorded is answered."""
    async with replay(get, post) as server, StandInContext() as context:
        return await ClairScanner(ClairSettings(server=server.url), context).scan(IMAGE)


async def end_of(get: str, post: str = "post-layer-base-201") -> str:
    """Return how a scan ends: the number of findings, or the name of the error."""
    try:
        report = await scan(get, post)
    except ScannerError as error:
        return type(error).__name__
    assert report.complete
    return f"{len(report.findings)} findings"


GETS = {
    "get-layer-database-down-500": "ScannerUnavailableError",
    "get-layer-features-alpine-200": "0 findings",
    "get-layer-gzip-200": "3 findings",
    "get-layer-leaked-result-200": "13 findings",
    "get-layer-nothing-detected-200": "UnsupportedImageError",
    "get-layer-plain-200": "UnsupportedImageError",
    "get-layer-vulnerabilities-5layers-200": "12 findings",
    "get-layer-vulnerabilities-alpine-200": "6 findings",
    "get-layer-vulnerabilities-centos-200": "3 findings",
    "get-layer-vulnerabilities-debian-200": "13 findings",
}
POSTS = {
    "post-layer-blob-unauthorized-400": "ScannerError",
    "post-layer-database-down-500": "ScannerUnavailableError",
    "post-layer-format-unknown-400": "ScannerError",
    "post-layer-malformed-json-400": "ScannerError",
    "post-layer-missing-layer-400": "ScannerError",
    "post-layer-missing-name-400": "ScannerError",
    "post-layer-os-unsupported-422": "UnsupportedImageError",
    "post-layer-parent-unknown-400": "ParentUnknownError",
    "post-layer-zstd-422": "UnsupportedImageError",
}
TAKEN = ("post-layer-base-201", "post-layer-child-201", "post-layer-known-name-other-parent-201")


@pytest.mark.parametrize(("name", "expected"), GETS.items())
async def test_every_recorded_result(name: str, expected: str) -> None:
    """Each recorded answer to a GET gives all its findings, or the right error."""
    assert expected == await end_of(name)


@pytest.mark.parametrize(("name", "expected"), POSTS.items())
async def test_every_recorded_refusal(name: str, expected: str) -> None:
    """No recorded refusal of a POST ends as a report."""
    assert expected == await end_of(UNKNOWN, name)


@pytest.mark.parametrize(
    "name", ["post-layer-base-201", "post-layer-child-201", "post-layer-known-name-other-parent-201"]
)
async def test_a_layer_that_is_taken_and_stays_unknown_has_failed(name: str) -> None:
    """A 201 proves nothing: a result that is not there after it is an error, not an empty report."""
    assert "ScannerError" == await end_of(UNKNOWN, name)


def test_no_recorded_exchange_of_layers_is_left_out() -> None:
    """The tables above have every recorded GET and POST of a layer."""
    recorded = {name for name in names("clair") if name.startswith(("get-layer", "post-layer"))}
    assert recorded == {*GETS, *POSTS, *TAKEN, UNKNOWN}


def recorded_keys(name: str) -> set[tuple[Any, ...]]:
    """Return package, version, namespace, name, severity and fix of each vulnerability in a recorded result."""
    layer = json.loads(recorded("clair", name).body)["Layer"]
    return {
        (
            feature["Name"],
            feature["Version"],
            *(found.get(key) for key in ("NamespaceName", "Name", "Severity", "FixedBy")),
        )
        for feature in layer.get("Features", ())
        for found in feature.get("Vulnerabilities", ())
    }


@pytest.mark.parametrize("name", [name for name, end in GETS.items() if end.endswith("findings")])
async def test_nothing_recorded_is_lost(name: str) -> None:
    """The findings of a recorded result are exactly its entries: package, version, namespace, name, severity, fix."""
    report = await scan(name)
    assert recorded_keys(name) == {
        (
            one.package.name,
            one.package.version,
            one.package.namespace,
            one.id,
            one.severity_label,
            one.fixed_by[0] if one.fixed_by else None,
        )
        for one in report.findings
    }
