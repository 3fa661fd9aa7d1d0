"""The API through a real socket: what is answered, to whom, and what goes wrong."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import AsyncIterator

import pytest
from portus_policy import load_policy
from portus_scan_server.access import Scope, create_token
from portus_scan_server.settings import read_server_settings
from portus_scan_server.store import Store, tables
from portus_scan_server.summaries import Rules
from portus_scanners import Verdict, load_document
from portus_scanners.settings import read_yaml
from portus_scanners_testing import StandInRegistry
from portus_scanners_testing.images import debian_image
from sqlalchemy import update

from ..views.world import HOST, RULES, digest, failed, found, ok, scanned, tagged
from .answering import ApiClient, answering

APP = f"/repositories/{HOST}/team/app"


@pytest.fixture
async def api(store: Store, database: str) -> AsyncIterator[ApiClient]:
    """A service that knows two images of one team, and one of another."""
    await tagged(store, 1, "team/app:1.0", "other/base:1")
    await tagged(store, 2, "team/app:2.0")
    await tagged(store, 3, "other/app:1.0")
    await scanned(store, 1, [ok("clair", *found("CVE-1", "CVE-2")), failed("trivy", "GET /v2/other/base/x: 500")])
    await scanned(store, 2, [ok("clair"), ok("trivy")])
    await scanned(store, 3, [ok("clair", *found("CVE-3")), ok("trivy")])
    async with answering(store, database, RULES) as client:
        yield client


async def test_what_is_answered(api: ApiClient) -> None:
    """Repositories, digests, tags, images, vulnerabilities and verdicts, each as the viewer may see it."""
    listed = (await api.get("/repositories", "alice")).json["items"]
    assert [("team/app", 2, 1, 1)] == [(one["name"], one["tags"], one["vulnerable"], one["passed"]) for one in listed]
    assert listed[0] == (await api.get(APP, "alice")).json == (await api.get(APP.replace("team/", "team%2F"))).json
    images = (await api.get(f"{APP}/-/images", "alice")).json["items"]
    assert {"2 High - 2 total", "Passed"} == {one["security"]["words"] for one in images}
    assert ["1.0", "2.0"] == [one["name"] for one in (await api.get(f"{APP}/-/tags", "alice")).json["items"]]
    tag = (await api.get(f"{APP}/-/tags/1.0", "alice")).json
    assert [{"registry": HOST, "repository": "team/app", "tag": "1.0"}] == tag["image"]["names"]
    assert tag["image"] == (await api.get(f"/images/{digest(1)}", "alice")).json
    for number, verdict in ((1, "fail"), (2, "pass")):
        answer = (await api.get(f"{APP}/-/tags/{number}.0/verdict", "alice")).json
        assert (
            verdict == answer["verdict"] == (await api.get(f"/images/{digest(number)}/verdict", "bob")).json["verdict"]
        )
    assert "CVE-1" == (await api.get("/vulnerabilities/cve-1", "alice")).json["id"]
    where = (await api.get("/vulnerabilities/CVE-1/images", "alice")).json["items"]
    assert [(digest(1), "bash")] == [(one["digest"], one["packages"][0]["package"]) for one in where]


async def test_what_may_not_be_seen_is_not_there(api: ApiClient) -> None:
    """Whatever is asked about it, the answer is the one about what there is not, also with an ETag that is right."""
    hidden = (await api.get(f"/images/{digest(3)}")).headers["ETag"]
    for path in (
        *(f"/repositories/{HOST}/other/app", f"/repositories/{HOST}/other/app/-/tags/1.0", f"/images/{digest(3)}"),
        *(f"/images/{digest(3)}/report", f"/images/{digest(3)}/verdict", "/vulnerabilities/CVE-3"),
        *(f"/repositories/{HOST}/other/app/-/images", f"/repositories/{HOST}/other/app/-/tags/1.0/verdict"),
    ):
        assert 200 == (await api.get(path)).status
        answer, other = (
            await api.get(path, "alice", If_None_Match=hidden),
            await api.get("/images/sha256:" + "f" * 64, "alice"),
        )
        assert (404, other.json) == (answer.status, answer.json)
    assert [] == (await api.get("/vulnerabilities/CVE-3/images", "alice")).json["items"]


async def test_who_has_an_answer_is_not_sent_it_again(api: ApiClient, store: Store) -> None:
    """An ETag gives 304 until something changes; a report's, before it is made."""
    for path in (
        "/repositories",
        APP,
        f"/images/{digest(1)}",
        f"/images/{digest(1)}/report",
        f"/images/{digest(1)}/verdict",
    ):
        tag = (await api.get(path)).headers["ETag"]
        answer = await api.get(path, If_None_Match=f'"x", {tag}')
        assert (304, b"", tag) == (answer.status, answer.content, answer.headers["ETag"])
        assert 200 == (await api.get(path, If_None_Match='"x"')).status
    report = f"/images/{digest(1)}/report"
    tags = [(await api.get(report, who)).headers["ETag"] for who in ("root", "alice")]
    await scanned(store, 1, [ok("clair", *found("CVE-1"))])
    assert [200, 200] == [
        (await api.get(report, who, If_None_Match=tag)).status for who, tag in zip(("root", "alice"), tags, strict=True)
    ]


