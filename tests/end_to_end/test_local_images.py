"""Local images, the whole way: written by skopeo, scanned by the real command, pulled by (the stand-in of) Clair."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from portus_images import ServeAddress
from portus_images.local.local_images import LocalImages
from portus_scanners import LocalReference
from portus_scanners_testing.images import (
    debian_layer,
    dpkg_layer,
    empty_layer,
    filler_layer,
    make_image,
    write_dir_layout,
    write_docker_archive,
)
from standins.clair import StandInClair
from standins.docker_registry import DockerRegistry
from standins.programs import run

from .command import portus_scan, write_config

pytestmark = [pytest.mark.real_registry, pytest.mark.usefixtures("real_registry_programs")]

IMAGE = make_image(debian_layer({"bash": "5.2-1", "tar": "1.34"}), empty_layer(), dpkg_layer({"bash": "5.2-1"}))
SKOPEO = ("skopeo", "--insecure-policy")


async def skopeo_copy(source: str, target: str) -> None:
    """Copy an image."""
    await run(*SKOPEO, "copy", "--src-tls-verify=false", "--src-no-creds", source, target)


async def skopeo_digest(reference: str) -> str:
    """Return what skopeo calls an image."""
    described = json.loads(await run(*SKOPEO, "inspect", reference))
    return str(described["Digest"])


def summary(report: dict[str, Any]) -> tuple[str, list[tuple[str, str]]]:
    """Return verdict and findings."""
    return report["verdict"], [(one["id"], one["package"]["version"]) for one in report["vulnerabilities"]]


async def test_an_image_is_the_same_in_a_registry_a_folder_and_an_archive(clair: StandInClair, tmp_path: Path) -> None:
    """Each form that skopeo writes is scanned with the same result, and Clair gets its layers over HTTP."""
    async with DockerRegistry() as registry:
        await registry.push("team/app", "1", IMAGE)
        reference = registry.reference("team/app", "1")
        texts = [
            f"oci:{tmp_path}/dir:1",
            f"oci-archive:{tmp_path}/oci.tar:1",
            f"docker-archive:{tmp_path}/docker.tar:app:1",
        ]
        for text in texts:
            await skopeo_copy(f"docker://{reference}", text)
        (tmp_path / "docker.tgz").write_bytes(gzip.compress((tmp_path / "docker.tar").read_bytes()))
        texts += [f"oci-archive:{tmp_path}/oci.tar", f"docker-archive:{tmp_path}/docker.tgz"]
        config = write_config(tmp_path / "config.yml", {"clair": {"server": clair.url}})
        ended = await portus_scan("image", "--config", config, "-o", "json", reference, *texts)

    reports = ended.document["reports"]
    assert (0, "") == (ended.code, ended.stderr)
    assert [reference, *texts] == [report["image"]["reference"] for report in reports]
    assert [summary(reports[0])] * 6 == [summary(report) for report in reports]
    assert "vulnerable" == reports[0]["verdict"]
    assert [None, "oci", "oci-archive", "docker-archive"] == [
        report["image"].get("local", {}).get("form") for report in reports[:4]
    ]


@pytest.mark.parametrize("form", ["oci", "oci-archive", "docker-archive"])
async def test_the_digest_is_skopeos(tmp_path: Path, form: str) -> None:
    """Also of docker's archives, in which there is no manifest: both make the same one."""
    write_dir_layout(tmp_path / "source", IMAGE)
    text = f"{form}:{tmp_path}/image:app:1"
    await skopeo_copy(f"dir:{tmp_path}/source", text)
    image = await LocalImages(ServeAddress("127.0.0.1")).resolve(LocalReference.parse(text))

    assert await skopeo_digest(text) == image.digest


async def test_skopeo_reads_the_archives_of_the_kit(tmp_path: Path) -> None:
    """So what our tests take for Docker's is what it should be: the layers are the same."""
    twice = filler_layer("twice")
    image = make_image(filler_layer("base"), twice, twice)
    write_docker_archive(tmp_path / "app.tar", {"app:1": image, "app:2": IMAGE})
    await skopeo_copy(f"docker-archive:{tmp_path}/app.tar:app:1", f"dir:{tmp_path}/dir")
    described = json.loads(await run(*SKOPEO, "inspect", f"docker-archive:{tmp_path}/app.tar:app:1"))

    assert [layer.diff_id for layer in image.layers] == described["Layers"]


async def test_several_images_in_one_archive(clair: StandInClair, tmp_path: Path) -> None:
    """Each by its name; without one the message lists them."""
    clean = make_image(debian_layer({"bash": "5.2-9"}))
    write_docker_archive(tmp_path / "app.tar", {"app:bad": IMAGE, "app:good": clean})
    config = write_config(tmp_path / "config.yml", {"clair": {"server": clair.url}})
    text = f"docker-archive:{tmp_path}/app.tar"
    ended = await portus_scan("image", "--config", config, "-o", "json", f"{text}:app:bad", f"{text}:app:good", text)

    assert ["vulnerable", "clean"] == [report["verdict"] for report in ended.document["reports"]]
    assert "app:bad, app:good" in ended.document["errors"][0]["message"]
    assert 3 == ended.code


async def test_layers_are_served_at_the_given_address(clair: StandInClair, tmp_path: Path) -> None:
    """On the host that was given, under a path of its own."""
    write_docker_archive(tmp_path / "app.tar", {"app:1": IMAGE})
    config = write_config(tmp_path / "config.yml", {"clair": {"server": clair.url}})
    ended = await portus_scan(
        "image", "--config", config, "--serve-address", "127.0.0.2", f"docker-archive:{tmp_path}/app.tar"
    )

    assert 0 == ended.code
    assert {"127.0.0.2"} == {post.path.split("/")[2].partition(":")[0] for post in clair.posts}
