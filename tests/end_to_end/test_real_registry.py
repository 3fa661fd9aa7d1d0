"""The whole way: a real Docker registry filled by skopeo, the real command, every kind of image.

Clair is its stand-in: the real one can't be installed here.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from attrs import frozen
from portus_images import Registry
from portus_scanners import Reference, load_settings
from portus_scanners_testing.images import (
    OCI_INDEX,
    BuiltImage,
    alpine_image,
    alpine_layer,
    debian_image,
    debian_layer,
    dpkg_layer,
    empty_layer,
    filler_layer,
    make_artifact,
    make_helm_chart,
    make_image,
    make_index,
    many_layers_image,
    static_binary_image,
)
from portus_scanners_testing.registry import describe_referrers
from standins.clair import StandInClair
from standins.docker_registry import Auth, DockerRegistry
from yarl import URL

from .command import Ended, portus_scan, write_config

pytestmark = [pytest.mark.real_registry, pytest.mark.usefixtures("real_registry_programs")]

BASE = {"bash": "5.2-1", ("libc6", "glibc"): "2.36-9", "tar": "1.34"}


@frozen
class House:
    """A registry, a Clair and the command that knows both."""

    registry: DockerRegistry
    clair: StandInClair
    config: str

    async def scan(self, *tags: str, options: tuple[str, ...] = ()) -> Ended:
        """Scan images of the repository ``team/app``."""
        references = [self.registry.reference("team/app", tag) for tag in tags]
        return await portus_scan("image", "--config", self.config, "-o", "json", *options, *references)

    async def push(self, tag: str, image: Any, **options: Any) -> None:
        """Push an image to ``team/app``."""
        await self.registry.push("team/app", tag, image, **options)


@pytest.fixture(params=["open"])
async def house(request: pytest.FixtureRequest, clair: StandInClair, tmp_path: Path) -> AsyncIterator[House]:
    """A registry in the mode that the test asks for; its credentials are in the configuration."""
    auth: Auth = request.param
    async with DockerRegistry(auth=auth) as registry:
        registries = {}
        if registry.credentials:
            username, password = registry.credentials
            registries = {registry.host: {"username": username, "password": password}}
        security = {"clair": {"server": clair.url, "health_port": clair.health_port}, "dummy": {"server": ""}}
        yield House(registry, clair, write_config(tmp_path / "config.yml", security, registries))


def found(report: dict[str, Any]) -> set[tuple[str, str, str]]:
    """Return id, severity and package of each merged vulnerability."""
    return {(one["id"], one["severity"], one["package"]["name"]) for one in report["vulnerabilities"]}


@pytest.mark.parametrize("house", ["open", "htpasswd", "token"], indirect=True)
async def test_images_of_every_depth_in_every_kind_of_registry(house: House) -> None:
    """Debian-like images of 1, 5 and 30 layers and an Alpine-like one are scanned layer by layer, parents first."""
    depths = {"one": 1, "five": 5, "thirty": 30}
    for tag, depth in depths.items():
        await house.push(tag, many_layers_image(debian_layer(BASE), depth, name=tag))
    await house.push("alpine", alpine_image({"musl": "1.2.4-r2"}))
    ended = await house.scan(*depths, "alpine")
    assert (0, "") == (ended.code, ended.stderr)
    *debians, alpine = ended.document["reports"]
    expected = {
        ("CVE-2099-0001", "high", "bash"),
        ("CVE-2099-0002", "defcon1", "glibc"),
        ("CVE-2099-0003", "low", "tar"),
    }
    assert [expected] * 3 == [found(report) for report in debians]
    assert list(depths.values()) == [len(report["image"]["layers"]) for report in debians]
    assert {("CVE-2099-0030", "critical", "musl")} == found(alpine)
    assert ["vulnerable"] * 4 == [report["verdict"] for report in ended.document["reports"]]
    assert {"linux/amd64"} == {report["image"]["platform"] for report in ended.document["reports"]}


async def test_a_fix_and_a_link_arrive(house: House) -> None:
    """What Clair says of a vulnerability is in the finding: the fix as a list, the link, the package's version."""
    await house.push("one", debian_image(BASE))
    ended = await house.scan("one")
    (run,) = ended.document["reports"][0]["results"]
    by_id = {finding["id"]: finding for finding in run["report"]["findings"]}
    assert (["5.2-2"], ["https://a.example"]) == (by_id["CVE-2099-0001"]["fixed_by"], by_id["CVE-2099-0001"]["links"])
    assert ([], "debian:12") == (by_id["CVE-2099-0003"]["fixed_by"], by_id["CVE-2099-0003"]["package"]["namespace"])
    assert ended.document["reports"][0]["image"]["layers"][0]["digest"] == by_id["CVE-2099-0001"]["layer"]


