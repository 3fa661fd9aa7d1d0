"""The server is asked for exactly one image, and for a name that may mean another one last of all."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve
from portus_images import Registry
from portus_scanner_zypper_docker import ZypperDockerScanner, ZypperDockerSettings
from portus_scanner_zypper_docker.questions import questions_for
from portus_scanners import LocalImage, LocalReference, Outcome, Platform, UnsupportedImageError
from portus_scanners_testing import RecordingContext, StandInContext, StandInRegistry, open_engine
from portus_scanners_testing.images import (
    DOCKER_SCHEMA1,
    digest_of,
    filler_layer,
    make_image,
    make_index,
    write_docker_archive,
)
from standins.zypper_docker import StandInZypperDocker, failed, patch, scanned

from .conftest import ID, NAME, image_of

OLD, NEW = make_image(filler_layer("old")), make_image(filler_layer("new"))
ARM = make_image(filler_layer("new"), architecture="arm64")
AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")
VULNERABLE = scanned(patch("p", summary="Security update for curl"))
A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64


async def end_of(
    server: StandInZypperDocker, registry: StandInRegistry, *, wanted: Platform = AMD64, daemon: Platform = AMD64
) -> tuple[str, str]:
    """Return the outcome of a scan of ``team/app:1``, and why it is none that is complete."""
    values = {"server": server.url, "platform": str(daemon)}
    async with Registry() as client, open_engine(ZypperDockerScanner, values, registry=client) as engine:
        (run,) = (await engine.scan(registry.reference("team/app", "1"), platform=wanted)).results
    return run.outcome.value, run.error or ""


@pytest.mark.parametrize("classic", [True, False], ids=["classic", "containerd"])
async def test_a_pushed_image_is_not_the_one_that_docker_had(
    server: StandInZypperDocker, registry: StandInRegistry, classic: bool
) -> None:
    """By its tag the old image would be scanned: found under the tag alone, the report is incomplete."""
    name = registry.reference("team/app", "1")
    registry.push("team/app", "1", NEW)
    server.pull(name, OLD, scanned(), classic=classic)
    outcome, why = await end_of(server, registry)
    assert ("incomplete", True) == (outcome, "may be the image of before a push" in why)
    server.pull(name, NEW, VULNERABLE, classic=classic)
    assert ("ok", "") == await end_of(server, registry)
    server.pull(name, OLD, scanned(), classic=classic)  # the new one has lost its tag
    assert ("ok", "") == await end_of(server, registry)


async def test_the_questions_and_their_order(server: StandInZypperDocker, registry: StandInRegistry) -> None:
    """The id, the manifest's digest, the index's, the tag: each after ``No such image`` alone."""
    index = make_index(NEW, ARM)
    registry.push("team/app", "1", index)
    name = registry.reference("team/app", "1")
    outcome, why = await end_of(server, registry)
    repository = name.removesuffix(":1")
    expected = [digest_of(NEW.config), f"{repository}@{NEW.digest}", f"{repository}@{index.digest}", name]
    assert (expected, "failed") == (server.asked, outcome)
    assert "pull it there" in why


@pytest.mark.parametrize(
    "answer",
    [
        failed("command exited with status 4"),
        failed("Error response from daemon: invalid reference format"),
        failed("Error response from daemon: conflict: there is no such image of that platform"),
        failed("no image name specified"),
        failed("Error: No such image: x", status=403),
    ],
)
async def test_another_failure_is_not_followed_by_a_question(server: StandInZypperDocker, answer: object) -> None:
    """What failed for the exact image is that image's result, whatever the tag would give."""
    server.script(ID, answer)  # type: ignore[arg-type]
    server.script(NAME, scanned())
    async with RecordingContext() as context:
        with pytest.raises(Exception, match=r"server|zypper"):
            await ZypperDockerScanner(ZypperDockerSettings(server=server.url), context).scan(image_of())
    assert [ID] == server.asked


INDEXES = [
    (AMD64, AMD64, "ok", ""),
    (ARM64, AMD64, "incomplete", "pulled of the index for linux/amd64"),
    (ARM64, ARM64, "ok", ""),
    (AMD64, ARM64, "incomplete", "pulled of the index for linux/arm64"),
]


