"""The scanner against the server's stand-in and its recorded answers, over a real socket."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given, strategies as st
from portus_scanner_zypper_docker import ZypperDockerScanner, ZypperDockerSettings
from portus_scanner_zypper_docker.findings import NOTHING_LISTED, UNREADABLE
from portus_scanner_zypper_docker.scanner import NO_IMAGE, retry_after
from portus_scanners import (
    InvalidReportError,
    ScannerError,
    ScannerReport,
    ScannerUnavailableError,
)
from portus_scanners_testing import RecordingContext
from standins.exchanges import names
from standins.zypper_docker import StandInZypperDocker, ZypperAnswer, failed, patch, recorded, scanned, working

from .conftest import ID, image_of

Make = Callable[..., ZypperDockerScanner]


async def end_of(scanner: ZypperDockerScanner) -> str:
    """Return how a scan ends, in one word: clean, vulnerable, incomplete, or the name of the error."""
    try:
        report = await scanner.scan(image_of())
    except ScannerError as error:
        return type(error).__name__
    if not report.complete:
        return "incomplete"
    return "vulnerable" if report.findings else "clean"


RECORDED = {
    "images-daemon-killed-mid-scan-404": "ScannerUnavailableError",
    "images-docker-down-404": "ScannerUnavailableError",
    "images-missing-parameter-404": "ScannerError",
    "images-not-suse-404": "UnsupportedImageError",
    "images-parse-error-200": "ScannerError",
    "images-real-1.14-blocked-list-null-200": "incomplete",
    "images-real-1.14-zypper-list-null-200": "incomplete",
    "images-real-2016-zypper-200": "vulnerable",
    "images-real-locked-404": "ScannerUnavailableError",
    "images-real-no-repositories-404": "ScannerError",
    "images-real-no-shell-404": "UnsupportedImageError",
    "images-real-no-update-repository-200": "clean",  # byte for byte as of an up-to-date image; a note says so
    "images-real-patches-all-kinds-200": "incomplete",
    "images-real-security-without-words-200": "incomplete",
    "images-repository-error-404": "ScannerError",
    "images-security-200": "vulnerable",
    "images-unknown-image-404": "ScannerError",
    "images-up-to-date-200": "clean",
}


@pytest.mark.parametrize(("name", "expected"), RECORDED.items())
async def test_every_recorded_answer_has_its_end(
    server: StandInZypperDocker, scanner: Make, name: str, expected: str
) -> None:
    """Each recorded answer ends as the wire reference says; only the image that is up to date is clean."""
    server.script(ID, recorded(name))
    assert expected == await end_of(scanner())


def test_no_recorded_answer_is_left_out() -> None:
    """The table above has every exchange but the one of `GET /` and the 202, which have tests of their own."""
    assert {*RECORDED, "root-200", "images-working-202"} == set(names("zypper_docker"))


@pytest.mark.parametrize(
    ("error", "status", "expected", "text"),
    [
        ("command exited with status 4", 404, "ScannerError", "repository could not be refreshed"),
        ("command exited with status 7", 404, "ScannerUnavailableError", "locked"),
        ("command exited with status 101", 404, "ScannerError", "security updates are needed"),
        ("command exited with status 126", 404, "ScannerError", "see its manual"),
        ("command exited with status 137", 404, "ScannerError", "killed"),
        (
            "Error response from daemon: exec: \"/bin/sh\": stat /bin/sh: no such file or directory",
            404, "UnsupportedImageError", "no /bin/sh",
        ),
        ("Error response from daemon: invalid reference format", 404, "ScannerError", "invalid reference format"),
        ("An error occurred trying to connect: EOF", 404, "ScannerUnavailableError", "Docker daemon"),
        ("unexpected EOF", 404, "ScannerUnavailableError", "broke off"),
        ("EOF", 404, "ScannerUnavailableError", "broke off"),
        ("read unix @->/run/docker.sock: read: connection reset by peer", 404, "ScannerUnavailableError", "broke off"),
        ("write tcp 10.0.0.1:4->10.0.0.2:2375: write: broken pipe", 404, "ScannerUnavailableError", "broke off"),
        ("command exited with status 6", 404, "ScannerError", "or all of them are disabled"),
        ("timed out when waiting for a container", 404, "ScannerUnavailableError", "timed out"),
        ("Something wrong happenned...", 404, "ScannerError", "zypper-docker serve"),
        ("no image name specified", 404, "ScannerError", "no image name specified"),
        ("something went wrong...", 500, "ScannerUnavailableError", "HTTP 500"),
        ("bad gateway", 502, "ScannerUnavailableError", "HTTP 502"),
        ("who are you", 401, "ScannerError", "HTTP 401"),
        ("", 301, "ScannerError", "HTTP 301"),
        ("slow down", 429, "ScannerUnavailableError", "HTTP 429"),
        ("command exited with status 127", 403, "ScannerError", "HTTP 403"),
        ("\x1b[31m" + "x" * 1000, 404, "ScannerError", "xxx..."),
    ],
)  # fmt: skip
async def test_the_texts_of_failures_are_told_apart(
    server: StandInZypperDocker, scanner: Make, error: str, status: int, expected: str, text: str
) -> None:
    """404 is every failure's status: its text decides, and is shown short and without control characters."""
    server.script(ID, failed(error, status=status))
    with pytest.raises(ScannerError) as raised:
        await scanner().scan(image_of())
    assert (expected, True) == (type(raised.value).__name__, text in str(raised.value)), str(raised.value)
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", "not JSON: it is empty"),
        (b"<html>", "not JSON: <html>"),
        (b"[]", "$: expected an object"),
        (b'{"Updates": false, "Security": false, "Error": "", "Log": ""}', "version of zypper-docker's server"),
        (b'{"Updates": 0, "Security": 0, "Error": ""}', "$.List: missing"),
        (b'{"Security": 0, "Error": "", "List": null}', "not supported: $.Updates: missing"),
        (b'{"Updates": 1.0, "Security": 0, "Error": "", "List": null}', "$.Updates: expected a number of patches"),
        (b'{"Updates": 0, "Security": 0, "Error": 0, "List": null}', "$.Error: expected a string"),
        (b'{"Updates": null, "Security": 0, "Error": "", "List": null}', "$.Updates"),
        (b'{"Updates": -1, "Security": 1, "Error": "", "List": null}', "$.Updates"),
        (b'{"Updates": 1e999, "Security": 0, "Error": "", "List": null}', "$.Updates"),
        (b'{"Updates": 0, "Security": 0, "Error": "", "List": {}}', "$.List: expected a list or null"),
    ],
)
async def test_a_200_that_is_no_result_is_invalid(
    server: StandInZypperDocker, scanner: Make, body: bytes, fault: str
) -> None:
    """A 200 that is not a result of the supported version is an InvalidReportError with its path, never clean."""
    server.script(ID, ZypperAnswer(body=body))
    with pytest.raises(InvalidReportError) as raised:
        await scanner().scan(image_of())
    assert fault in str(raised.value)


