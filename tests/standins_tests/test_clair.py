"""How Clair's stand-in behaves beside its results: known names, fetching, errors, faults."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
from collections.abc import Callable, Mapping

import aiohttp
import pytest
from portus_scanners_testing import Disconnect, EmptyBody, Hang, StandInRegistry, Status, Truncated
from portus_scanners_testing.images import debian_layer, dpkg_layer, filler_layer, make_image
from standins.clair import DATABASE_DOWN, QUERY_FAILED, TIMED_OUT
from standins.clair_client import ClairLab
from standins.clair_detection import Namespace

BASE = debian_layer({"bash": "5.2-1"})
NOT_FOUND = (400, "could not find layer")
NOWHERE = "http://127.0.0.1:1/v2/lab/one/blobs/none"


def message(body: bytes) -> str:
    """Return the message of an error."""
    text: str = json.loads(body)["Error"]["Message"]
    return text


async def test_known_name_is_a_no_op(client: ClairLab) -> None:
    """An unknown parent, an unreachable path and a bogus format get 201 and an echo; nothing is fetched."""
    await client.post_layer(BASE, "known")
    more = {"Format": "bogus", "Headers": {"Authorization": "Bearer x"}}
    status, body = await client.post("known", NOWHERE, "nobody", **more)
    echo = {"Name": "known", "Path": NOWHERE, "ParentName": "nobody", "IndexedByVersion": 3, **more}
    assert (201, {"Layer": echo}) == (status, body)
    assert ["known"] == client.clair.fetched
    assert [True, False] == [post.fetched for post in client.clair.posts]


async def test_failed_post_stores_nothing(client: ClairLab) -> None:
    """The child of a layer that could not be fetched has no parent."""
    client.registry.faults.add("*/blobs/*", Status(500), times=1)
    assert NOT_FOUND == await client.post_layer(BASE, "base")
    expected = (400, "worker: parent layer is unknown, it must be processed first")
    assert expected == await client.post_layer(filler_layer(), "child", "base")
    assert ["base"] == client.clair.fetched


@pytest.mark.parametrize(
    "fault",
    [Status(401), Status(403), Status(404), Status(503), Status(302), Disconnect()],
    ids=lambda fault: str(getattr(fault, "status", "disconnect")),
)
async def test_any_failure_to_fetch_is_the_same_error(client: ClairLab, fault: Status | Disconnect) -> None:
    """The registry's status is not passed on."""
    client.registry.faults.add("*/blobs/*", fault)
    assert NOT_FOUND == await client.post_layer(BASE)


@pytest.mark.parametrize("path", [NOWHERE, "ftp://127.0.0.1/x", "/etc/passwd", "http://"])
async def test_paths_that_lead_nowhere(client: ClairLab, path: str) -> None:
    """A refused connection, another scheme and no URL at all give the same error."""
    status, body = await client.post("layer", path)
    assert NOT_FOUND == (status, body["Error"]["Message"])


async def test_illegal_header_is_the_same_error(client: ClairLab) -> None:
    """A header that is not legal HTTP never goes out."""
    assert NOT_FOUND == await client.post_layer(BASE, Headers={"Authorization": "Bearer a\r\nb: c"})


async def test_redirect_drops_authorization_of_another_host(client: ClairLab) -> None:
    """Other headers are kept."""
    async with StandInRegistry() as storage:
        storage.push("lab/one", "", make_image(BASE))
        location = {"Location": storage.blob_url("lab/one", BASE.digest)}
        client.registry.faults.add("*/blobs/*", Status(307, headers=location))
        answer = await client.post_layer(BASE, Headers={"Authorization": "Bearer x", "X-Kept": "yes"})
        seen = storage.requests[0].headers
    assert (201, "") == answer
    assert "Bearer x" == client.registry.requests[0].headers["Authorization"]
    assert (False, "yes", "Go-http-client/1.1") == ("Authorization" in seen, seen["X-Kept"], seen["User-Agent"])


async def test_token_is_used_for_the_blob(client: ClairLab) -> None:
    """Clair sends the headers that it is given: without the token the registry refuses."""
    async with StandInRegistry(auth="token") as guarded:
        guarded.push("lab/one", "", make_image(BASE))
        url = guarded.blob_url("lab/one", BASE.digest)
        params = {"scope": "repository:lab/one:pull"}
        login = {"Authorization": aiohttp.encode_basic_auth(guarded.username, guarded.password)}
        async with client.http.get(guarded.realm, params=params, headers=login) as response:
            token = (await response.json())["token"]
        without, _ = await client.post("layer", url)
        status, _ = await client.post("layer", url, Headers={"Authorization": f"Bearer {token}"})
    assert (400, 201) == (without, status)


