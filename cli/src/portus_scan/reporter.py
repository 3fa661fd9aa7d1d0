r"""The contract with a format: what turns a report document into text or into files.

::

    [project.entry-points."portus.reporters"]
    acme = "acme_reporter:AcmeReporter"

    class AcmeReporter(TextReporter, contract=1):
        description = "one line an image"

        def render(self, job: ReportJob) -> Iterator[str]:
            for report in job.document.reports:
                yield f"{report.image.reference.text} {report.verdict.value}\n"

A format is a pure function of its job: it neither reads nor writes anything itself, and everything in a document that
comes from an image, a registry or a backend is hostile text.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar

from attrs import field, frozen
from portus_scanners import ReportDocument, Severity

from .surface import Surface

__all__ = ["FolderReporter", "ReportFile", "ReportJob", "Reporter", "TextReporter"]

SUPPORTED_REPORTER_CONTRACTS = frozenset({1})
"""The contract numbers of formats that this core knows."""


@frozen(kw_only=True)
class ReportJob:
    """What a format is given.

    Attributes:
        baseline: An earlier document to compare with.
        min_severity: What people read leaves out what is lower, and says how much; other formats have everything.
        show_all: No limit on the number of rows.
    """

    document: ReportDocument
    baseline: ReportDocument | None = None
    min_severity: Severity = Severity.UNKNOWN
    show_all: bool = False
    surface: Surface = field(factory=Surface)


@frozen(kw_only=True)
class ReportFile:
    """One file of a format that writes a folder.

    Attributes:
        path: Relative, with slashes; without ``..``.
    """

    path: str
    content: bytes = field(repr=False)


class Reporter(ABC):
    """A format. Derive from `TextReporter` or `FolderReporter`, and state the contract in the class statement."""

    contract: ClassVar[int]
    description: ClassVar[str] = ""
    """What a list of formats says of it, in a few words."""

    def __init_subclass__(cls, *, contract: int | None = None, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        if contract is not None:
            cls.contract = contract


class TextReporter(Reporter):
    """A format that is one text."""

    @abstractmethod
    def render(self, job: ReportJob) -> Iterable[str]:
        """Return the text in pieces, in order; it ends with a newline."""


class FolderReporter(Reporter):
    """A format that is a folder of files."""

    @abstractmethod
    def render(self, job: ReportJob) -> Iterable[ReportFile]:
        """Return the files, each path once."""
