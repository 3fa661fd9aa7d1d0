"""What Clair's stand-in makes of layers: chains, distributions, packages."""

from __future__ import annotations

import pytest
from portus_scanners_testing.images import (
    Compression,
    LayerBlob,
    alpine_layer,
    debian_layer,
    distroless_layer,
    dpkg_layer,
    empty_layer,
    filler_layer,
    layer,
    make_image,
    make_tar,
    newer_empty_layer,
    opensuse_layer,
    static_binary_layer,
)
from standins.clair_client import ClairLab

UNSUPPORTED = (422, "worker: OS and/or package manager are not supported")
NOT_EXTRACTED = (422, "tarutil: could not extract the archive")
VULNERABLE = debian_layer({"bash": "5.0-4", ("libc6", "glibc"): "2.28-10"}, version="10")
CLEAN = debian_layer({"bash": "5.2-15"}, version="12")
SHARED = filler_layer("shared")


@pytest.fixture(autouse=True)
def _vulnerabilities(client: ClairLab) -> None:
    client.clair.add_vulnerability("debian:10", "CVE-2099-1", fixed_in={"bash": "5.0-5", "glibc": "None"})
    client.clair.add_vulnerability("alpine:v3.19", "CVE-2099-2", "Low", fixed_in={"musl": "1.2.5-r0"})


async def test_names_that_are_digests_leak_results(client: ClairLab) -> None:
    """Image B's top layer answers with image A's parent and vulnerabilities."""
    first, second = make_image(VULNERABLE, SHARED), make_image(CLEAN, SHARED)
    await client.post_by_digest(first)
    top = await client.post_by_digest(second)
    assert VULNERABLE.digest == (await client.result(top))["ParentName"]
    assert {"bash CVE-2099-1", "glibc CVE-2099-1"} == (await client.findings(top)).keys()


async def test_digest_names_make_a_vulnerable_image_look_clean(client: ClairLab) -> None:
    """The same the other way round: after the clean image, the vulnerable one shows nothing."""
    await client.post_by_digest(make_image(CLEAN, SHARED))
    top = await client.post_by_digest(make_image(VULNERABLE, SHARED))
    assert {} == await client.findings(top)


async def test_digest_names_miss_packages_above_an_empty_layer(client: ClairLab) -> None:
    """In [base, empty, packages, empty] the top is the first empty layer."""
    upper = dpkg_layer({"bash": "5.0-4", "curl": "7.64-4"})
    top = await client.post_by_digest(make_image(VULNERABLE, empty_layer(), upper, empty_layer()))
    assert "curl" not in await client.packages(top)


async def test_names_of_chains_give_right_results(client: ClairLab) -> None:
    """With names that stand for the chain, images that share layers keep apart."""
    vulnerable = await client.post_chain(VULNERABLE, SHARED)
    clean = await client.post_chain(CLEAN, SHARED)
    assert {"bash CVE-2099-1": "5.0-5", "glibc CVE-2099-1": None} == await client.findings(vulnerable)
    assert {} == await client.findings(clean)


async def test_packages_are_those_of_the_whole_chain(client: ClairLab) -> None:
    """An upper layer's status replaces the list; AddedBy names the layer that brought the version."""
    upper = dpkg_layer({"bash": "5.0-6", ("libc6", "glibc"): "2.28-10", "curl": "7.64-4"})
    base = await client.post_chain(VULNERABLE)
    top = await client.post_chain(VULNERABLE, upper, SHARED)
    middle = await client.post_chain(VULNERABLE, upper)
    features = (await client.result(top))["Features"]
    expected = {("bash", "5.0-6", middle), ("glibc", "2.28-10", base), ("curl", "7.64-4", middle)}
    assert expected == {(item["Name"], item["Version"], item["AddedBy"]) for item in features}


async def test_debian_packages_are_listed_by_source(client: ClairLab) -> None:
    """Two binary packages of one source are one feature; Alpine's are listed one by one."""
    debian = await client.post_chain(debian_layer({("libc6", "glibc"): "2.36-9", ("libc-bin", "glibc"): "2.36-9"}))
    alpine = await client.post_chain(alpine_layer({("musl", "musl"): "1.2.4-r2", ("musl-utils", "musl"): "1.2.4-r2"}))
    assert {"glibc": "2.36-9"} == await client.packages(debian)
    assert {"musl": "1.2.4-r2", "musl-utils": "1.2.4-r2"} == await client.packages(alpine)
    assert {"musl CVE-2099-2": "1.2.5-r0"} == await client.findings(alpine)


async def test_upgraded_distribution_keeps_old_namespaces(client: ClairLab) -> None:
    """Packages that an upgrade in place did not touch stay in the old namespace."""
    upgrade = debian_layer({"bash": "5.0-4", ("libc6", "glibc"): "2.31-13"}, version="11")
    top = await client.post_chain(VULNERABLE, upgrade)
    features = (await client.result(top))["Features"]
    assert {"bash": "debian:10", "glibc": "debian:11"} == {item["Name"]: item["NamespaceName"] for item in features}
    assert {"bash CVE-2099-1": "5.0-5"} == await client.findings(top)