@pytest.mark.parametrize("fault", [EmptyBody(), Status(204)], ids=["empty 200", "204"])
async def test_empty_body_is_an_empty_layer(client: ClairLab, fault: EmptyBody | Status) -> None:
    """A silent miss, and it stays so under that name."""
    client.registry.faults.add("*/blobs/*", fault, times=1)
    assert (201, "") == await client.post_layer(BASE)
    assert (201, "") == await client.post_layer(BASE)
    assert {} == await client.packages("layer")


@pytest.mark.parametrize("announced", [True, False])
async def test_truncated_download_is_no_archive(client: ClairLab, announced: bool) -> None:
    """Whether or not the client could see that bytes are missing."""
    client.registry.faults.add("*/blobs/*", Truncated(100, announced=announced))
    assert (422, "tarutil: could not extract the archive") == await client.post_layer(BASE)


@pytest.mark.parametrize("key", ["Name", "Path", "Format"])
async def test_empty_field_is_refused(client: ClairLab, key: str) -> None:
    """Name, path and format must be there."""
    layer = {"Name": "layer", "Path": NOWHERE, "Format": "Docker", key: ""}
    status, _, body = await client.raw("POST", "/v1/layers", json={"Layer": layer})
    assert (400, f"could not process a layer which does not have a {key.lower()}") == (status, message(body))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "EOF"),
        (b'{"Layer": {"Name": "', "unexpected EOF"),
        (b'{"Layer": {"Name": "' + b"x" * 1024 * 1024 + b'"}}', "unexpected EOF"),
        (b"nonsense", "invalid character"),
        (b"[]", "json: cannot unmarshal array into Go value"),
        (b'{"Layer": {"Name": 1}}', "json: cannot unmarshal number into Go struct field"),
        (b'{"Layer": null}', "failed to provide layer"),
    ],
    ids=["empty", "cut", "over 1 MiB", "no JSON", "array", "number", "null"],
)
async def test_bodies_that_are_no_request(client: ClairLab, data: bytes, expected: str) -> None:
    """400 with Go's words."""
    status, _, body = await client.raw("POST", "/v1/layers", data=io.BytesIO(data))
    assert 400 == status
    assert message(body).startswith(expected)


async def test_text_after_the_json_is_ignored(client: ClairLab) -> None:
    """Only the first value is read."""
    status, _, body = await client.raw("POST", "/v1/layers", data=b'{"Layer": {}} and more')
    assert (400, "could not process a layer which does not have a name") == (status, message(body))


@pytest.mark.parametrize(
    ("method", "target", "status", "location"),
    [
        ("POST", "/v1/layers/", 307, "/layers"),
        ("GET", "//v1/layers/x", 404, None),
        ("GET", "/v1//layers/x?vulnerabilities", 301, "/layers/x?vulnerabilities"),
        ("GET", "/v1/layers/a%2Fb", 404, None),
        ("GET", "/layers/x", 404, None),
        ("GET", "/v2/layers", 404, None),
        ("GET", "/health", 404, None),
        ("HEAD", "/v1/namespaces", 405, None),
        ("PUT", "/v1/layers", 405, None),
    ],
)
async def test_odd_paths(client: ClairLab, method: str, target: str, status: int, location: str | None) -> None:
    """Redirects lose the version; wrong paths and methods are answered in plain text."""
    actual, headers, _ = await client.raw(method, target)
    assert (status, location) == (actual, headers.get("Location"))
    assert location is not None or headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("query", "features", "vulnerabilities"),
    [("", False, False), ("?features=false", True, False), ("?vulnerabilities", True, True)],
)
async def test_query_counts_by_presence(client: ClairLab, query: str, features: bool, vulnerabilities: bool) -> None:
    """A value has no effect; vulnerabilities imply features."""
    client.clair.add_vulnerability("debian:12", "CVE-2099-1", fixed_in={"bash": "5.2-2"})
    await client.post_layer(BASE)
    _, _, body = await client.raw("GET", f"/v1/layers/layer{query}")
    layer = json.loads(body)["Layer"]
    assert (features, vulnerabilities) == ("Features" in layer, "Vulnerabilities" in layer.get("Features", [{}])[0])


