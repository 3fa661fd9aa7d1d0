"""What is asked of an adapter, and what its answers mean."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from portus_scanner_harbor import HarborScanner, HarborSettings
from portus_scanners import (
    Image,
    ScannerError,
    ScannerUnavailableError,
    Secret,
    UnsupportedImageError,
)
from portus_scanners_testing import PASSWORD, RecordingContext, Reply, StandInRegistry, Status
from standins.harbor import METADATA, OLD_REPORT, REPORT, StandInAdapter, vulnerability

MakeScanner = Callable[..., HarborScanner]


def error_document(message: str, status: int = 500) -> Status:
    """Return an answer as adapters write their errors."""
    return Status(status, Reply({"error": {"message": message}}).body)


async def test_the_request_names_the_image_and_its_registry(
    scanner: MakeScanner, adapter: StandInAdapter, stored: StandInRegistry, image: Image
) -> None:
    """The adapter gets the registry's URL, credentials that pull the image, and its repository, digest and type."""
    adapter.known["team/app"] = [vulnerability("CVE-2099-0001")]
    report = await scanner().scan(image)
    assert ["CVE-2099-0001"] == [finding.id for finding in report.findings]
    (asked,) = adapter.asked
    assert {"repository": "team/app", "digest": image.digest, "mime_type": image.media_type} == asked["artifact"]
    assert stored.url == asked["registry"]["url"]
    assert [{"type": "vulnerability", "produces_mime_types": [REPORT]}] == asked["enabled_capabilities"]


async def test_the_report_tells_who_scanned_with_which_database(
    scanner: MakeScanner, adapter: StandInAdapter, image: Image
) -> None:
    """Scanner, version and the date of its database come from the adapter."""
    report = await scanner().scan(image)
    assert "Acme 1.2.3" == report.scanner_version
    assert report.database is not None
    assert "2026-08-13T08:16:33.345000+00:00" == report.database.identity == report.database.updated.isoformat()


async def test_an_adapter_of_the_first_version(scanner: MakeScanner, adapter: StandInAdapter, image: Image) -> None:
    """One that makes only the older report is asked for that, and is sent nothing of later versions."""
    capability = {**METADATA["capabilities"][0], "produces_mime_types": [OLD_REPORT.replace("; ", ";")]}  # type: ignore[index]
    del capability["type"]
    adapter.metadata = {**METADATA, "capabilities": [capability], "properties": None}
    await scanner().scan(image)
    assert {OLD_REPORT} == set(adapter.accepted)
    assert "enabled_capabilities" not in adapter.asked[0]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"consumes_mime_types": ["application/vnd.acme"]}, UnsupportedImageError),
        ({"produces_mime_types": ["application/vnd.acme"]}, ScannerError),
        ({"type": "sbom"}, ScannerError),
    ],
    ids=["image", "report", "sbom"],
)
async def test_what_an_adapter_can_not_do_is_not_asked(
    scanner: MakeScanner, adapter: StandInAdapter, image: Image, change: dict[str, object], kind: type[Exception]
) -> None:
    """An adapter that takes no such image, or makes no report that is read here, gets no request for a scan."""
    adapter.metadata = {**METADATA, "capabilities": [{**METADATA["capabilities"][0], **change}]}  # type: ignore[index]
    with pytest.raises(kind) as caught:
        await scanner().scan(image)
    assert (kind, []) == (caught.type, adapter.asked)


@pytest.mark.parametrize(
    ("value", "waits"), [("7", [7.0, 7.0]), ("100000", [300.0, 300.0])], ids=["seconds", "too long"]
)
async def test_the_adapter_says_when_to_come_again(
    scanner: MakeScanner,
    adapter: StandInAdapter,
    context: RecordingContext,
    image: Image,
    value: str,
    waits: list[float],
) -> None:
    """``Refresh-After`` is how long is waited, five minutes at most."""
    adapter.polls, adapter.working_headers = 2, {"Refresh-After": value}
    await scanner().scan(image)
    assert waits == context.waits


async def test_pauses_grow_without_a_word_of_the_adapter(
    scanner: MakeScanner, adapter: StandInAdapter, context: RecordingContext, image: Image
) -> None:
    """Each pause is about twice the one before, up to about half a minute."""
    adapter.polls, adapter.working_headers = 8, {"Refresh-After": "soon"}
    await scanner().scan(image)
    expected = [1, 2, 4, 8, 16, 30, 30, 30]
    assert [] == [wait for wait, about in zip(context.waits, expected, strict=True) if not 0.7 < wait / about < 1.3]