async def test_whiteouts_are_ignored(client: ClairLab) -> None:
    """Deleting the dpkg status in an upper layer changes nothing."""
    top = await client.post_chain(VULNERABLE, layer({"var/lib/dpkg/.wh.status": b""}))
    assert {"bash", "glibc"} == (await client.packages(top)).keys()


@pytest.mark.parametrize("empty", [empty_layer(), newer_empty_layer()], ids=["a3ed95ca", "4f4fb700"])
async def test_empty_layers_inherit(client: ClairLab, empty: LayerBlob) -> None:
    """An empty layer shows its parent's packages."""
    top = await client.post_chain(VULNERABLE, empty)
    assert {"bash", "glibc"} == (await client.packages(top)).keys()


async def test_distroless_has_a_namespace_and_no_features(client: ClairLab) -> None:
    """The files of status.d are not read."""
    top = await client.post_chain(distroless_layer({"bash": "5.2-1"}))
    assert {"Name": top, "NamespaceName": "debian:12", "IndexedByVersion": 3} == await client.result(top)


@pytest.mark.parametrize(
    "blob",
    [
        static_binary_layer(),
        empty_layer(),
        layer({"/etc/os-release": b"ID=debian\nVERSION_ID=12\n"}),
        opensuse_layer(database="usr/lib/sysimage/rpm/rpmdb.sqlite"),
        alpine_layer({}, release="edge"),
    ],
    ids=["static binary", "empty", "leading slash", "rpmdb.sqlite", "alpine without packages"],
)
async def test_nothing_recognised_has_neither_key(client: ClairLab, blob: LayerBlob) -> None:
    """There is no namespace and no feature in the answer."""
    top = await client.post_chain(blob)
    assert {"Name": top, "IndexedByVersion": 3} == await client.result(top)


@pytest.mark.parametrize(
    "blob",
    [
        opensuse_layer(),
        debian_layer({"bash": "5.2-1"}, version=None),
        dpkg_layer({"bash": "5.2-1"}),
        alpine_layer({"musl": "1.2.4-r2"}, release="3.10.0_rc1"),
    ],
    ids=["openSUSE", "sid", "no os-release", "release candidate"],
)
async def test_packages_without_a_known_distribution_are_refused(client: ClairLab, blob: LayerBlob) -> None:
    """422, and the layer is not stored."""
    assert UNSUPPORTED == await client.post_layer(blob)
    assert {} == client.clair.database.layers


@pytest.mark.parametrize("compression", ["gzip", "none", "bzip2", "xz"])
async def test_compressions_that_are_read(client: ClairLab, compression: Compression) -> None:
    """The bytes decide, not the media type."""
    top = await client.post_chain(debian_layer({"bash": "5.2-1"}, compression=compression))
    assert {"bash": "5.2-1"} == await client.packages(top)


def _blob(data: bytes) -> LayerBlob:
    return LayerBlob(data=data, diff_id="sha256:" + 64 * "0", compression="none")


@pytest.mark.parametrize(
    "blob",
    [
        debian_layer({"bash": "5.2-1"}, compression="zstd"),
        _blob(b"<html>Please log in</html>"),
        _blob(VULNERABLE.data[: len(VULNERABLE.data) // 2]),
        _blob(make_tar({"opt/file": b"x" * 2000})[:1500]),
        _blob(make_tar({"opt/file": b"x" * 512})[:1024] + b"junk" * 128),
    ],
    ids=["zstd", "page", "cut gzip", "cut tar", "junk in the tar"],
)
async def test_what_is_no_archive_is_refused(client: ClairLab, blob: LayerBlob) -> None:
    """422 for anything that can't be read to its end."""
    assert NOT_EXTRACTED == await client.post_layer(blob)


async def test_gzip_cut_in_its_last_bytes_passes(client: ClairLab) -> None:
    """The archive ends before the stream does."""
    cut = _blob(VULNERABLE.data[:-8])
    assert (201, "") == await client.post_layer(cut)


async def test_wanted_file_that_is_too_big_is_refused(client: ClairLab) -> None:
    """Other files may be larger."""
    client.clair.max_file_size = 10
    assert (201, "") == await client.post_layer(filler_layer(size=1000), "other")
    expected = (422, "tarutil: could not extract one or more files from the archive: file too big")
    assert expected == await client.post_layer(VULNERABLE)


async def test_packages_removed_but_configured_are_listed(client: ClairLab) -> None:
    """Clair ignores the state; a package with an invalid version is left out."""
    status = b"Package: old\nStatus: deinstall ok config-files\nVersion: 1-1\n\nPackage: odd\nVersion: x!\n\n"
    top = await client.post_chain(debian_layer({}, extra={"var/lib/dpkg/status": status}))
    assert {"old": "1-1"} == await client.packages(top)