@pytest.mark.parametrize("accepted", ["gzip", "gzip;q=0", "deflate, gzip"])
async def test_letters_gzip_make_the_answer_gzipped(client: ClairLab, accepted: str) -> None:
    """Errors included."""
    async with aiohttp.ClientSession(auto_decompress=False) as raw:
        other = ClairLab(raw, client.clair, client.registry)
        _, headers, body = await other.raw("GET", "/v1/layers/x", headers={"Accept-Encoding": accepted})
    assert ("gzip", "the resource cannot be found") == (headers["Content-Encoding"], message(gzip.decompress(body)))


async def test_long_answers_come_in_one_chunk_with_gos_escapes(client: ClairLab) -> None:
    """Over 2 KB: chunked; HTML's characters are escaped, other text is raw UTF-8, a newline ends it."""
    client.clair.add_vulnerability("debian:12", "CVE-2099-1", fixed_in={"bash": "5.2-2"}, description="<é>" * 900)
    await client.post_layer(BASE)
    _, headers, body = await client.raw("GET", "/v1/layers/layer?vulnerabilities")
    assert "chunked" == headers["Transfer-Encoding"]
    assert "\\u003cé\\u003e".encode() in body
    assert body.endswith(b"}\n")


async def test_vulnerabilities_are_computed_at_the_time_of_the_get(client: ClairLab) -> None:
    """Entered, changed and deleted ones show without a new POST; the fixed version itself is not affected."""
    await client.post_layer(BASE)
    seen = [await client.findings("layer")]
    for fix in ("5.2-2", "5.2-1", "None"):
        client.clair.add_vulnerability("debian:12", "CVE-2099-1", fixed_in={"bash": fix})
        seen.append(await client.findings("layer"))
    client.clair.remove_vulnerability("debian:12", "CVE-2099-1")
    seen.append(await client.findings("layer"))
    assert [{}, {"bash CVE-2099-1": "5.2-2"}, {}, {"bash CVE-2099-1": None}, {}] == seen


async def test_deleting_takes_the_layers_above(client: ClairLab) -> None:
    """DELETE of the base answers 200 with nothing, and everything built on it is gone."""
    await client.post_layer(BASE, "base")
    await client.post_layer(filler_layer(), "child", "base")
    await client.post_layer(filler_layer("two"), "grandchild", "child")
    deleted = await client.raw("DELETE", "/v1/layers/base")
    statuses = [(await client.raw("GET", f"/v1/layers/{name}"))[0] for name in ("base", "child", "grandchild")]
    assert (200, b"") == (deleted[0], deleted[2])
    assert [404, 404, 404] == statuses


async def test_namespaces(client: ClairLab) -> None:
    """Null at first; then those of layers, with their version format."""
    before = await client.raw("GET", "/v1/namespaces")
    await client.post_layer(BASE)
    after = await client.raw("GET", "/v1/namespaces")
    expected = {"Namespaces": [{"Name": "debian:12", "VersionFormat": "dpkg"}]}
    assert (b'{"Namespaces":null}\n', expected) == (before[2], json.loads(after[2]))


async def test_namespace_made_by_a_vulnerability_entry_is_spoiled(client: ClairLab) -> None:
    """It never gets a version format, and layers with a parent in it are refused."""
    await client.raw("POST", "/v1/namespaces/debian:12/vulnerabilities", json=entry("High"))
    await client.post_layer(BASE, "base")
    child = await client.post_layer(dpkg_layer({"bash": "5.2-3"}), "child", "base")
    _, _, namespaces = await client.raw("GET", "/v1/namespaces")
    assert (400, "could not find/insert invalid FeatureVersion") == child
    assert {"Namespaces": [{"Name": "debian:12"}]} == json.loads(namespaces)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("debian:12/vulnerabilities?limit=1", (200, ["CVE-2099-1"], True)),
        ("debian%3A12/vulnerabilities?limit=2", (200, ["CVE-2099-1", "CVE-2099-2"], False)),
        ("alpine:v3.19/vulnerabilities?limit=1", (200, None, False)),
        ("debian:99/vulnerabilities?limit=1", (404, "the resource cannot be found", False)),
        ("debian:12/vulnerabilities", (400, "must provide limit query parameter", False)),
        ("debian:12/vulnerabilities?limit=-1", (400, "limit value should not be less than zero", False)),
    ],
)
async def test_vulnerabilities_of_a_namespace(client: ClairLab, target: str, expected: tuple[object, ...]) -> None:
    """The first ones, with a token for the others; null where there are none; 404 for a namespace never seen."""
    client.clair.database.add_namespace(Namespace("alpine:v3.19", "dpkg"))
    for number in (1, 2):
        client.clair.add_vulnerability("debian:12", f"CVE-2099-{number}", fixed_in={"bash": "9"})
    status, _, body = await client.raw("GET", f"/v1/namespaces/{target}")
    answer = json.loads(body)
    listed = answer.get("Vulnerabilities")
    said = answer["Error"]["Message"] if "Error" in answer else listed and [one["Name"] for one in listed]
    assert expected == (status, said, "NextPage" in answer)


