"""What lies in a registry beside images: counted and said, no fault, and never a place to hide an image in."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from portus_scanners import load_document
from portus_scanners_testing import Reply, ScriptedServer, StandInRegistry
from portus_scanners_testing.images import (
    BuiltImage,
    filler_layer,
    make_artifact,
    make_attestation,
    make_helm_chart,
    make_image,
)

from ..conftest import Ended, run_here

Config = Callable[..., str]
APP, HIDDEN = make_image(filler_layer("app")), make_image(filler_layer("hidden"))
SIGNATURE = make_artifact(APP, "application/vnd.dev.cosign.artifact.sig.v1+json", b"{}")


@pytest.fixture
def walk(config: Config, tmp_path: Path) -> Callable[..., Awaitable[tuple[Ended, list[str]]]]:
    """``await walk(host, "--option")`` walks a registry, and returns how it ended and the names of what was scanned."""

    async def run(host: str, *options: str) -> tuple[Ended, list[str]]:
        path = tmp_path / "r.jsonl"
        path.unlink(missing_ok=True)
        arguments = ("registry", host, "--config", config(), "--results", str(path), *options)
        ended = await run_here(*arguments)
        reports = load_document(path.read_bytes()).reports
        return ended, sorted(report.image.reference.text.removeprefix(f"{host}/") for report in reports)

    return run


Walk = Callable[..., Awaitable[tuple[Ended, list[str]]]]


@pytest.fixture
async def registry() -> AsyncIterator[StandInRegistry]:
    """A registry with an image, and what is no image."""
    async with StandInRegistry() as server:
        server.push("team/app", "1", APP)
        server.push("team/app", "sha256-x.sig", SIGNATURE)
        server.push("team/app", "sha256-x.att", make_attestation(APP))
        server.push("charts/app", "1", make_helm_chart())
        yield server


@pytest.mark.parametrize("options", [[], ["--fail-on", "defcon1"]])
async def test_artifacts_are_counted_and_no_fault(registry: StandInRegistry, walk: Walk, options: list[str]) -> None:
    """A line each, and their kinds in the summary; neither the exit code nor the gate asks for scanners' answers.

    ``team/app`` has a fourth tag: the list of what refers to the image, which clients keep.
    """
    ended, scanned = await walk(registry.host, *options)
    assert (0, "", ["team/app:1"]) == (ended.code, ended.stderr, scanned)
    assert "1 image: 1 vulnerable\n" in ended.stdout
    assert "4 tags not of images, and not scanned: 1 Helm chart, 1 attestation, 2 signatures\n" in ended.stdout
    assert 4 == ended.stdout.count("  passed over: it is ")


async def test_an_image_under_the_tag_of_a_signature_is_scanned(registry: StandInRegistry, walk: Walk) -> None:
    """Anybody could push one there."""
    registry.push("team/app", "sha256-x.sig", HIDDEN)
    ended, scanned = await walk(registry.host)
    assert (0, ["team/app:1", "team/app:sha256-x.sig"]) == (ended.code, scanned)


async def test_artifacts_alone_are_not_a_scanned_registry(walk: Walk) -> None:
    """No scanner has looked into anything."""
    async with StandInRegistry() as server:
        server.push("charts/app", "1", make_helm_chart())
        ended, scanned = await walk(server.host)
    assert (4, [], "") == (ended.code, scanned, ended.stderr)


async def test_an_artifact_is_not_pulled_again(registry: StandInRegistry, walk: Walk, tmp_path: Path) -> None:
    """With --since-file the second walk asks for nothing but heads, and counts the same."""
    since = ("--since-file", str(tmp_path / "since"))
    await walk(registry.host, *since)
    registry.requests.clear()
    ended, scanned = await walk(registry.host, *since)
    asked = [request for request in registry.requests if request.path.count("/") > 3 and "tags" not in request.path]
    assert (0, [], {"HEAD"}) == (ended.code, scanned, {request.method for request in asked})
    assert "1 more image unchanged since the last time, and not scanned\n4 tags not of images" in ended.stdout


async def test_a_tag_that_has_moved_is_scanned_and_the_others_cost_a_head(
    registry: StandInRegistry, walk: Walk, tmp_path: Path
) -> None:
    """Only the one that moved is pulled."""
    since = ("--since-file", str(tmp_path / "since"))
    await walk(registry.host, *since)
    registry.push("team/app", "1", HIDDEN)
    registry.requests.clear()
    ended, scanned = await walk(registry.host, *since)
    pulled = [
        request.path for request in registry.requests if "/manifests/" in request.path and request.method == "GET"
    ]
    assert (0, ["team/app:1"], ["/v2/team/app/manifests/1"]) == (ended.code, scanned, pulled)


UNKNOWN = json.dumps({"errors": [{"code": "NAME_UNKNOWN", "message": "repository name not known to registry"}]})


def script(server: ScriptedServer, tags: dict[str, Any], images: dict[str, BuiltImage]) -> str:
    """Let a server list these repositories with their tags (None: it knows none of this name), and return its host."""
    server.script("/v2/", {})
    server.script("/v2/_catalog", {"repositories": sorted(tags)})
    for name, listed in tags.items():
        unknown = Reply(status=404, body=UNKNOWN.encode())
        server.script(f"/v2/{name}/tags/list", unknown if listed is None else {"name": name, "tags": listed})
    for path, image in images.items():
        server.script(f"/v2/{path}", image.manifest, content_type=image.media_type)
    return server.url.removeprefix("http://")


async def test_repositories_without_a_tag_are_counted_and_no_fault(walk: Walk) -> None:
    """A push that was aborted leaves a name in the list; so does the last tag that was deleted."""
    async with ScriptedServer() as server:
        host = script(server, {"app": ["1"], "aborted": None, "deleted": []}, {"app/manifests/1": APP})
        ended, scanned = await walk(host)
    assert (0, "", ["app:1"]) == (ended.code, ended.stderr, scanned)
    assert "2 repositories without a tag: aborted, deleted\n" in ended.stdout


async def test_a_repository_that_a_user_names_has_to_be_there(walk: Walk, tmp_path: Path) -> None:
    """It may be misspelt."""
    (tmp_path / "list").write_text("app\naborted\n")
    async with ScriptedServer() as server:
        host = script(server, {"app": ["1"], "aborted": None}, {"app/manifests/1": APP})
        ended, scanned = await walk(host, "--repositories", str(tmp_path / "list"))
    assert (3, ["app:1"], True) == (ended.code, scanned, "NAME_UNKNOWN" in ended.stdout)


@pytest.mark.parametrize("tags", [["1"], []])
async def test_a_digest_among_the_tags_is_scanned_unless_a_tag_points_to_it(walk: Walk, tags: list[str]) -> None:
    """Of this walk: one that is not wanted, or can't be had, shows nobody what is behind the digest."""
    images = {
        "app/manifests/1": APP,
        "app/manifests/2": HIDDEN,
        f"app/manifests/{APP.digest}": APP,
        f"app/manifests/{HIDDEN.digest}": HIDDEN,
    }
    async with ScriptedServer() as server:
        host = script(server, {"app": [APP.digest, *tags, HIDDEN.digest]}, images)
        ended, scanned = await walk(host)
    left = [digest for digest, tag in ((APP.digest, "1"), (HIDDEN.digest, "2")) if tag not in tags]
    assert (0, sorted([*(f"app:{tag}" for tag in tags), *(f"app@{digest}" for digest in left)])) == (
        ended.code,
        scanned,
    )
    assert (f"{len(tags)} digest" in ended.stdout) == bool(tags)


async def test_an_image_of_a_digest_goes_on_after_an_interruption(walk: Walk, config: Config, tmp_path: Path) -> None:
    """What a finished tag points to is not scanned again under its digest."""
    images = {"app/manifests/1": APP, f"app/manifests/{APP.digest}": APP}
    async with ScriptedServer() as server:
        host = script(server, {"app": ["1", APP.digest]}, images)
        await walk(host)
        path = tmp_path / "r.jsonl"
        ended = await run_here("registry", host, "--config", config(), "--resume", str(path))
    assert (0, 1) == (ended.code, len(load_document(path.read_bytes()).reports))
    assert "1 digest among the tags" in ended.stdout
