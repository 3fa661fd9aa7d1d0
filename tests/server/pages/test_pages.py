"""What pages say, to whom, and what they never say: read as HTML, without a browser."""

from __future__ import annotations

import pytest

from .conftest import ADMIN, Reader, person, reading, rows
from .content import HOST, digest_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

APP = f"/r/{HOST}/team/app"
WORKER = f"/r/{HOST}/team/worker"
EVERY_PAGE = (
    *("/", "/?name=app", "/queue", "/queue?state=dead", "/queue?state=done", "/v/CVE-2021-1025", "/v/CVE-2099-1"),
    *(APP, WORKER, f"/r/{HOST}/team/new", f"/r/{HOST}/team/hostile", f"/r/{HOST}/team/hostile:1"),
    *(f"{APP}:1.0", f"{APP}:2.0", f"{APP}:1.0?severity=high&fixable=1&page=2", f"/r/{HOST}/team/multi:1"),
)


async def test_repositories(usual: Reader) -> None:
    """Each repository has a row with its tags, the worst that was found, and how many images are not known."""
    page = await usual.get("/")
    found = {row[0].split()[0]: row[1:4] for row in rows(page)}
    assert ["4 tags", "critical", "1 vulnerable 2 passed"] == found["team/app"]
    assert ["4 tags", "not known", "4 unknown"] == found["team/worker"]
    assert ["1 tag", "not known", "1 unknown"] == found["team/old"]
    assert ["team/app pull.example"] == [row[0] for row in rows(await usual.get("/?name=APP"))]


async def test_security_in_the_words_of_portus(usual: Reader) -> None:
    """A row a digest, in Portus' words and those for what is not known; passed is only what all scanners passed."""
    app = {row[0]: row[-1] for row in rows(await usual.get(APP))}
    assert "4 Critical - 55 total there may be more: zypper has not answered" == app["latest 1.0"]
    assert "Passed" == app["2.0"]
    assert "Passed zypper's last try failed, its answer before is shown" == app["3.0"]
    worker = {row[0]: row[-1] for row in rows(await usual.get(WORKER))}
    assert "Unsupported zypper can't read it" == worker["1.0"]
    assert worker["1.1"].startswith("Incomplete trivy did not see all of it")
    assert "Failed zypper has not answered" == worker["1.2"]
    assert "Unknown trivy says that the support of the distribution has ended" == worker["1.3"]
    new = {row[0]: row[-1] for row in rows(await usual.get(f"/r/{HOST}/team/new"))}
    assert {"queued": "Pending", "running": "In progress", "dead": "Failed", "unseen": "Unknown"} == new
    assert ["Outdated"] == [row[-1].split()[0] for row in rows(await usual.get(f"/r/{HOST}/team/old"))]


async def test_a_tag(usual: Reader) -> None:
    """The last answer and a failed last try are both there, with who found what, the fix, links, and the history."""
    page = await usual.get(f"{APP}:1.0")
    assert 55 == len(page.rows)
    runs = [one.text for one in page.root.all("li", "run")]
    assert any("zypper failed its last try http://zypper.example:8080 can't be reached" in one for one in runs)
    text = page.root.text
    assert "Found by clair; not by trivy; could not look: zypper" in text
    assert "2.36-9+deb12u4.1" in text
    hrefs = {one.attributes.get("href") for one in page.root.all("a")}
    assert {"https://nvd.nist.gov/vuln/detail/CVE-2021-1005", "/v/CVE-2021-1005"} <= hrefs
    assert f"{APP}@{digest_of(1)}" in hrefs
    assert 0 == len(page.root.all("span", "w-passed"))


async def test_the_answer_stays_when_a_try_fails(usual: Reader) -> None:
    """Passed stays what it was after a failed try, and both the answer and the try are told."""
    page = await usual.get(f"{APP}:3.0")
    runs = [one.text for one in page.root.all("li", "run") if "zypper" in one.text]
    assert runs[0].startswith("zypper ok its answer")
    assert runs[1].startswith("zypper failed its last try")
    assert "None found." in page.root.text


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("severity=high", 16),
        ("by=trivy", 40),
        ("fixable=1", 28),
        ("text=openssl", 11),
        ("severity=critical&by=clair&text=nothing", 0),
        ("severity=none&page=x&suppressed=y", 55),
        ("page=2", 0),
    ],
)
async def test_filters_are_in_the_address(usual: Reader, query: str, number: int) -> None:
    """An address shows the same rows to everybody; what is not valid in it is as if it were not there."""
    assert number == len((await usual.get(f"{APP}:1.0?{query}")).rows)


