"""A distribution that Clair has no vulnerability data for is not clean: what is asked, how often, what answers mean."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import portus_scanner_clair.client
import pytest
from portus_scanner_clair import sharing
from portus_scanner_clair.layers import name_layers
from portus_scanners import Image, ScannerReport, UnsupportedImageError
from portus_scanners_testing import Disconnect, Fault, Hang, Rewritten, Status, Truncated
from portus_scanners_testing.images import (
    BuiltImage,
    LayerBlob,
    alpine_layer,
    debian_image,
    debian_layer,
    filler_layer,
    make_image,
)

from .conftest import House

BASH = {"bash": "5.2-1"}
CLEAN = debian_image({"bash": "99"})


def questions(house: House) -> list[str]:
    """Return the distributions that Clair was asked about since this was called last."""
    asked = [one.path.split("/")[3] for one in house.clair.requests if one.path.startswith("/v1/namespaces/")]
    house.clair.requests.clear()
    return asked


def release(name: str, version: str) -> LayerBlob:
    """Return a base layer of a distribution, its packages in a form that the stand-in can read."""
    return debian_layer(BASH, extra={"etc/os-release": f'ID="{name}"\nVERSION_ID="{version}"\n'.encode()})


@pytest.mark.parametrize(
    ("base", "namespace"),
    [
        (debian_layer(BASH, version="99"), "debian:99"),
        (alpine_layer({"musl": "1.2.5-r0"}, release="3.20.1"), "alpine:v3.20"),
        (release("fedora", "40"), "fedora:40"),
        (release("amzn", "2023"), "amzn:2023"),
        (release("rhel", "8.9"), "rhel:8.9"),
        (release("oracle", "9"), "oracle:9"),
    ],
    ids=["debian", "alpine", "fedora", "amazon", "rhel", "oracle"],
)
async def test_a_distribution_without_data_is_unsupported(house: House, base: LayerBlob, namespace: str) -> None:
    """Clair reads the packages and knows no vulnerability of the distribution at all: unsupported, by its name."""
    image = await house.image(make_image(base, filler_layer()))
    with pytest.raises(UnsupportedImageError, match=f"no vulnerability data for {namespace}: .* not known to be clean"):
        await house.scanner().scan(image)
    assert [namespace] == questions(house)


@pytest.mark.parametrize(
    "answer",
    [
        Status(200, b'{"Vulnerabilities":null}'),
        Status(200, b'{"Vulnerabilities":[]}'),
        Status(404, b'{"Error":{"Message":"the resource cannot be found"}}'),
    ],
    ids=["null", "empty list", "404"],
)
async def test_every_way_of_saying_that_there_is_none(house: House, answer: Status) -> None:
    """Null, an empty list and Clair's 404 mean that there is no data."""
    house.clair.faults.add("/v1/namespaces/*", answer)
    with pytest.raises(UnsupportedImageError, match="no vulnerability data for debian:12"):
        await house.scanner().scan(await house.image(CLEAN))


@pytest.mark.parametrize(
    ("fault", "repeated"),
    [
        (Status(500), True),
        (Status(500, b'{"Error":{"Message":"database: an error occured when querying the backend"}}'), True),
        (Status(503, b"<html>"), True),
        (Status(429), True),
        (Disconnect(), True),
        (Truncated(5), True),
        (Status(403), False),
        (Status(404, b"404 page not found\n"), False),
        (Status(302, b"", {"Location": "/"}), False),
        (Status(200, b"<html>"), False),
        (Status(200, b""), False),
        (Status(200, b"{}"), False),
        (Status(200, b'{"Vulnerabilities":[null]}'), False),
        (Status(200, b'{"Vulnerabilities":{"Name":"CVE-1"}}'), False),
        (Status(200, b'{"Vulnerabilities":[{"NamespaceName":"debian:12"}]}'), False),
        (Status(200, b'{"Vulnerabilities":[{"Name":"CVE-1","NamespaceName":"debian:9"}]}'), False),
        (Truncated(5, announced=False), False),
    ],
)
async def test_without_an_answer_nothing_is_clean(house: House, fault: Fault, *, repeated: bool) -> None:
    """A question that stays without a valid answer makes the report incomplete, after tries where they may help."""
    house.clair.faults.add("/v1/namespaces/*", fault)
    report = await house.scanner().scan(await house.image(CLEAN))
    assert (False, (), 1) == (report.complete, report.findings, len(report.notes))
    assert "not known whether Clair has vulnerability data for debian:12" in report.notes[0]
    assert repeated == (len(questions(house)) >= 3)