async def test_two_images_that_share_an_upper_layer_get_their_own_results(house: House) -> None:
    """The same layer on a vulnerable and on a clean base: each image has its own answer, in either order."""
    shared = filler_layer("shared")
    await house.push("bad", make_image(debian_layer({"bash": "5.2-1"}), shared))
    await house.push("good", make_image(debian_layer({"bash": "5.2-9"}), shared))
    ended = await house.scan("bad", "good", "bad")
    assert ["vulnerable", "clean", "vulnerable"] == [report["verdict"] for report in ended.document["reports"]]


async def test_upgrades_and_empty_layers_count(house: House) -> None:
    """Empty layers in between lose nothing; an upper layer that upgrades a package fixes the image."""
    fixed = dpkg_layer({"bash": "5.2-9"})
    await house.push("fixed", make_image(debian_layer({"bash": "5.2-1"}), empty_layer(), fixed, empty_layer()))
    await house.push(
        "not-fixed",
        make_image(debian_layer({"bash": "5.2-9"}), empty_layer(), dpkg_layer({"bash": "5.2-1"}), empty_layer()),
    )
    ended = await house.scan("fixed", "not-fixed")
    assert ["clean", "vulnerable"] == [report["verdict"] for report in ended.document["reports"]]


async def test_an_index_is_scanned_for_the_platform_asked_for(house: House) -> None:
    """Of an OCI index with attestations --platform chooses the image; a platform that is not there is an error."""
    arm = make_image(alpine_layer({"musl": "1.2.4-r2"}), form="oci", architecture="arm64")
    await house.push("multi", make_index(make_image(debian_layer(BASE), form="oci"), arm, attestation=True))
    ended = await house.scan("multi", options=("--platform", "linux/arm64"))
    report = ended.document["reports"][0]
    assert (arm.digest, "linux/arm64") == (report["image"]["digest"], report["image"]["platform"])
    missing = await house.scan("multi", options=("--platform", "linux/s390x"))
    assert 4 == missing.code
    assert "linux/arm64" in missing.document["errors"][0]["message"]


async def test_an_oci_image_by_digest(house: House) -> None:
    """An OCI image is found by its digest as well as by its tag."""
    image = debian_image(BASE, form="oci")
    await house.push("oci", image)
    ended = await house.scan("oci", image.digest)
    assert [image.digest] * 2 == [report["image"]["digest"] for report in ended.document["reports"]]
    assert [{"clair": "ok"}] * 2 == ended.outcomes


async def test_what_nobody_can_read_is_unsupported(house: House) -> None:
    """A Helm chart and a bare binary are unsupported with a reason, never clean."""
    await house.push("chart", make_helm_chart())
    await house.push("binary", static_binary_image())
    ended = await house.scan("chart", "binary")
    assert 4 == ended.code
    assert [{"clair": "unsupported"}] * 2 == ended.outcomes
    assert {"unknown"} == {report["verdict"] for report in ended.document["reports"]}
    reasons = [report["results"][0]["error"] for report in ended.document["reports"]]
    assert ("Helm" in reasons[0], "nothing" in reasons[1]) == (True, True), reasons


async def test_schema_1_is_scanned_like_any_other(house: House) -> None:
    """What skopeo makes of an image for old registries: the same findings, layers base first, no configuration."""
    image = make_image(debian_layer({"bash": "5.2-9"}), dpkg_layer(BASE))
    await house.push("schema1", image, format="v2s1")
    await house.push("schema2", image)
    ended = await house.scan("schema1", "schema2")
    old, new = ended.document["reports"]
    assert (0, found(new)) == (ended.code, found(old))
    assert (None, "linux/amd64") == (old["image"].get("config_digest"), old["image"]["platform"])
    digests = [[layer["digest"] for layer in report["image"]["layers"]] for report in (old, new)]
    assert digests[1] == [digest for digest in digests[0] if digest in digests[1]]