async def test_a_report_is_the_commands_document(api: ApiClient) -> None:
    """As JSON it is read by the core; it has no name that the viewer may not know; other formats are files."""
    answer = await api.get(f"/images/{digest(1)}/report", "alice")
    document = load_document(answer.content.decode())
    (report,) = document.reports
    assert (f"{HOST}/team/app:1.0@{digest(1)}", Verdict.VULNERABLE) == (report.image.reference.text, report.verdict)
    assert ["CVE-1", "CVE-2"] == [one.id for one in report.vulnerabilities]
    assert b"other/base" not in answer.content
    named = await api.get(f"/images/{digest(1)}/report?name={HOST}/other/base:1", "bob")
    assert f"{HOST}/other/base:1@{digest(1)}" == load_document(named.content.decode()).reports[0].image.reference.text
    hidden = await api.get(f"/images/{digest(1)}/report?name={HOST}/other/base:1", "alice")
    assert (200, False) == (hidden.status, b"other/base" in hidden.content)
    sarif = await api.get(f"/images/{digest(1)}/report?format=sarif", "alice")
    assert ("application/sarif+json", "2.1.0") == (
        sarif.headers["Content-Type"].partition(";")[0],
        json.loads(sarif.content)["version"],
    )
    assert sarif.headers["Content-Disposition"].startswith("attachment;")
    html = await api.get(f"/images/{digest(1)}/report?format=html", "alice")
    assert "index.html" in zipfile.ZipFile(io.BytesIO(html.content)).namelist()
    assert (400, "there is no such format") == (await problem(api, f"/images/{digest(1)}/report?format=nope"))


async def test_an_image_that_nobody_has_looked_at_is_an_error_in_its_report(api: ApiClient, store: Store) -> None:
    """There is no report without runs that looks clean."""
    await tagged(store, 4, "team/new:1.0")
    answer = await api.get(f"/images/{digest(4)}/report", "alice")
    document = load_document(answer.content.decode())
    assert ([], ["it was not scanned yet"]) == (list(document.reports), [one.message for one in document.errors])
    assert "unknown" == (await api.get(f"/images/{digest(4)}/verdict", "alice")).json["verdict"]


async def problem(api: ApiClient, path: str, who: str = "root", method: str = "GET", **more: object) -> tuple[int, str]:
    """Return status and detail of an error, which is a problem document whatever it is."""
    answer = await api.ask(method, path, who, **more)  # type: ignore[arg-type]
    assert "application/problem+json" == answer.headers["Content-Type"].partition(";")[0], answer
    assert answer.status == answer.json["status"]
    return answer.status, answer.json.get("detail", "")


async def test_every_error_is_a_problem(api: ApiClient) -> None:
    """Whoever is not known, what there is not, a wrong method, parameter, cursor or body: each says what is wrong."""
    for path, who, method, more, status, said in (
        ("/repositories", "", "GET", {}, 401, "the proxy"),
        ("/nothing", "root", "GET", {}, 404, ""),
        ("/repositories", "root", "DELETE", {"headers": {"Sec_Fetch_Site": "same-origin"}}, 405, ""),
        ("/repositories", "root", "POST", {}, 403, "a program needs a token"),
        ("/repositories?limit=0", "root", "GET", {}, 400, "limit: 1 to 1000"),
        ("/repositories?limits=1", "root", "GET", {}, 400, "there is no parameter 'limits' here"),
        ("/repositories?limit=1&limit=2", "root", "GET", {}, 400, "limit: give it once"),
        ("/repositories?after=x", "root", "GET", {}, 400, "not a cursor"),
        ("/requests?state=x", "root", "GET", {}, 400, "state: one of queued, running"),
        ("/requests/0", "root", "GET", {}, 404, "no such thing"),
        ("/images/latest", "root", "GET", {}, 404, "no such thing"),
    ):
        found_status, detail = await problem(api, path, who, method, **more)  # type: ignore[arg-type]
        assert (status, True) == (found_status, said in detail), (path, detail)


