"""What Clair v2.0.9 recognises in a layer: the distribution, and the packages of dpkg and apk.

Source: ``ext/featurens`` and ``ext/featurefmt`` of Clair v2.0.9, and what was seen on the wire. Not there: rpm
packages are not listed (an rpm database counts as "packages found"), apt's sources.list, lsb-release, redhat-release.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from attrs import frozen

from .versions import is_valid

OS_RELEASES = ("etc/os-release", "usr/lib/os-release")
ALPINE_RELEASE = "etc/alpine-release"
DPKG_STATUS = "var/lib/dpkg/status"
APK_INSTALLED = "lib/apk/db/installed"
RPM_PACKAGES = "var/lib/rpm/Packages"
WANTED = (*OS_RELEASES, ALPINE_RELEASE, DPKG_STATUS, APK_INSTALLED, RPM_PACKAGES)

_ALPINE_VERSION = re.compile(r"(\d+)\.(\d+)\.\d+", re.ASCII)
_SOURCE = re.compile(r"(\S*)(?: \((.*)\))?")
_VERSION_FORMATS = {
    "debian": "dpkg",
    "ubuntu": "dpkg",
    "centos": "rpm",
    "rhel": "rpm",
    "fedora": "rpm",
    "amzn": "rpm",
    "ol": "rpm",
    "oracle": "rpm",
}

Files = Mapping[str, bytes]


@frozen
class Namespace:
    """A distribution and release: ``debian:12``."""

    name: str
    version_format: str
    """``dpkg`` or ``rpm``."""


@frozen
class Package:
    """A package as Clair lists it: by its source package where dpkg names one."""

    name: str
    version: str


def detect_namespace(files: Files) -> Namespace | None:
    """Return the distribution of a layer; None when it says nothing."""
    return _from_alpine_release(files) or _from_os_release(files)


def detect_packages(files: Files) -> list[Package]:
    """Return the packages of a layer, each name and version once."""
    found = [*_dpkg_packages(_lines(files, DPKG_STATUS)), *_apk_packages(_lines(files, APK_INSTALLED))]
    return list(dict.fromkeys(found))


def has_rpm_database(files: Files) -> bool:
    """Return whether there is an rpm database of the old form; the newer forms are not looked at."""
    return bool(files.get(RPM_PACKAGES))


def _from_alpine_release(files: Files) -> Namespace | None:
    matches = (_ALPINE_VERSION.fullmatch(line) for line in _lines(files, ALPINE_RELEASE))
    match = next(filter(None, matches), None)
    return Namespace(f"alpine:v{match[1]}.{match[2]}", "dpkg") if match else None


def _from_os_release(files: Files) -> Namespace | None:
    words: dict[str, str] = {}
    for name in OS_RELEASES:
        for line in _lines(files, name):
            key, equals, value = line.partition("=")
            if equals:
                words[key] = value.strip("\"'").lower()
    system, version = words.get("ID", ""), words.get("VERSION_ID", "")
    if system not in _VERSION_FORMATS or not version:
        return None
    return Namespace(f"{system}:{version}", _VERSION_FORMATS[system])


def _dpkg_packages(lines: list[str]) -> Iterator[Package]:
    name = version = ""
    for line in lines:
        key, _, value = line.partition(": ")
        if not line:
            name = version = ""
        elif key == "Package":
            name, version = value.strip(), ""
        elif key == "Source" and (match := _SOURCE.match(value)):
            name, version = match[1], _valid(match[2] or "")
        elif key == "Version" and not version:
            version = _valid(value.strip())
        if name and version:
            yield Package(name, version)
            name = version = ""


def _apk_packages(lines: list[str]) -> Iterator[Package]:
    name = ""
    for line in lines:
        if line.startswith("P:"):
            name = line[2:]
        elif line.startswith("V:") and name and _valid(line[2:]):
            yield Package(name, line[2:])
            name = ""


def _valid(version: str) -> str:
    """Return the version, or nothing when Clair would leave it out."""
    return version if is_valid(version) else ""


def _lines(files: Files, name: str) -> list[str]:
    return files.get(name, b"").decode(errors="replace").splitlines()