@pytest.mark.parametrize(
    ("answer", "findings"),
    [
        (scanned(patch("a", summary="Security update for x"), updates=2), 1),
        (scanned(patch("a", summary="Security update for x"), error="something went wrong"), 1),
        (scanned(updates=1), 0),
        (ZypperAnswer(body=b'{"Updates": 2, "Security": 0, "Error": "", "List": [5, {"Name": "p"}]}'), 0),
        (ZypperAnswer(body=b'{"Updates": 1, "Security": 0, "Error": "", "List": [{"Name": null}]}'), 0),
        (scanned(patch("p" * 201)), 0),
        (ZypperAnswer(body=b'{"Updates": 1, "Security": 0, "List": [{"Name": "p", "IsSecurity": "true"}]}'), 0),
        (ZypperAnswer(body=b'{"Updates": 1, "Security": 0, "List": [{"Name": "p", "Summary": ["CVE-2016-0718"]}]}'), 0),
        (scanned(patch("p"), patch("q"), updates=0, security=2), 0),
        (scanned(patch("p"), patch("q", is_security=True), updates=2, security=0), 1),
    ],
    ids=[
        "counter",
        "error",
        "null",
        "no object",
        "no name",
        "long name",
        "odd flag",
        "odd text",
        "swapped",
        "unmarked",
    ],
)
async def test_what_does_not_fit_is_incomplete(
    server: StandInZypperDocker, scanner: Make, answer: ZypperAnswer, findings: int
) -> None:
    """Counters that do not fit, an error beside the list and unreadable items leave what was found, incomplete."""
    server.script(ID, answer)
    report = await scanner().scan(image_of())
    assert (False, findings) == (report.complete, len(report.findings))
    assert "not counted" not in report.notes[0], "the reason for being incomplete comes first"


