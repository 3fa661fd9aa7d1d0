"""What a report says of how far its program has seen an image, as a case for tests."""

from __future__ import annotations

from attrs import frozen
from portus_scanners import Outcome

CONFIG = "sha256:" + "c" * 64
"""The digest of the configuration of the image that the reports are about."""
OTHER = "sha256:" + "e" * 64
"""That of another image."""


@frozen
class ReportCase:
    """A report of some program, and what any reader of its form makes of it.

    Attributes:
        name: What it is about.
        content: The report, as the program writes it.
        outcome: How a run with this report ends; FAILED for a report that is not valid.
        findings: How many findings it has.
        end_of_life: The distribution whose support has ended, as the report of the scanner has it.
        told: What one of the notes, or the error, says.
    """

    name: str
    content: str
    outcome: Outcome
    findings: int = 0
    end_of_life: str = ""
    told: str = ""