async def test_every_platform_of_an_index_has_its_report(house: House) -> None:
    """With --platform all: each image with its own findings; BuildKit's attestations say what they are."""
    debian = make_image(debian_layer(BASE), form="oci")
    arm = make_image(alpine_layer({"musl": "1.2.4-r2"}), form="oci", architecture="arm64")
    await house.push("multi", make_index(debian, arm, attestation=True))
    ended = await house.scan("multi", options=("--platform", "all"))
    images = [report["image"] for report in ended.document["reports"]]
    assert [debian.digest, arm.digest] == [image["digest"] for image in images[:2]]
    assert [{"clair": "ok"}] * 2 + [{"clair": "unsupported"}] * 2 == ended.outcomes
    assert ({("CVE-2099-0030", "critical", "musl")}, 3) == (found(ended.document["reports"][1]), ended.code)
    assert [True, True] == ["attestation" in image["unsupported"] for image in images[2:]]


async def upload(http: aiohttp.ClientSession, repository: str, artifact: BuiltImage, tag: str, index: bytes) -> None:
    """Push an artifact, and the list of them under its tag, as ``oras attach`` does; skopeo can't."""
    for digest, data in artifact.blobs.items():
        async with http.post(f"{repository}/blobs/uploads/") as begun:
            place = URL(begun.headers["Location"]).update_query(digest=digest)
        async with http.put(place, data=data, raise_for_status=True):
            pass
    for name, body, kind in ((artifact.digest, artifact.manifest, artifact.media_type), (tag, index, OCI_INDEX)):
        headers = {"Content-Type": kind}
        async with http.put(f"{repository}/manifests/{name}", data=body, headers=headers, raise_for_status=True):
            pass


async def test_what_refers_to_an_image_is_found_by_its_tag(house: House, http: aiohttp.ClientSession) -> None:
    """Distribution 2.8 has no API for referrers: the list is under the tag where clients put it."""
    image = debian_image(BASE, form="oci")
    sbom = make_artifact(image, "application/spdx+json", b'{"spdxVersion": "SPDX-2.3"}')
    await house.push("one", image)
    tag, index = image.digest.replace(":", "-"), describe_referrers([sbom])
    await upload(http, f"{house.registry.url}/v2/team/app", sbom, tag, index)
    async with Registry(load_settings(house.config).registries) as registry:
        resolved = await registry.resolve(Reference.parse(house.registry.reference("team/app", "one")))
        (referrer,) = await registry.referrers(resolved, "application/spdx+json")
        manifest = await registry.fetch(resolved, referrer.digest, max_size=10_000)
        blob = await registry.fetch(resolved, sbom.layers[0].digest, max_size=10_000)
    assert (sbom.digest, sbom.manifest, sbom.layers[0].data) == (referrer.digest, manifest, blob)


async def test_one_bad_reference_does_not_lose_the_others(house: House) -> None:
    """A tag that is not there is in `errors`, the other image is reported, and the code is 3."""
    await house.push("one", debian_image(BASE))
    ended = await house.scan("one", "gone")
    assert (3, ["manifest"]) == (ended.code, [error["step"] for error in ended.document["errors"]])
    assert [{"clair": "ok"}] == ended.outcomes
    assert 1 == len(ended.stderr.splitlines())


@pytest.mark.parametrize("house", ["htpasswd", "token"], indirect=True)
async def test_wrong_credentials_are_one_line(house: House, tmp_path: Path) -> None:
    """With a wrong password nothing is scanned, and one line says which registry refuses; the password is not in it."""
    await house.push("one", debian_image(BASE))
    registries = {house.registry.host: {"username": house.registry.username, "password": "wrong-hunter2"}}
    config = write_config(tmp_path / "wrong.yml", {"clair": {"server": house.clair.url}}, registries)
    ended = await portus_scan("image", "--config", config, house.registry.reference("team/app", "one"))
    assert (4, 1) == (ended.code, len(ended.stderr.splitlines()))
    assert house.registry.host in ended.stderr
    assert "wrong-hunter2" not in ended.stderr + ended.stdout


@pytest.mark.parametrize("house", ["token"], indirect=True)
async def test_tokens_that_die_in_mid_scan_are_renewed(house: House) -> None:
    """30 layers with tokens of 5 seconds' life: each POST carries one that is still good, and the scan is ok."""
    assert house.registry.token_server is not None
    await house.push("thirty", many_layers_image(debian_layer(BASE), 30))
    # the registry grants 60 s of leeway after a token's end: issue them as if they were that old already
    issuer = house.registry.token_server.service.issuer
    issuer.lifetime = 5
    issuer.clock = lambda: time.time() - 60
    ended = await house.scan("thirty")
    assert (0, [{"clair": "ok"}]) == (ended.code, ended.outcomes)
    assert 30 == len(house.clair.fetched)
    # layers that are prepared at once share one; the registry refuses one that is over
    assert 2 < len({post.headers["Authorization"] for post in house.clair.posts})