async def test_lists_name_their_next_page(api: ApiClient) -> None:
    """The address of the next page is in a header, the cursor in the document; the last page has neither."""
    first = await api.get("/repositories?limit=2")
    assert ["other/app", "other/base"] == [one["name"] for one in first.json["items"]]
    assert first.headers["Link"] == f'</api/v1/repositories?limit=2&after={first.json["next"]}>; rel="next"'
    last = await api.get(f"/repositories?limit=2&after={first.json['next']}")
    assert (["team/app"], None, False) == (
        [one["name"] for one in last.json["items"]],
        last.json["next"],
        "Link" in last.headers,
    )


async def test_a_program_comes_with_a_token(api: ApiClient, store: Store) -> None:
    """It sees the repositories of the token, and nothing once that is over."""
    async with store.writing() as db:
        token = await create_token(db, "ci", scopes=[Scope.READ], repositories=["other/*"], days=1)
    headers = {"Authorization": f"Bearer {token}"}
    listed = await api.ask("GET", "/repositories", "", headers=headers)
    assert ["other/app", "other/base"] == [one["name"] for one in listed.json["items"]]
    async with store.writing() as db:
        await db.execute(update(tables.tokens).values(expires_at=tables.tokens.c.created_at))
    assert (401, "the token is not valid, or no longer") == await problem(api, "/repositories", "", headers=headers)


async def test_scans_are_asked_for(
    store: Store, database: str, registry: StandInRegistry, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The registry is looked at, a request is there, and its place; only operators may, by any of its addresses."""
    pushed = registry.push("team/app", "1.0", debian_image({"bash": "5"}))
    registry.push("other/app", "1.0", debian_image({"bash": "4"}))
    host = registry.reference("x", "y").partition("/")[0]
    config = tmp_path_factory.mktemp("config") / "config.yml"
    config.write_text(
        f"security: {{dummy: {{server: any}}}}\n"
        f"registries: {{'{host}': {{name: main, insecure: true, pull: 'registry.example'}}}}\n"
    )
    settings, rules = read_server_settings(read_yaml(config), {}), Rules(enabled=("dummy",), policy=load_policy(config))
    async with answering(store, database, rules, settings=settings) as api:
        same = {"Sec_Fetch_Site": "same-origin"}

        async def ask(who: str, image: object, **more: object) -> tuple[int, str]:
            return await problem(api, "/scans", who, "POST", headers=same, json={"image": image, **more})

        answer = await api.ask("POST", "/scans", "bob", headers=same, json={"image": "registry.example/team/app:1.0"})
        assert (202, pushed, "queued", "person", "bob") == (
            *(answer.status, answer.json["digest"], answer.json["state"], answer.json["reason"]),
            answer.json["asked_by"],
        )
        assert f"/api/v1/requests/{answer.json['id']}" == answer.headers["Location"]
        assert answer.json == (await api.get(f"/requests/{answer.json['id']}", "bob")).json
        assert answer.json["id"] in [one["id"] for one in (await api.get("/requests", "bob")).json["items"]]
        assert (403, True) == _has(await ask("alice", f"{host}/team/app:1.0"), "not ask for scans")
        assert (403, True) == _has(await ask("bob", f"{host}/other/app:1.0"), "not ask for scans")
        assert (404, True) == _has(await ask("alice", f"{host}/other/app:1.0"), "may not see it")
        assert (404, True) == _has(await ask("bob", f"{host}/team/app:2.0"), "has no '2.0'")
        assert (400, True) == _has(await ask("bob", "elsewhere.example/team/app:1.0"), "is not a registry that")
        assert (400, True) == _has(await ask("bob", "UPPER"), "")
        assert (400, True) == _has(await ask("bob", 7), "image: expected")
        assert (400, True) == _has(
            await ask("bob", f"{host}/team/app:1.0", scanners=["nope"]), "scanners: a list of dummy"
        )
        assert (400, True) == _has(await ask("bob", f"{host}/team/app:1.0", scanners=[7]), "scanners")
        assert (400, True) == _has(await ask("bob", f"{host}/team/app:1.0", more=1), "expected {")
        broken = await problem(
            api, "/scans", "bob", "POST", headers={**same, "Content_Type": "application/json"}, data=b"{"
        )
        assert (400, True) == _has(broken, "not JSON")
        assert (415, True) == _has(await problem(api, "/scans", "bob", "POST", headers=same, data=b"{"), "JSON")


def _has(found_: tuple[int, str], part: str) -> tuple[int, bool]:
    return found_[0], part in found_[1]
