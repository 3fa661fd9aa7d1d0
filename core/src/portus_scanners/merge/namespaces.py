"""Which names of a distribution mean the same: ``debian:12`` and ``debian:12.5``."""

from __future__ import annotations

import re

_RELEASE = re.compile(r"(?P<family>[a-z][a-z0-9_.-]*):v?(?P<version>[0-9]+(?:\.[0-9]+)*)", re.ASCII)
_BY_MAJOR = frozenset({"alma", "centos", "debian", "oracle", "redhat", "rhel", "rocky"})
"""Distributions whose minor releases have the same advisories; elsewhere the second number counts as well."""


def comparable(namespace: str) -> str:
    """Return what is the same for all names of one release: ``debian:12``, ``alpine:3.19``, ``ubuntu:22.04``.

    A namespace of another form (``npm``) is returned as it is.
    """
    match = _RELEASE.fullmatch(namespace.casefold())
    if match is None:
        return namespace
    numbers = match["version"].split(".")[: 1 if match["family"] in _BY_MAJOR else 2]
    return f"{match['family']}:{'.'.join(numbers)}"
