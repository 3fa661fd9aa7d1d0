"""Layers that look like distributions to a scanner: they hold only the files that scanners read."""

from __future__ import annotations

from collections.abc import Mapping

from .layers import Compression, LayerBlob, layer

Packages = Mapping[str | tuple[str, str], str]
"""Versions by package; a package is a name, or a name and its source package."""

DEBIAN_VERSION = "etc/debian_version"
OS_RELEASE = "etc/os-release"
DPKG_STATUS = "var/lib/dpkg/status"
APK_INSTALLED = "lib/apk/db/installed"
RPM_PACKAGES = "var/lib/rpm/Packages"
_DEBIAN_NAMES = {"9": "stretch", "10": "buster", "11": "bullseye", "12": "bookworm", "13": "trixie"}


def debian_layer(
    packages: Packages,
    *,
    version: str | None = "12",
    compression: Compression = "gzip",
    extra: Mapping[str, bytes] = {},
) -> LayerBlob:
    """Return a base layer of Debian; *version* None leaves VERSION_ID out, as sid does."""
    point_release = f"{version}.1\n" if version else "trixie/sid\n"
    files = {
        DEBIAN_VERSION: point_release.encode(),
        OS_RELEASE: debian_os_release(version),
        DPKG_STATUS: dpkg_status(packages),
        **extra,
    }
    return layer(files, compression=compression)


def dpkg_layer(packages: Packages, *, compression: Compression = "gzip") -> LayerBlob:
    """Return a layer with only the whole dpkg status, as ``apt-get`` leaves it in an upper layer."""
    return layer({DPKG_STATUS: dpkg_status(packages)}, compression=compression)


def distroless_layer(packages: Packages, *, version: str = "12") -> LayerBlob:
    """Return a layer of a distroless image: one file per package under ``var/lib/dpkg/status.d``."""
    files = {OS_RELEASE: debian_os_release(version)}
    for package, package_version in packages.items():
        files[f"{DPKG_STATUS}.d/{_names(package)[0]}"] = dpkg_status({package: package_version})
    return layer(files)


def alpine_layer(packages: Packages, *, release: str = "3.19.1") -> LayerBlob:
    """Return a base layer of Alpine with this ``etc/alpine-release``."""
    pretty = f'PRETTY_NAME="Alpine Linux v{".".join(release.split(".")[:2])}"'
    os_release = f'NAME="Alpine Linux"\nID=alpine\nVERSION_ID={release}\n{pretty}\n'
    return layer(
        {
            "etc/alpine-release": f"{release}\n".encode(),
            OS_RELEASE: os_release.encode(),
            APK_INSTALLED: apk_installed(packages),
        }
    )


def opensuse_layer(*, version: str = "42.3", database: str = RPM_PACKAGES) -> LayerBlob:
    """Return a base layer of openSUSE; its rpm database has the right name and junk in it."""
    os_release = f'NAME="openSUSE Leap"\nVERSION="{version}"\nID=opensuse\nVERSION_ID="{version}"\nID_LIKE="suse"\n'
    return layer({OS_RELEASE: os_release.encode(), database: b"\x00\x06\x15\x61 no real rpm database\n"})


def debian_os_release(version: str | None) -> bytes:
    """Return ``etc/os-release`` of a Debian release; None for sid, which has no VERSION_ID."""
    lines = ['NAME="Debian GNU/Linux"', "ID=debian"]
    if version is None:
        return "\n".join(['PRETTY_NAME="Debian GNU/Linux trixie/sid"', *lines, ""]).encode()
    title = f"{version} ({_DEBIAN_NAMES.get(version, 'release')})"
    pretty = f'PRETTY_NAME="Debian GNU/Linux {title}"'
    return "\n".join([pretty, *lines, f'VERSION_ID="{version}"', f'VERSION="{title}"', ""]).encode()


def dpkg_status(packages: Packages) -> bytes:
    """Return the dpkg database with these packages, all installed."""
    return "".join(_dpkg_stanza(*_names(package), version) for package, version in packages.items()).encode()


def apk_installed(packages: Packages) -> bytes:
    """Return the apk database with these packages."""
    return "".join(_apk_stanza(*_names(package), version) for package, version in packages.items()).encode()


def _names(package: str | tuple[str, str]) -> tuple[str, str]:
    """Return the package's name and its source package's."""
    return (package, package) if isinstance(package, str) else package


def _dpkg_stanza(name: str, source: str, version: str) -> str:
    source_line = f"Source: {source}\n" if source != name else ""
    return (
        f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\n{source_line}Version: {version}\n"
        "Maintainer: Nobody <nobody@example.org>\nDescription: made up\n\n"
    )


def _apk_stanza(name: str, source: str, version: str) -> str:
    return f"P:{name}\nV:{version}\nA:x86_64\no:{source}\nT:made up\n\n"
