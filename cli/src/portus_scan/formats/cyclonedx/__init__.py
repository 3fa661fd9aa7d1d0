"""CycloneDX 1.6 with VEX: for tools that keep inventories and vulnerabilities (Dependency-Track and others).

It is not a complete inventory: only packages with vulnerabilities are components. What is not known of an image is a
property of it, and an entry of ``vulnerabilities`` that is ``in_triage``, since many tools show nothing else.

`bom.py` makes the bill of materials with its components, `vulnerabilities.py` the entries. Both need a library that
takes 0.2 s to import, so that they are imported when a document is rendered.

Source: ECMA-424, CycloneDX 1.6.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.util import find_spec

from ...reporter import ReportJob, TextReporter

__all__ = ["CycloneDxReporter"]


class CycloneDxReporter(TextReporter, contract=1):
    """The document as a bill of materials with its vulnerabilities."""

    description = "CycloneDX 1.6 JSON with VEX, for inventories of components and vulnerabilities"

    def __init__(self) -> None:
        if find_spec("cyclonedx") is None or find_spec("packageurl") is None:
            raise ImportError("it needs libraries of its own; try: pip install 'portus-scan[cyclonedx]'")

    def render(self, job: ReportJob) -> Iterator[str]:
        """Yield the document in one piece."""
        from cyclonedx.output.json import JsonV1Dot6

        from .bom import make_bom
        from .vulnerabilities import order_ratings

        bom = json.loads(JsonV1Dot6(make_bom(job.document)).output_as_string())
        for entry in bom.get("vulnerabilities", ()):
            order_ratings(entry)
        yield json.dumps(bom)
        yield "\n"