async def test_a_question_that_hangs_is_given_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clair answers for layers and is silent about its data: the report is incomplete, long before the deadline."""
    monkeypatch.setattr(portus_scanner_clair.client, "DATA_TIMEOUT", 0.02)
    house.clair.faults.add("/v1/namespaces/*", Hang())
    report = await house.scanner().scan(await house.image(CLEAN))
    assert (False, True) == (report.complete, "did not answer in time" in report.notes[0])


@pytest.mark.parametrize("times", [1, 2])
async def test_an_answer_that_comes_late_counts(house: House, times: int) -> None:
    """A question that fails and is answered when it is asked again leaves no trace."""
    house.clair.faults.add("/v1/namespaces/*", Status(500), times=times)
    assert (await house.scanner().scan(await house.image(CLEAN))).complete


async def test_findings_are_kept_for_the_deadline(house: House) -> None:
    """Before Clair is asked about a second distribution, what is known of the first is handed to the engine."""
    house.clair.add_vulnerability("debian:11", "CVE-2099-0001", fixed_in={"bash": "9"})
    await house.scanner().scan(await house.image(upgraded({"bash": "5.2-1"}, {"zlib": "1"})))
    ((kept,),) = house.context.calls_of("keep")
    assert (["CVE-2099-0001"], False) == ([one.id for one in kept.findings], kept.complete)


def upgraded(old: dict[str, str], new: dict[str, str]) -> BuiltImage:
    """Return an image of Debian 11 that was upgraded to 12 in place: packages left alone belong to 11 for Clair."""
    return make_image(debian_layer(old, version="11"), debian_layer({**old, **new}, version="12"))


async def scan_upgraded(house: House, old: dict[str, str], new: dict[str, str]) -> ScannerReport:
    """Scan an upgraded image."""
    return await house.scanner().scan(await house.image(upgraded(old, new)))


async def test_one_of_two_distributions_without_data_is_incomplete(house: House) -> None:
    """What belongs to the distribution with data is reported; the other one is named."""
    report = await scan_upgraded(house, {"bash": "5.2-1"}, {"zlib": "1"})
    assert (False, ("Clair has no vulnerability data for debian:11: this was not checked",)) == (
        report.complete,
        report.notes,
    )
    house.clair.add_vulnerability("debian:12", "CVE-2099-0001", fixed_in={"zlib": "2"})
    found = await scan_upgraded(house, {"bash": "5.2-1"}, {"zlib": "1"})
    assert (False, ["CVE-2099-0001"]) == (found.complete, [one.id for one in found.findings])
    house.clair.add_vulnerability("debian:11", "CVE-2099-0002", fixed_in={"elsewhere": "2"})
    assert (await scan_upgraded(house, {"bash": "5.2-1"}, {"zlib": "1"})).complete


async def test_the_distribution_of_the_image_itself_counts(house: House) -> None:
    """No package belongs to the release that the image has become: Clair is asked about that one as well."""
    house.clair.add_vulnerability("debian:11", "CVE-2099-0001", fixed_in={"bash": "9"})
    house.clair.remove_vulnerability("debian:12", "CVE-2099-9999")
    report = await scan_upgraded(house, {"bash": "5.2-1"}, {})
    assert (False, ["CVE-2099-0001"], ["debian:12"]) == (
        report.complete,
        [one.id for one in report.findings],
        questions(house),
    )


async def test_an_empty_clair_calls_nothing_clean(house: House) -> None:
    """Without any data every image is unsupported, those of known distributions as well."""
    house.clair.database.vulnerabilities.clear()
    for built in (CLEAN, make_image(alpine_layer({"musl": "1.2.4-r0"}))):
        with pytest.raises(UnsupportedImageError, match="no vulnerability data"):
            await house.scanner().scan(await house.image(built))


async def test_packages_without_a_distribution_are_not_clean(house: House) -> None:
    """Clair's API says the distribution of each package: one without can't be asked about, and was not checked."""
    image = await house.image(CLEAN)
    await house.scanner().scan(image)
    house.clair.faults.add(
        "/v1/layers/*", Rewritten(lambda body: body.replace(b'"NamespaceName":"debian:12","VersionFormat', b'"V'))
    )
    report = await house.scanner().scan(image)
    assert (False, True) == (report.complete, "packages without a distribution" in report.notes[0])


async def test_a_distribution_is_asked_about_once(house: House) -> None:
    """Images of one distribution share the question, at the same moment and later; a known one costs one request."""
    images = [await house.image(make_image(debian_layer({"bash": f"9{n}"})), f"v{n}") for n in range(6)]
    scanner = house.scanner()
    await asyncio.gather(*(scanner.scan(image) for image in images))
    assert ["debian:12"] == questions(house)
    await scanner.scan(images[0])
    assert 1 == len(house.clair.requests)


async def test_a_vulnerability_proves_the_data(house: House) -> None:
    """With a vulnerability in the answer Clair is not asked, and the next clean image costs no question either."""
    house.clair.add_vulnerability("debian:12", "CVE-2099-0001", fixed_in={"bash": "6"})
    scanner = house.scanner()
    await scanner.scan(await house.image(debian_image(BASH), "vulnerable"))
    assert (await scanner.scan(await house.image(CLEAN, "clean"))).complete
    assert [] == questions(house)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time for what is remembered, and for nothing else; the last item counts."""
    times = [1000.0]
    monkeypatch.setattr(sharing, "time", SimpleNamespace(monotonic=lambda: times[-1]))
    return times