@pytest.mark.parametrize(
    ("settings", "sent"),
    [
        ({}, None),
        (
            {"auth": "basic", "access_credential": Secret("harbor:hidden")},
            f"Basic {base64.b64encode(b'harbor:hidden').decode()}",
        ),
        ({"auth": "bearer", "access_credential": Secret("hidden")}, "Bearer hidden"),
    ],
    ids=["none", "basic", "bearer"],
)
async def test_each_way_to_log_in(
    scanner: MakeScanner, adapter: StandInAdapter, image: Image, settings: dict[str, object], sent: str | None
) -> None:
    """Every request carries what the adapter was registered with."""
    await scanner(**settings).scan(image)
    assert {sent} == {request.headers.get("Authorization") for request in adapter.requests}


@pytest.mark.parametrize(
    "settings", [{"auth": "basic"}, {"access_credential": Secret("hidden")}, {"auth": "digest"}], ids=str
)
def test_half_a_login_is_refused(settings: dict[str, object]) -> None:
    """A way to log in without a credential, a credential without a way, and an unknown way are errors."""
    with pytest.raises(ValueError, match="auth"):
        HarborSettings(server="http://adapter.example", **settings)  # type: ignore[arg-type]


async def test_a_failed_scan_is_told_in_the_adapters_words(
    scanner: MakeScanner, adapter: StandInAdapter, image: Image
) -> None:
    """500 with a message at the report means that this scan has failed: no try-again of the whole."""
    adapter.faults.add("*/report", error_document("no space\nleft"))
    with pytest.raises(ScannerError, match="could not scan the image: no space left") as caught:
        await scanner().scan(image)
    assert (ScannerError, 1) == (caught.type, len(adapter.asked))


async def test_an_adapter_that_can_not_begin_is_unavailable(
    scanner: MakeScanner, adapter: StandInAdapter, image: Image
) -> None:
    """500 with a message at the request for a scan is worth another try."""
    adapter.faults.add("*/scan", error_document("queue is full"))
    with pytest.raises(ScannerUnavailableError, match="queue is full"):
        await scanner().scan(image)


async def test_an_adapter_without_the_capability(scanner: MakeScanner, adapter: StandInAdapter, image: Image) -> None:
    """501 means that it can't scan such an image."""
    adapter.faults.add("*/scan", error_document("no capability", 501))
    with pytest.raises(UnsupportedImageError, match="no capability"):
        await scanner().scan(image)


@pytest.mark.parametrize(
    "fault",
    [Status(404), error_document("GET manifest: UNAUTHORIZED: authentication required")],
    ids=["lost", "expired"],
)
async def test_a_lost_scan_is_asked_for_once_more(
    scanner: MakeScanner, adapter: StandInAdapter, context: RecordingContext, image: Image, fault: Status
) -> None:
    """A scan that the adapter forgot, or whose credentials had expired, is begun again with new credentials."""
    adapter.faults.add("*/report", fault, times=1)
    adapter.known["team/app"] = [vulnerability("CVE-2099-0001")]
    report = await scanner().scan(image)
    assert ["CVE-2099-0001"] == [finding.id for finding in report.findings]
    assert [False, True] == [call[2] for call in context.calls if call[0] == "blob"]


async def test_a_scan_is_lost_twice_at_most(scanner: MakeScanner, adapter: StandInAdapter, image: Image) -> None:
    """The second time is the last."""
    adapter.faults.add("*/report", Status(404))
    with pytest.raises(ScannerError, match="no longer knows the scan"):
        await scanner().scan(image)
    assert 2 == len(adapter.asked)


@pytest.mark.parametrize("stored", ["token", "basic"], indirect=True)
async def test_no_form_of_the_registrys_credentials_is_told(
    scanner: MakeScanner, adapter: StandInAdapter, stored: StandInRegistry, image: Image
) -> None:
    """What an adapter quotes of the credentials, bare or taken apart, is masked in the error."""
    await scanner().scan(image)
    header = adapter.asked[0]["registry"]["authorization"]
    scheme, _, credentials = header.partition(" ")
    pieces = [header, credentials, *([PASSWORD] if scheme == "Basic" else [])]
    adapter.faults.add("*/report", error_document(f"pull with {', '.join(pieces)} failed"))
    with pytest.raises(ScannerError, match="could not scan the image: pull with") as caught:
        await scanner().scan(image)
    assert [] == [piece for piece in pieces if piece in str(caught.value)]


@pytest.mark.parametrize("location", ["http://elsewhere.example/", "/login", "http://[broken"])
async def test_a_redirect_elsewhere_is_no_pause(
    scanner: MakeScanner, adapter: StandInAdapter, image: Image, location: str
) -> None:
    """Only a redirect to the report itself means that the scan goes on."""
    adapter.faults.add("*/report", Status(302, headers={"Location": location}))
    with pytest.raises(ScannerError, match="302"):
        await scanner().scan(image)


async def test_health_names_the_scanner(scanner: MakeScanner) -> None:
    """The health check says whose adapter answers."""
    health = await scanner().check_health()
    assert (True, "the adapter of Acme 1.2.3 answers") == (health.healthy, health.message)