async def test_missing_and_null_members_are_tolerated(server: StandInZypperDocker, scanner: Make) -> None:
    """Only the counters and the list must be there; an item needs a name, and a summary that says what it is."""
    other = '{"Name": "p", "Summary": "Optional update for x", "Description": null}'
    server.script(ID, *(ZypperAnswer(body=f'{{"Updates": 1, "Security": 0, "List": [{item}]}}'.encode()) for item in (
        other, '{"Name": "p"}', '{"Name": "q", "Summary": null}',
    )))  # fmt: skip
    assert ["clean", "incomplete", "incomplete"] == [await end_of(scanner()) for _ in range(3)]


async def test_a_body_over_the_limit_is_invalid(server: StandInZypperDocker, scanner: Make) -> None:
    """16 MiB are read, no more."""
    server.script(ID, ZypperAnswer(body=b" " * (16 * 1024 * 1024 + 1)))
    with pytest.raises(InvalidReportError, match="longer than 16777216 bytes"):
        await scanner().scan(image_of())


async def test_a_large_answer_is_read_whole(server: StandInZypperDocker, scanner: Make) -> None:
    """An answer over the size from which on a thread reads it gives the same findings."""
    server.script(ID, scanned(patch("p", summary="Security update for x", description="x" * 2_000_000)))
    report = await scanner().scan(image_of())
    assert (True, ["p"]) == (report.complete, [finding.id for finding in report.findings])


async def test_other_updates_alone_are_clean(server: StandInZypperDocker, scanner: Make) -> None:
    """Updates that are not about security do not make a scan incomplete, in either mode."""
    server.script(ID, scanned(patch("a", "low", summary="Recommended update for bash")))
    assert ["clean", "clean"] == [await end_of(scanner()), await end_of(scanner(mode="strict"))]


async def test_strict_does_not_believe_a_server_that_does_not_classify(
    server: StandInZypperDocker, scanner: Make
) -> None:
    """Strict takes what the server marks; security updates that it does not mark make the result incomplete."""
    server.script(ID, recorded("images-real-2016-zypper-200"))
    report = await scanner(mode="strict").scan(image_of())
    assert (False, ()) == (report.complete, report.findings)
    assert any("does not tell security updates" in note for note in report.notes)


@pytest.mark.parametrize("mode", ["strict", "corrected"])
@pytest.mark.parametrize("summary", ["curl was updated to 8.6.0", "vim: hardening", "Sicherheitsaktualisierung", ""])
async def test_a_patch_that_may_be_one_of_security_is_not_clean(
    server: StandInZypperDocker, scanner: Make, summary: str, mode: str
) -> None:
    """zypper's category is not sent: only words with which SUSE begins its other summaries rule out security."""
    server.script(ID, scanned(patch("p", summary=summary), patch("q", summary="FEATURE update for x")))
    report = await scanner(mode=mode).scan(image_of())
    assert (False, ()) == (report.complete, report.findings)
    assert report.notes[0].startswith("1 patches may be security updates")


async def test_what_is_not_counted_is_said(server: StandInZypperDocker, scanner: Make) -> None:
    """A note has the number of patches that are not vulnerabilities, and there is none without such patches."""
    other = [patch(f"p-{number}", summary="Recommended update for bash") for number in range(3)]
    security = patch("s", summary="Security update for curl")
    server.script(ID, scanned(security, *other), scanned(security))
    assert ("3 other patches are not counted as vulnerabilities",) == (await scanner().scan(image_of())).notes
    assert () == (await scanner().scan(image_of())).notes


async def test_nothing_listed_has_a_note(server: StandInZypperDocker, scanner: Make) -> None:
    """A broken image gives the same bytes as one that is up to date: each such report says so."""
    server.script(ID, recorded("images-up-to-date-200"), recorded("images-real-no-update-repository-200"))
    reports = [await scanner().scan(image_of()) for _ in range(2)]
    assert [(True, (NOTHING_LISTED,))] * 2 == [(report.complete, report.notes) for report in reports]


@pytest.mark.parametrize(("updates", "security"), [(8, 0), (0, 8), (5, 3)])
async def test_counters_without_a_list_are_a_zypper_that_the_server_cannot_read(
    server: StandInZypperDocker, scanner: Make, updates: int, security: int
) -> None:
    """With every current zypper: the report says why nothing is listed."""
    server.script(ID, scanned(updates=updates, security=security))
    report = await scanner().scan(image_of())
    assert (False, UNREADABLE.format(8)) == (report.complete, report.notes[0])