@pytest.mark.parametrize(("wanted", "daemon", "outcome", "why"), INDEXES)
async def test_the_index_is_exact_for_the_daemons_own_platform(
    server: StandInZypperDocker,
    registry: StandInRegistry,
    wanted: Platform,
    daemon: Platform,
    outcome: str,
    why: str,
) -> None:
    """With the containerd store, the daemon knows the index alone, and has of it the image of its own platform."""
    index = make_index(NEW, ARM)
    registry.push("team/app", "1", index)
    server.pull(registry.reference("team/app", "1"), NEW, scanned(), index=index, classic=False)
    ended = await end_of(server, registry, wanted=wanted, daemon=daemon)
    assert (outcome, True) == (ended[0], why in ended[1]), ended


def test_the_platform_of_a_daemon_elsewhere_is_not_known() -> None:
    """Unless the settings say it; on this machine it is the machine's own."""
    own = ZypperDockerSettings(server="http://localhost:3000").daemon_platform
    assert own == ZypperDockerSettings(server="http://[::1]:3000").daemon_platform
    assert own == ZypperDockerSettings(server="http://127.0.0.2").daemon_platform
    assert "linux" == str(own)[:5]
    elsewhere = ZypperDockerSettings(server="http://zypper.example:3000")
    assert (None, ARM64) == (elsewhere.daemon_platform, evolve(elsewhere, platform="linux/arm64").daemon_platform)
    image = evolve(image_of(), index_digest=B, index_platform=AMD64)
    (doubt,) = (one.doubt for one in questions_for(image, elsewhere.daemon_platform) if one.asked.endswith(B))
    assert "set `platform`" in doubt


@pytest.mark.parametrize(
    ("reference", "asked"),
    [
        ("alpine", [ID, f"alpine@{A}", "alpine:latest"]),
        ("grafana/grafana:9", [ID, f"grafana/grafana@{A}", "grafana/grafana:9"]),
        ("r.example:5000/a/b:1.0", [ID, f"r.example:5000/a/b@{A}", "r.example:5000/a/b:1.0"]),
        (f"r.example/a@{A}", [ID, f"r.example/a@{A}"]),
        (f"r.example/a:1@{A}", [ID, f"r.example/a@{A}", "r.example/a:1"]),
    ],
)
def test_names_are_those_of_a_docker_daemon(reference: str, asked: list[str]) -> None:
    """As it shortens them; who gives a digest alone means no tag."""
    assert asked == [question.asked for question in questions_for(image_of(reference), AMD64)]


async def test_names_are_percent_encoded(server: StandInZypperDocker) -> None:
    """An unescaped ``+`` would arrive as a space."""
    server.script(NAME, scanned())
    async with RecordingContext() as context:
        await ZypperDockerScanner(ZypperDockerSettings(server=server.url), context).scan(image_of())
    assert f"/images?image=sha256%3A{'c' * 64}" == server.targets[0]
    assert "/images?image=registry.example.com%3A5000%2Fteam%2Fapp%3A1.0" == server.targets[-1]


def test_schema_1_has_no_id() -> None:
    """Such an image has no configuration: the manifest's digest is asked for first."""
    image = evolve(image_of(), config_digest=None, media_type=DOCKER_SCHEMA1)
    assert f"registry.example.com:5000/team/app@{A}" == questions_for(image, AMD64)[0].asked


async def test_an_archive_is_asked_for_by_its_id(server: StandInZypperDocker, tmp_path: Path) -> None:
    """A Docker daemon that has loaded it knows it by nothing else for sure."""
    write_docker_archive(tmp_path / "image.tar", {"team/app:1": NEW})
    server.pull("team/app:1", NEW, VULNERABLE)
    async with open_engine(ZypperDockerScanner, {"server": server.url}) as engine:
        (run,) = (await engine.scan(f"docker-archive:{tmp_path}/image.tar:team/app:1")).results
    assert (Outcome.OK, [digest_of(NEW.config)]) == (run.outcome, server.asked)


async def test_a_local_image_without_a_configuration_is_unsupported() -> None:
    """The server is not even asked."""
    scanner = ZypperDockerScanner(ZypperDockerSettings(server="http://zypper.example"), StandInContext())
    local = {"reference": LocalReference.parse("oci:dir"), "local": LocalImage(form="oci", path="/dir")}
    with pytest.raises(UnsupportedImageError, match="no configuration"):
        await scanner.scan(evolve(image_of(), config_digest=None, **local))
