"""What the real Trivy keeps of layers, and that nobody's image speaks for another one."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from portus_scanner_trivy import TrivyScanner, TrivySettings
from portus_scanner_trivy.layer_memory import FILE
from portus_scanners import Image, Outcome, ScannerError, ScannerReport
from portus_scanners_testing import StandInRegistry
from portus_scanners_testing.images import (
    BuiltImage,
    debian_layer,
    digest_of,
    filler_layer,
    make_image,
    write_oci_layout,
)
from standins.trivy import TrivyServer

from .conftest import HoldingContext, House, image_of, push

pytestmark = pytest.mark.real_trivy

BASH = debian_layer({"bash": "5.2-1"})
VICTIM = make_image(BASH, filler_layer("app"))
BASE = debian_layer({"dash": "1"})
ODD_LAYER = debian_layer({"dash": "1", "odd": "not/valid version"})
ODD = make_image(BASE, ODD_LAYER)
PLAIN = make_image(BASE, filler_layer("plain"))


def with_config(image: BuiltImage, config: bytes) -> BuiltImage:
    """Return an image with another configuration."""
    manifest = image.manifest.replace(digest_of(image.config).encode(), digest_of(config).encode())
    manifest = manifest.replace(f'"size":{len(image.config)}'.encode(), f'"size":{len(config)}'.encode())
    return BuiltImage(
        manifest=manifest,
        media_type=image.media_type,
        config=config,
        layers=image.layers,
        platform=image.platform,
    )


HARMLESS = make_image(debian_layer({"dash": "1"}), filler_layer("app"))
HOSTILE = with_config(HARMLESS, VICTIM.config)


class Lab:
    """Scanners with one cache, and the layers that each scan has fetched."""

    def __init__(self, house: House, **settings: Any) -> None:
        values = {"program": str(house.program), "cache": str(house.cache), "offline": True, **settings}
        self.settings = TrivySettings(**values)
        self.context = HoldingContext(VICTIM, HOSTILE, ODD, PLAIN)
        self.scanner = TrivyScanner(self.settings, self.context)

    async def scan(self, image: BuiltImage | Image) -> ScannerReport:
        """Scan an image with a scanner of its own, as a new process would."""
        self.context.copied.clear()
        scanner = TrivyScanner(self.settings, self.context)
        return await scanner.scan(image_of(image) if isinstance(image, BuiltImage) else image)

    async def found(self, image: BuiltImage) -> tuple[bool, list[str], int]:
        """Return of a scan whether it is complete, what it finds, and how many layers were fetched."""
        report = await self.scan(image)
        return report.complete, sorted(one.package.name for one in report.findings), len(self.context.copied)


@pytest.fixture
def lab(house: House) -> Lab:
    """A laboratory with Trivy's own cache folder."""
    return Lab(house)


async def test_a_hostile_image_speaks_for_nobody(lab: Lab, house: House) -> None:
    """Its configuration claims the victim's layers: it fails before Trivy gets anything, and so it does afterwards."""
    with pytest.raises(ScannerError, match="is not what the image's configuration says"):
        await lab.scan(HOSTILE)
    assert not (house.cache / "fanal").exists()
    assert (True, ["bash"], 2) == await lab.found(VICTIM)
    with pytest.raises(ScannerError, match="is not what the image's configuration says"):
        await lab.scan(HOSTILE)
    assert (True, ["bash"], 0) == await lab.found(VICTIM)


async def test_layers_hide_behind_no_other(lab: Lab) -> None:
    """A configuration that claims one layer twice, or fewer than there are: Trivy would not look at the others."""
    first, second = (layer.diff_id.encode() for layer in VICTIM.layers)
    for config in (
        VICTIM.config.replace(second, first),
        VICTIM.config.replace(b'"%s",' % first, b"").replace(b'"%s", ' % first, b""),
    ):
        assert config != VICTIM.config
        hostile = with_config(VICTIM, config)
        lab.context.blobs |= hostile.blobs
        with pytest.raises(ScannerError, match="configuration"):
            await lab.scan(hostile)


@pytest.mark.parametrize("where", ["another namespace", "the same repository", "another registry"])
async def test_no_repository_speaks_for_another(house: House, registry: StandInRegistry, where: str) -> None:
    """Wherever the hostile image is, and the victim."""
    async with StandInRegistry() as elsewhere:
        hosts = elsewhere if where == "another registry" else registry
        repository = "team/app" if where == "the same repository" else "attacker/x"
        hosts.push(repository, "evil", HOSTILE)
        victim = await push(registry, "1", VICTIM)
        async with house.engine(None) as engine:
            (hostile,) = (await engine.scan(hosts.reference(repository, "evil"))).results
            (run,) = (await engine.scan(victim)).results
    assert (Outcome.FAILED, Outcome.OK) == (hostile.outcome, run.outcome)
    assert run.report is not None
    assert ["bash"] == [finding.package.name for finding in run.report.findings]


