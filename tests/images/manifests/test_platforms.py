"""Which image of an index serves a platform."""

from __future__ import annotations

import platform as python_platform

import pytest
from portus_images.manifests.platforms import own_platform, rank_platform
from portus_scanners import Platform


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        ("x86_64", "linux/amd64"),
        ("AMD64", "linux/amd64"),
        ("aarch64", "linux/arm64"),
        ("arm64", "linux/arm64"),
        ("armv6l", "linux/arm/v6"),
        ("armv7l", "linux/arm/v7"),
        ("i686", "linux/386"),
        ("ppc64le", "linux/ppc64le"),
        ("s390x", "linux/s390x"),
        ("riscv64", "linux/riscv64"),
        ("loongarch64", "linux/loong64"),
        ("", "linux/unknown"),
    ],
)
def test_the_machines_own_platform_has_gos_names(monkeypatch: pytest.MonkeyPatch, machine: str, expected: str) -> None:
    """The kernel's name of the machine becomes Go's; the OS is Linux wherever this runs."""
    monkeypatch.setattr(python_platform, "machine", lambda: machine)

    assert expected == str(own_platform())


@pytest.mark.parametrize(
    ("wanted", "offered", "best_first"),
    [
        ("linux/amd64", "linux/386 linux/amd64 linux/arm64", "linux/amd64 linux/386"),
        ("linux/386", "linux/386 linux/amd64", "linux/386"),
        ("linux/amd64", "linux/amd64/v3 linux/amd64/v2 linux/amd64", "linux/amd64"),
        ("linux/amd64", "linux/amd64/v1", "linux/amd64/v1"),
        ("linux/amd64/v2", "linux/amd64 linux/amd64/v3 linux/amd64/v2", "linux/amd64/v2 linux/amd64"),
        ("linux/x86_64", "linux/amd64", "linux/amd64"),
        ("linux/arm64", "linux/arm64/v9 linux/arm64/v8.1 linux/arm64/v8", "linux/arm64/v8"),
        ("linux/arm64/v8", "linux/arm/v8 linux/arm64 linux/arm/v9", "linux/arm64 linux/arm/v8"),
        ("linux/arm64", "linux/arm/v6 linux/arm linux/arm/v4", "linux/arm linux/arm/v6"),
        (
            "linux/arm64/v9.1",
            "linux/arm64 linux/arm64/v8.6 linux/arm64/v8.7 linux/arm64/v9 linux/arm64/v9.2",
            "linux/arm64/v9 linux/arm64/v8.6 linux/arm64",
        ),
        ("linux/arm", "linux/arm/v5 linux/arm/v7 linux/arm/v6", "linux/arm/v7 linux/arm/v6 linux/arm/v5"),
        ("linux/arm", "linux/arm", "linux/arm"),
        ("linux/arm", "linux/arm/odd linux/arm/v8 linux/arm/v6 linux/arm/v7", "linux/arm/v7 linux/arm/v6"),
        ("linux/arm/v7", "linux/arm/v6 linux/arm linux/arm/v7 linux/arm/v8", "linux/arm linux/arm/v7 linux/arm/v6"),
        ("linux/s390x", "linux/s390x/z13 linux/s390x", "linux/s390x"),
        ("linux(5)/amd64", "linux(6)/amd64", "linux(6)/amd64"),
        ("linux/arm/v6", "linux/arm/v7", ""),
        ("linux/arm/odd", "linux/arm/v7 linux/arm/odd", "linux/arm/odd"),
        ("windows/amd64", "linux/amd64", ""),
        ("Linux/AMD64", "linux/amd64", "linux/amd64"),
        (
            "windows/amd64",
            "windows/amd64 windows(10.0.17763.9)/amd64 windows(10.0.20348.1)/amd64 windows(10.0.17763.10)/amd64",
            "windows/amd64 windows(10.0.20348.1)/amd64 windows(10.0.17763.10)/amd64 windows(10.0.17763.9)/amd64",
        ),
        (
            "windows(10.0.17763.5)/amd64",
            "windows/amd64 windows(10.0.20348.1)/amd64 windows(10.0.17763.9)/amd64 windows(10.0.17763.5)/amd64",
            "windows(10.0.17763.5)/amd64 windows(10.0.17763.9)/amd64 windows/amd64",
        ),
        ("windows(10.0.17763)/amd64", "windows(10.0.17763.9)/amd64", "windows(10.0.17763.9)/amd64"),
        ("windows(odd)/amd64", "windows(odd)/amd64 windows(10.0.17763.9)/amd64", "windows(odd)/amd64"),
    ],
)
def test_the_best_image_for_a_platform_comes_first(wanted: str, offered: str, best_first: str) -> None:
    """What can't serve is left out; the rest is in containerd's order of preference."""
    ranks = {text: rank_platform(Platform.parse(wanted), Platform.parse(text)) for text in offered.split()}
    able = sorted((rank, text) for text, rank in ranks.items() if rank is not None)

    assert best_first.split() == [text for _, text in able]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("linux/amd64", Platform("linux", "amd64")),
        ("linux/arm/v7", Platform("linux", "arm", "v7")),
        ("windows(10.0.17763.5329)/amd64", Platform("windows", "amd64", os_version="10.0.17763.5329")),
    ],
)
def test_a_platform_is_written_as_containerd_writes_it(text: str, expected: Platform) -> None:
    """And read from that."""
    assert (expected, text) == (Platform.parse(text), str(expected))


@pytest.mark.parametrize(
    "text", ["", "linux", "linux/", "/amd64", "a/b/c/d", "windows()/amd64", "windows(1/amd64", "a)/b"]
)
def test_what_is_no_platform_is_refused(text: str) -> None:
    """With the form to write."""
    with pytest.raises(ValueError, match="linux/amd64"):
        Platform.parse(text)
