"""Findings of several scanners -> vulnerabilities and a verdict. Pure functions.

``names`` says which names mean one vulnerability, ``packages`` which findings are in the same package; ``ecosystems``
and ``package_urls`` know what distributions, packages and their kinds are called, for all who compare them.
``image_report`` makes one vulnerability of such findings, and the report of an image. ``docs/reference/merging.md`` has
the rules for users.
"""

from __future__ import annotations

from .ecosystems import PACKAGE_TYPES, canonical_name, canonical_namespace, canonical_version, kind_of
from .image_report import SAID_TOGETHER, finding_order, judge, make_image_report
from .package_urls import PackageUrl, read_purl

__all__ = [
    "PACKAGE_TYPES",
    "SAID_TOGETHER",
    "PackageUrl",
    "canonical_name",
    "canonical_namespace",
    "canonical_version",
    "finding_order",
    "judge",
    "kind_of",
    "make_image_report",
    "read_purl",
]