async def test_new_since_the_last_answer(usual: Reader) -> None:
    """What the answer before did not have is marked, and can be shown alone."""
    page = await usual.get(f"/r/{HOST}/team/twice:1?new=1")
    assert {"CVE-2025-1009", "CVE-2016-1010"} == {row[1].split()[0] for row in rows(page)}
    assert ["new", "new"] == [one.text for row in page.rows for one in row.all("span", "badge")]
    assert 9 == len((await usual.get(f"/r/{HOST}/team/twice:1")).rows)


async def test_suppressions(usual: Reader) -> None:
    """What a rule suppresses is shown with the rule, by whom and why, and can be shown alone."""
    page = await usual.get(f"/r/{HOST}/team/twice:1?suppressed=only")
    (row,) = page.rows
    assert "Suppressed by suppressions.yml:3 (ada@example.com): the code is not reached" in row.text
    assert "1 of them is suppressed" in page.root.text
    assert 8 == len((await usual.get(f"/r/{HOST}/team/twice:1?suppressed=no")).rows)


async def test_an_index(usual: Reader) -> None:
    """An index has a row for each of its images, which have pages, and its vulnerabilities say in which they are."""
    page = await usual.get(f"/r/{HOST}/team/multi:1")
    cells = [
        [one.text for one in row.children] for table in page.root.all("table", "members") for row in table.all("tr")
    ]
    assert [["linux/amd64", "Passed"], ["linux/arm64", "1 Critical - 3 total"]] == [
        [row[0], row[2]] for row in cells[1:]
    ]
    other = await usual.get(f"/r/{HOST}/team/multi@{digest_of(14_001)}")
    assert 3 == len(other.rows)


async def test_where_a_vulnerability_is(usual: Reader) -> None:
    """By its id or an alias, in any case: which images have it, in which package, who says so, and what it is."""
    for name in ("GHSA-0020-aaaa-bbbb", "cve-2016-1020"):
        page = await usual.get(f"/v/{name}")
        (row,) = rows(page)
        assert "team/app:1.0" in row[0]
        assert "team/app:latest" in row[0]
        assert ["medium", "openssl 1.0.2h-1+deb8u5", "none known", "clair, trivy"] == row[1:5]
        assert "Multiple memory leaks" in page.root.text
    nowhere = await usual.get("/v/CVE-1999-1")
    assert "That says nothing of images that were not scanned" in nowhere.root.text
    async with usual.client.get("/v?id=CVE-2021-44228", headers=ADMIN, allow_redirects=False) as response:
        assert (303, "/v/CVE-2021-44228") == (response.status, response.headers["Location"])


async def test_the_queue(usual: Reader) -> None:
    """Requests are there by their states, with why they were asked for and what has become of them."""
    running = rows(await usual.get("/queue"))
    assert [["In progress", "pushed"], ["Not synced yet", "never whole"]] == [row[1:3] for row in running]
    dead = next(row for row in rows(await usual.get("/queue?state=dead")) if "team/new" in row[0])
    assert "its process died 3 times while nothing else ran" in dead[4]


async def test_pages_refresh_while_something_runs(usual: Reader) -> None:
    """Only a page on which something is being scanned is read again by itself, unless its reader does not want it."""
    refreshed = {}
    for path in (f"/r/{HOST}/team/new", f"/r/{HOST}/team/new?refresh=off", f"/r/{HOST}/team/new:queued", APP, "/queue"):
        metas = (await usual.get(path)).root.all("meta")
        refreshed[path.rpartition("/")[2]] = [
            one.attributes["content"] for one in metas if "http-equiv" in one.attributes
        ]
    assert {"new": ["10"], "new?refresh=off": [], "new:queued": ["10"], "app": [], "queue": ["10"]} == refreshed