async def outcome(house: House, scanner: object, image: Image) -> str:
    """Return how a scan ends, and forget what Clair was asked."""
    try:
        report = await scanner.scan(image)  # type: ignore[attr-defined]
    except UnsupportedImageError:
        return "unsupported"
    return "ok" if report.complete else "incomplete"


async def test_data_that_appears_is_seen_after_a_minute(house: House, clock: list[float]) -> None:
    """That there is none is remembered for a minute; a vulnerability that shows in an answer counts at once."""
    image = await house.image(debian_image(BASH, version="99"))
    scanner, ends = house.scanner(), []
    ends.append(await outcome(house, scanner, image))
    house.clair.add_vulnerability("debian:99", "CVE-2099-0001", fixed_in={"elsewhere": "9"})
    ends.append(await outcome(house, scanner, image))
    clock.append(1061.0)
    ends.append(await outcome(house, scanner, image))
    assert (["unsupported", "unsupported", "ok"], ["debian:99"] * 2) == (ends, questions(house))


async def test_a_vulnerability_counts_more_than_the_memory_of_none(house: House, clock: list[float]) -> None:
    """A distribution remembered as one without data has some: its clean images are clean from then on."""
    scanner = house.scanner()
    clean = await house.image(debian_image({"zlib": "1"}, version="99"), "clean")
    vulnerable = await house.image(debian_image(BASH, version="99"), "vulnerable")
    before = await outcome(house, scanner, clean)
    house.clair.add_vulnerability("debian:99", "CVE-2099-0001", fixed_in={"bash": "9"})
    ends = [before, await outcome(house, scanner, vulnerable), await outcome(house, scanner, clean)]
    assert ["unsupported", "ok", "ok"] == ends


async def test_data_that_vanishes_is_missed_after_ten_minutes(house: House, clock: list[float]) -> None:
    """That there is data is remembered for ten minutes."""
    image, scanner, ends = await house.image(CLEAN), house.scanner(), []
    ends.append(await outcome(house, scanner, image))
    house.clair.database.vulnerabilities.clear()
    for seconds in (599.0, 601.0):
        clock.append(1000.0 + seconds)
        ends.append(await outcome(house, scanner, image))
    assert ["ok", "ok", "unsupported"] == ends


async def test_an_odd_name_is_asked_about_as_it_is(house: House) -> None:
    """A name from an image's os-release is percent-encoded in the address; one with a slash can't be asked for."""
    odd = await house.image(make_image(release("debian", "1 2?limit=0#x")), "odd")
    with pytest.raises(UnsupportedImageError, match="no vulnerability data"):
        await house.scanner().scan(odd)
    assert "/v1/namespaces/debian:1%202%3Flimit%3D0%23x/vulnerabilities?limit=1" == house.clair.requests[-1].target
    slash = await house.scanner().scan(await house.image(make_image(release("debian", "1/2")), "slash"))
    assert (False, True) == (slash.complete, "HTTP 404" in slash.notes[0])


async def test_no_more_than_sixteen_distributions_are_asked_about(house: House) -> None:
    """An answer with thousands of distributions costs sixteen questions, and is incomplete."""
    image = await house.image(CLEAN)
    name = name_layers(image, "portus-scanners")[-1].name
    features = ",".join(f'{{"Name":"a","Version":"1","NamespaceName":"debian:{number}"}}' for number in range(2000))
    house.clair.faults.add(
        "/v1/layers/*", Status(200, f'{{"Layer":{{"Name":"{name}","Features":[{features}]}}}}'.encode())
    )
    report = await house.scanner().scan(image)
    assert (16, False) == (len(questions(house)), report.complete)
    assert max(len(note) for note in report.notes) < 300
