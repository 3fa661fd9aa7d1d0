"""CycloneDX 1.6 with VEX: for tools that keep inventories and vulnerabilities (Dependency-Track and others).

It is not a complete inventory: only packages with vulnerabilities are components. What is not known of an image is a
property of it, and an entry of ``vulnerabilities`` that is ``in_triage``, since many tools show nothing else.

`bom.py` writes the bill of materials with its components, `vulnerabilities.py` the entries. CycloneDX's own library is
not used for it: it has to have all images in memory, and sorts every set of each.

Source: ECMA-424, CycloneDX 1.6.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from ...reporter import ReportJob, TextReporter

__all__ = ["CycloneDxReporter"]


class CycloneDxReporter(TextReporter, contract=1):
    """The document as a bill of materials with its vulnerabilities."""

    description = "CycloneDX 1.6 JSON with VEX, for inventories of components and vulnerabilities"

    def __init__(self) -> None:
        if find_spec("packageurl") is None:
            raise ImportError("it needs a library of its own; try: pip install 'portus-scan[cyclonedx]'")

    def render(self, job: ReportJob) -> Iterator[str]:
        """Yield the document, a component or an entry at a time."""
        from .bom import bom_pieces

        yield from bom_pieces(job.document)