async def test_who_may_see_what(usual: Reader) -> None:
    """Somebody sees the repositories of their role alone: elsewhere there is nothing, not even that it exists."""
    workers = person("workers")
    assert ["team/worker pull.example"] == [row[0] for row in rows(await usual.get("/", headers=workers))]
    for path in (APP, f"{APP}:1.0", f"{APP}@{digest_of(2)}", f"{WORKER}@{digest_of(2)}"):
        page = await usual.get(path, headers=workers, status=404)
        assert "that you may see" in page.root.text
    assert [] == rows(await usual.get("/v/CVE-2016-1020", headers=workers))
    queue = (await usual.get("/queue?state=dead", headers=workers)).root.text
    assert "No request that you may see is dead." in queue
    assert 4 == len((await usual.get(WORKER, headers=workers)).rows)
    async with usual.client.get("/") as response:
        assert 401 == response.status


@pytest.mark.parametrize("path", EVERY_PAGE)
async def test_attacks_stay_text(usual: Reader, path: str) -> None:
    """Whatever images, scanners, people and addresses say, no page has an element, an attribute or a link of theirs."""
    attacked = (
        f"{path}{'&' if '?' in path else '?'}text=%22%3E%3Cscript%3E&name=%22%3E%3Cimg%20src=x%3E&by=%22%20onload=1"
    )
    for address in (path, attacked):
        page = await usual.get(address)
        tags = {one.tag for one in page.root.all()}
        assert set() == tags & {"script", "img", "iframe", "object", "embed", "base", "textarea", "style"}
        attributes = {name for one in page.root.all() for name in one.attributes}
        assert set() == {name for name in attributes if name.startswith("on")} | (attributes & {"style", "srcdoc"})
        targets = [
            one.attributes[name] for one in page.root.all() for name in ("href", "action") if name in one.attributes
        ]
        assert [] == [one for one in targets if not one.startswith(("/", "#", "https://nvd.nist.gov/"))]
        assert [] == [char for char in "\u202e\u2066\x00\x1b" if char in page.root.text]


async def test_asking_for_a_scan(usual: Reader) -> None:
    """An operator may ask by a button and a form, nobody else; another site's page can't let anybody ask."""
    for groups, buttons in (("operators", 1), ("team", 0)):
        page = await usual.get(f"{APP}:1.0", headers=person(groups))
        assert buttons == len(page.root.all("form", "ask"))
    reference = {"reference": f"{HOST}/team/app:1.0"}
    assert (303, f"{APP}:1.0") == await usual.post("/ask", person("operators"), **reference)
    assert 403 == (await usual.post("/ask", person("team"), **reference))[0]
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        assert 403 == (await usual.post("/ask", {**person("operators"), **headers}, **reference))[0]
    assert 404 == (await usual.post("/ask", ADMIN, reference=f"{HOST}/team/app:gone"))[0]
    assert 400 == (await usual.post("/ask", ADMIN, reference="<script>"))[0]
    assert [("team/app:1.0", "ada")] == usual.intake.asked


async def test_under_a_prefix(usual: Reader) -> None:
    """An application that is mounted somewhere leads to its own pages there, and finds its style."""
    async with reading(usual.store, usual.address, prefix="/scan") as reader:
        for path in ("/scan/", f"/scan{APP}:1.0", "/scan/queue"):
            page = await reader.get(path)
            addresses = [one.attributes.get(name) for one in page.root.all() for name in ("href", "action", "src")]
            ours = [one for one in addresses if one and not one.startswith(("#", "https://"))]
            assert [] == [one for one in ours if not one.startswith("/scan/")]
        (style,) = [one.attributes["href"] for one in page.root.all("link")]
        async with reader.client.get(style, headers=ADMIN) as response:
            assert (200, "text/css") == (response.status, response.content_type)
            assert "immutable" in response.headers["Cache-Control"]


async def test_a_registry_has_several_names(usual: Reader) -> None:
    """Whichever name of a registry is in an address, it is the configured one's page, which shows where to pull."""
    pages = [await usual.get(f"/r/{host}/team/app:2.0") for host in (HOST, "pull.example", "old.example")]
    assert {"team/app :2.0 pull.example"} == {page.root.all("h1")[0].text for page in pages}
    (form,) = pages[1].root.all("form", "ask")
    assert [f"{HOST}/team/app:2.0"] == [one.attributes["value"] for one in form.all("input")]