def entry(severity: str) -> Mapping[str, object]:
    """Return the body of a vulnerability entry."""
    fixed_in = [{"Name": "bash", "NamespaceName": "debian:12", "VersionFormat": "dpkg", "Version": "5.2-2"}]
    names = {"Name": "CVE-2099-1", "NamespaceName": "debian:12", "Severity": severity}
    return {"Vulnerability": {**names, "FixedIn": fixed_in}}


@pytest.mark.parametrize(("severity", "status"), [("hIGH", 201), ("Horrible", 400), ("", 400)])
async def test_severity_of_an_entry(client: ClairLab, severity: str, status: int) -> None:
    """In any case; an unknown one is refused. The namespace in the body decides."""
    await client.post_layer(BASE)
    actual, _, _ = await client.raw("POST", "/v1/namespaces/other:1/vulnerabilities", json=entry(severity))
    found = [item.severity for item in client.clair.database.vulnerabilities.values()]
    assert (status, ["High"] if status == 201 else []) == (actual, found)


async def test_race_goes_away_when_the_request_is_sent_again(client: ClairLab) -> None:
    """The next POSTs of new names end with a failed query; known names are not touched."""
    await client.post_layer(BASE, "known")
    client.clair.races = 1
    answers = [await client.post_layer(BASE, name) for name in ("known", "new", "new")]
    assert [(201, ""), (500, QUERY_FAILED), (201, "")] == answers


async def test_name_over_128_characters_is_never_stored(client: ClairLab) -> None:
    """The same error, however often it is sent."""
    answers = {await client.post_layer(BASE, "x" * 129) for _ in range(2)}
    assert {(500, QUERY_FAILED)} == answers
    assert (201, "") == await client.post_layer(BASE, "x" * 128)


async def test_timeout_answers_503_and_stores_the_layer(client: ClairLab) -> None:
    """JSON in plain text; a later GET is 200."""
    client.clair.timeouts = 1
    client.registry.push("lab/one", "", make_image(BASE))
    layer = {"Name": "late", "Path": client.registry.blob_url("lab/one", BASE.digest), "Format": "Docker"}
    status, headers, body = await client.raw("POST", "/v1/layers", json={"Layer": layer})
    assert (503, "text/plain; charset=utf-8", TIMED_OUT) == (status, headers["Content-Type"], body.decode())
    assert {"bash": "5.2-1"} == await client.packages("late")


async def test_database_down_fails_everything_and_comes_back(client: ClairLab) -> None:
    """Requests get 500, a vulnerability entry no answer at all; afterwards all is as it was."""
    await client.post_layer(BASE)
    client.clair.database_down = True
    for method, target in (("GET", "/v1/layers/layer"), ("DELETE", "/v1/layers/layer"), ("GET", "/v1/namespaces")):
        status, _, body = await client.raw(method, target)
        assert (500, DATABASE_DOWN) == (status, message(body))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.raw("POST", "/v1/namespaces/debian:12/vulnerabilities", json=entry("Low"))
    client.clair.database_down = False
    async with client.http.get(f"{client.clair.health_url}/health") as health:
        assert 200 == health.status
    assert {"bash": "5.2-1"} == await client.packages("layer")


async def test_client_that_hangs_up_does_not_stop_clair(client: ClairLab) -> None:
    """The layer is stored after the client has gone."""
    release = asyncio.Event()
    client.registry.faults.add("*/blobs/*", Hang(release))
    async with aiohttp.ClientSession() as hasty:
        impatient = asyncio.create_task(ClairLab(hasty, client.clair, client.registry).post_layer(BASE))
        await until(lambda: client.registry.requests)
        impatient.cancel()
        await asyncio.gather(impatient, return_exceptions=True)
    release.set()
    await until(lambda: client.clair.database.layers)
    assert {"bash": "5.2-1"} == await client.packages("layer")


async def until(condition: Callable[[], object]) -> None:
    """Let others run until something is so."""
    while not condition():  # noqa: ASYNC110 - the stand-ins tell nobody when their state changes
        await asyncio.sleep(0)