async def test_202_is_polled(server: StandInZypperDocker, scanner: Make, context: RecordingContext) -> None:
    """While the answer is 202 the server is asked again: 1 s doubling to 30 s with jitter, Retry-After honoured."""
    server.script(ID, *[working()] * 7, working(retry_after="120"), working(retry_after="soon"), scanned())
    assert isinstance(await scanner().scan(image_of()), ScannerReport)
    middles = [1, 2, 4, 8, 16, 30, 30]
    assert all(0.75 * middle <= pause <= 1.25 * middle for middle, pause in zip(middles, context.waits, strict=False))
    assert (120.0, 9) == (context.waits[7], len(context.waits))
    assert 10 == len(context.calls_of("finish"))


async def test_the_body_of_a_202_is_not_looked_at(server: StandInZypperDocker, scanner: Make) -> None:
    """A 202 may have any body, of any length."""
    server.script(ID, ZypperAnswer(body=b"x" * 20_000_000, status=202), scanned())
    assert "clean" == await end_of(scanner())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", 9.0), ("soon", 9.0), ("-5", 9.0), ("7", 7.0), (" 7 ", 7.0), ("999999", 300.0), ("9" * 400, 300.0),
        ("Mon, 20 Jun 2016 08:00:00 GMT", 0.0), ("Fri, 31 Dec 9999 23:59:59 GMT", 300.0),
    ],
)  # fmt: skip
def test_retry_after_in_every_form(value: str, expected: float) -> None:
    """Retry-After is seconds or a date, 300 s at most; nonsense gives the default."""
    assert expected == retry_after({"Retry-After": value}, default=9.0)


@given(st.text(max_size=40) | st.from_regex(r"\A[0-9]{1,2} Jan [0-9]{1,11} 0:0:[0-9]{1,2} [+-][0-9]{1,12}\Z"))
@example("0 Jan 0:0 2147483648")
def test_no_retry_after_breaks_the_poll(value: str) -> None:
    """Whatever the header says, the pause is between 0 and 300 seconds."""
    assert 0 <= retry_after({"Retry-After": value}, default=9.0) <= 300


async def test_a_refused_connection_is_unavailable(unused_tcp_port: int, context: RecordingContext) -> None:
    """A refused connection is a ScannerUnavailableError: the engine tries again."""
    settings = ZypperDockerSettings(server=f"http://127.0.0.1:{unused_tcp_port}")
    with pytest.raises(ScannerUnavailableError, match="can't be reached"):
        await ZypperDockerScanner(settings, context).scan(image_of())


async def test_health_shows_the_docker_daemon(server: StandInZypperDocker, scanner: Make) -> None:
    """An image that no daemon has is asked for: that shows the daemon's state, and starts no container."""
    up = await scanner().check_health()
    server.script(NO_IMAGE, recorded("images-docker-down-404"))
    down = await scanner().check_health()
    assert (True, "the server and its Docker daemon are up") == (up.healthy, up.message)
    assert (False, True) == (down.healthy, "can't use its Docker daemon" in down.message)
    assert [NO_IMAGE] * 2 == server.asked


async def test_a_server_that_answers_otherwise_is_not_healthy(
    server: StandInZypperDocker, context: RecordingContext
) -> None:
    """Any other answer is unhealthy, and nobody there is an error that says so."""
    settings = ZypperDockerSettings(server=f"{server.url}/other")
    health = await ZypperDockerScanner(settings, context).check_health()
    assert (False, True) == (health.healthy, "is `server` the address of" in health.message)
    server.script(NO_IMAGE, scanned())
    odd = await ZypperDockerScanner(ZypperDockerSettings(server=server.url), context).check_health()
    assert (False, True) == (odd.healthy, "HTTP 200" in odd.message)
    await server.stop()
    with pytest.raises(ScannerUnavailableError):
        await ZypperDockerScanner(settings, context).check_health()


@pytest.mark.parametrize("values", [{"mode": "lax"}, {"concurrency": 2}, {"server": ""}, {"platform": "arm"}])
def test_settings_that_would_lie_are_refused(values: dict[str, object]) -> None:
    """Another mode, more than one request at a time, no server and half a platform are errors."""
    with pytest.raises(ValueError, match="must be"):
        ZypperDockerSettings(**{"server": "http://z", **values})  # type: ignore[arg-type]