async def test_what_others_have_put_into_the_cache_is_not_found(lab: Lab, house: House, tmp_path: Path) -> None:
    """The user's own Trivy, or an earlier version of this plugin, believed a hostile image."""
    write_oci_layout(tmp_path / "hostile", HOSTILE)
    options = ("--cache-dir", str(house.cache), "--skip-db-update", "--offline-scan", "--quiet", "--format", "json")
    command = [str(house.program), "image", *options, "--input"]
    await asyncio.to_thread(subprocess.run, [*command, tmp_path / "hostile"], check=True, capture_output=True)
    write_oci_layout(tmp_path / "victim", VICTIM)
    spoilt = await asyncio.to_thread(
        subprocess.run, [*command, tmp_path / "victim"], check=True, capture_output=True, text=True
    )
    assert "CVE-2099-0001" not in spoilt.stdout
    assert (True, ["bash"], 2) == await lab.found(VICTIM)


async def test_a_complaint_comes_again(lab: Lab) -> None:
    """Trivy complains of a layer once, when it reads it: whoever has this layer is told, each time."""
    for _ in range(3):
        report = await lab.scan(ODD)
        assert (False, True) == (report.complete, "Invalid version" in report.notes[0])


async def test_a_layer_beside_one_with_complaints_is_read_again(lab: Lab) -> None:
    """It may have been the one: an image without the other shows that it was not, and it is kept from then on."""
    await lab.scan(ODD)
    assert (True, [], 2) == await lab.found(PLAIN)
    assert (True, [], 0) == await lab.found(PLAIN)
    assert not (await lab.scan(ODD)).complete
    assert (True, [], 0) == await lab.found(PLAIN)


async def test_a_cache_that_was_cleared_is_filled_again(lab: Lab, house: House) -> None:
    """Or one that another version of Trivy wants to fill; what was verified once is not unpacked again."""
    assert (True, ["bash"], 2) == await lab.found(VICTIM)
    shutil.rmtree(house.cache / "fanal")
    assert [(True, ["bash"], 2), (True, ["bash"], 0)] == [await lab.found(VICTIM) for _ in range(2)]


async def test_a_memory_that_was_removed(lab: Lab, house: House) -> None:
    """Everything is read again, under another name: what is in the cache is not trusted without it."""
    await lab.scanner.scan(image_of(ODD))
    (house.cache / FILE).unlink()
    assert not (await lab.scanner.scan(image_of(ODD))).complete
    (house.cache / FILE).unlink()
    assert not (await lab.scan(ODD)).complete
    assert (True, ["bash"], 2) == await lab.found(VICTIM)


async def test_a_scan_that_broke_off_is_trusted_by_nobody(lab: Lab, house: House) -> None:
    """What it has put into the cache may be a part: the layers are read again, compared, and kept then."""
    broken = Lab(house, program="/bin/false")
    with pytest.raises(ScannerError):
        await broken.scan(PLAIN)
    assert [(True, [], 2), (True, [], 0)] == [await lab.found(PLAIN) for _ in range(2)]


async def test_no_memory_is_possible(lab: Lab, house: House) -> None:
    """Right all the same, and nothing is kept."""
    (house.cache / FILE.parent).write_text("")
    assert [(True, ["bash"], 2)] * 2 == [await lab.found(VICTIM) for _ in range(2)]
    assert not (await lab.scan(ODD)).complete
    with pytest.raises(ScannerError):
        await lab.scan(HOSTILE)


async def test_many_at_once_read_a_layer_once(lab: Lab) -> None:
    """Who shares a new layer with a scan under way waits for that, and then reads the rest."""
    apps = [make_image(BASH, filler_layer(f"app-{number}")) for number in range(4)]
    lab.context.blobs |= {digest: data for app in apps for digest, data in app.blobs.items()}
    reports = await asyncio.gather(*(lab.scanner.scan(image_of(app)) for app in apps))
    assert [["bash"]] * 4 == [[one.package.name for one in report.findings] for report in reports]
    assert sorted({BASH.digest, *(app.layers[1].digest for app in apps)}) == sorted(lab.context.copied)


async def test_a_server_keeps_the_same(house: House, tmp_path: Path) -> None:
    """No hostile image, no lost complaint; and a layer that was kept is not fetched again."""
    async with TrivyServer(house.program, house.cache, token="opensesame") as server:
        lab = Lab(house, server=server.url, token="opensesame", cache=str(tmp_path / "client"))
        with pytest.raises(ScannerError, match="is not what the image's configuration says"):
            await lab.scan(HOSTILE)
        assert [(True, ["bash"], 2), (True, ["bash"], 0)] == [await lab.found(VICTIM) for _ in range(2)]
        assert [False] * 3 == [(await lab.scan(ODD)).complete for _ in range(3)]
        assert [(True, [], 2), (True, [], 0)] == [await lab.found(PLAIN) for _ in range(2)]
        other = Lab(house, server=server.url, token="opensesame", cache=str(tmp_path / "another client"))
        assert not (await other.scan(ODD)).complete


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
async def test_each_compression_is_read(house: House, compression: Any) -> None:
    """By Trivy as by the one who verifies."""
    lab = Lab(house)
    image = make_image(debian_layer({"bash": "5.2-1"}, compression=compression), form="oci")
    lab.context.blobs |= image.blobs
    assert (True, ["bash"], 1) == await lab.found(image)
